/**
 * An error with a stable code in lower_snake_case, which is API: docs/reference/errors.md lists every one, and a test holds the two
 * together. What a code means over HTTP is the HTTP package's to say.
 */
export abstract class CodedError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}
