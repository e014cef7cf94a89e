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

/** Whoever asks may not do this: for want of a right, or for the way they came. The message is for them. */
export class ForbiddenError extends CodedError {
  readonly code = 'forbidden';
}

/** One invalid input field. `reason` is a sentence for people, `rule` a stable word for programs. */
export interface FieldProblem {
  readonly field: string;
  readonly rule: string;
  readonly reason: string;
}
