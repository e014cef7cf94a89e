/** Errors of HTTP itself. What each code means on the wire is problem-table.ts's to say. */
import { CodedError, type FieldProblem } from '@lakh/base';

export { ForbiddenError } from '@lakh/base';

/** Its message is for the client: it holds nothing about the inside. */
export abstract class ProblemError extends CodedError {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>> = {};
}

export class BadRequestError extends ProblemError {
  readonly code = 'bad_request';
}

export class MalformedJsonError extends ProblemError {
  readonly code = 'malformed_json';
}

export class UnauthorizedError extends ProblemError {
  readonly code = 'unauthorized';
  override readonly headers = { 'www-authenticate': 'Bearer' };
}

export class NotFoundError extends ProblemError {
  readonly code = 'not_found';
}

export class MethodNotAllowedError extends ProblemError {
  readonly code = 'method_not_allowed';
  override readonly headers: Readonly<Record<string, string>>;
  constructor(allowed: readonly string[]) {
    super(`Only ${allowed.join(', ').replace(/, (?=\w+$)/, ' and ')} can be used here.`);
    this.headers = { allow: allowed.join(', ') };
  }
}

export class RequestTimeoutError extends ProblemError {
  readonly code = 'request_timeout';
}

export class PayloadTooLargeError extends ProblemError {
  readonly code = 'payload_too_large';
}

export class UriTooLongError extends ProblemError {
  readonly code = 'uri_too_long';
}

export class UnsupportedMediaTypeError extends ProblemError {
  readonly code = 'unsupported_media_type';
}

export class ExpectationFailedError extends ProblemError {
  readonly code = 'expectation_failed';
}

/** The request is meant for another server than this one. */
export class MisdirectedRequestError extends ProblemError {
  readonly code = 'misdirected_request';
}

/** The request is well formed, but a field is missing, of a wrong type, unknown or invalid. */
export class InvalidRequestError extends ProblemError {
  readonly code = 'invalid_request';
  readonly problems: readonly FieldProblem[];
  constructor(problems: readonly FieldProblem[]) {
    // What is wrong with the body as a whole has no field.
    super(
      problems.map(({ field, reason }) => (field === '' ? `The body ${reason}` : `${field}: ${reason}`)).join('; '),
    );
    this.problems = problems;
  }
}

/** One client has had what one client may have in a minute. */
export class RateLimitedError extends ProblemError {
  readonly code = 'rate_limited';
  override readonly headers: Readonly<Record<string, string>>;
  /** @param what as a part of a sentence: "Too many … ." */
  constructor(what: string, waitMs: number) {
    const waitS = Math.max(1, Math.ceil(waitMs / 1000));
    super(`Too many ${what}; try again in ${waitS === 1 ? 'a second' : `${waitS} seconds`}.`);
    this.headers = { 'retry-after': String(waitS) };
  }
}

export class HeadersTooLargeError extends ProblemError {
  readonly code = 'headers_too_large';
}

export class InternalError extends ProblemError {
  readonly code = 'internal';
}

/** More is in flight than the server has agreed to hold. */
export class OverloadedError extends ProblemError {
  readonly code = 'overloaded';
  readonly retryAfterS = 1;
}

/** The server stops, and has begun nothing of what this is told of. */
export class StoppingError extends ProblemError {
  readonly code = 'stopping';
  readonly retryAfterS = 1;
}

/** A client has more in flight than it is given while others need places too. */
export class TooManyInFlightError extends ProblemError {
  readonly code = 'too_many_in_flight';
  override readonly headers = { 'retry-after': '1' };
}
