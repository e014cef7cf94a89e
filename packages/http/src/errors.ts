/**
 * Errors of HTTP itself, and the one place that turns any error into problem details (RFC 9457). The codes are API:
 * docs/reference/errors.md lists them and a test holds the two together.
 */
import type { ServerResponse } from 'node:http';

/** One invalid input field. `reason` is a sentence for people, `rule` a stable word for programs. */
export interface FieldProblem {
  readonly field: string;
  readonly rule: string;
  readonly reason: string;
}

/** Its message is for the client: it holds nothing about the inside. */
export abstract class ProblemError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>> = {};
  override get name(): string {
    return this.constructor.name;
  }
}

export class BadRequestError extends ProblemError {
  readonly code = 'bad_request';
  readonly status = 400;
}

export class MalformedJsonError extends ProblemError {
  readonly code = 'malformed_json';
  readonly status = 400;
}

export class UnauthorizedError extends ProblemError {
  readonly code = 'unauthorized';
  readonly status = 401;
  override readonly headers = { 'www-authenticate': 'Bearer' };
}

export class ForbiddenError extends ProblemError {
  readonly code = 'forbidden';
  readonly status = 403;
}

export class NotFoundError extends ProblemError {
  readonly code = 'not_found';
  readonly status = 404;
}

export class MethodNotAllowedError extends ProblemError {
  readonly code = 'method_not_allowed';
  readonly status = 405;
  override readonly headers: Readonly<Record<string, string>>;
  constructor(allowed: readonly string[]) {
    super(`Only ${allowed.join(' and ')} can be used here.`);
    this.headers = { allow: allowed.join(', ') };
  }
}

export class RequestTimeoutError extends ProblemError {
  readonly code = 'request_timeout';
  readonly status = 408;
}

export class PayloadTooLargeError extends ProblemError {
  readonly code = 'payload_too_large';
  readonly status = 413;
}

export class UriTooLongError extends ProblemError {
  readonly code = 'uri_too_long';
  readonly status = 414;
}

export class UnsupportedMediaTypeError extends ProblemError {
  readonly code = 'unsupported_media_type';
  readonly status = 415;
}

export class ExpectationFailedError extends ProblemError {
  readonly code = 'expectation_failed';
  readonly status = 417;
}

/** The request is well formed, but a field is missing, of a wrong type, unknown or invalid. */
export class InvalidRequestError extends ProblemError {
  readonly code = 'invalid_request';
  readonly status = 422;
  readonly problems: readonly FieldProblem[];
  constructor(problems: readonly FieldProblem[]) {
    super(problems.map(({ field, reason }) => `${field}: ${reason}`).join('; '));
    this.problems = problems;
  }
}

export class HeadersTooLargeError extends ProblemError {
  readonly code = 'headers_too_large';
  readonly status = 431;
}

export class InternalError extends ProblemError {
  readonly code = 'internal';
  readonly status = 500;
}

/** More is in flight than the server has agreed to hold. */
export class OverloadedError extends ProblemError {
  readonly code = 'overloaded';
  readonly status = 503;
  readonly retryAfterS = 1;
}

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
}

export interface Problem {
  readonly status: number;
  /** Lower-case names; `content-type` and `cache-control` included. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemBody;
}

/** Seconds a client is asked to wait after a 503 whose error says nothing else. */
const DEFAULT_RETRY_AFTER_S = 1;

/** What `body-parser` calls its refusals (`error.type`). */
const bodyParserRefusals: Readonly<Record<string, () => ProblemError>> = {
  'entity.parse.failed': () => new MalformedJsonError('The body is not valid JSON.'),
  'entity.too.large': () => new PayloadTooLargeError('The body is too large.'),
  'encoding.unsupported': () => new UnsupportedMediaTypeError('The content encoding is not supported.'),
  'charset.unsupported': () => new UnsupportedMediaTypeError('The charset is not supported.'),
};

/** What a status alone can say; for refusals of the framework that carry nothing but their status. */
const refusalsByStatus: Readonly<Record<number, () => ProblemError>> = {
  404: () => new NotFoundError('There is nothing here.'),
  413: () => new PayloadTooLargeError('The body is too large.'),
  414: () => new UriTooLongError('The request target is too long.'),
  415: () => new UnsupportedMediaTypeError('The media type is not supported.'),
};

interface CodedError {
  readonly code: string;
  readonly status: number;
  readonly message: string;
  readonly problems?: readonly FieldProblem[];
  readonly retryAfterS?: number;
  /** A sentence that its author vouches for: it tells a client nothing about the inside. */
  readonly publicDetail?: string;
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

/** Errors of other packages are known by shape, not by class: `code` in lower_snake_case and an HTTP error `status`. */
function isCoded(error: unknown): error is CodedError {
  const [code, status] = [fieldOf(error, 'code'), fieldOf(error, 'status')];
  return (
    error instanceof Error &&
    typeof code === 'string' &&
    /^[a-z][a-z0-9_]*$/.test(code) &&
    Number.isInteger(status) &&
    Number(status) >= 400 &&
    Number(status) <= 599
  );
}

function frameworkRefusal(error: unknown): ProblemError | undefined {
  const status = fieldOf(error, 'status');
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  const make = bodyParserRefusals[String(fieldOf(error, 'type'))] ?? refusalsByStatus[status];
  return make?.() ?? new BadRequestError('The request could not be understood.');
}

/** The message, unless it may tell about the inside: a 5xx of another package quotes whatever failed below it, or says what may be told. */
function detailOf(error: CodedError): string {
  if (error.status < 500 || error instanceof ProblemError) return error.message;
  if (typeof error.publicDetail === 'string') return error.publicDetail;
  return error.status === 503 ? 'This cannot be answered right now; try again later.' : 'Something went wrong here.';
}

/**
 * Problem details of any error. An error with a `code` in lower_snake_case and a `status` keeps both; one with nothing but a 4xx
 * status (express, body-parser) gets the matching code; everything else is a 500 that tells nothing.
 */
export function toProblem(error: unknown): Problem {
  const known: CodedError = isCoded(error)
    ? error
    : (frameworkRefusal(error) ?? new InternalError('Something went wrong here.'));
  const { code, status, problems, retryAfterS } = known;
  const words = code.replaceAll('_', ' ');
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(known instanceof ProblemError ? known.headers : {}),
      ...(status === 503 ? { 'retry-after': String(Math.ceil(retryAfterS ?? DEFAULT_RETRY_AFTER_S)) } : {}),
    },
    body: {
      type: `urn:lakh:error:${code}`,
      title: words.charAt(0).toUpperCase() + words.slice(1),
      status,
      code,
      detail: detailOf(known),
      ...(problems ? { errors: problems } : {}),
    },
  };
}

/**
 * Answers with the problem details of `error`, without a body to HEAD. Does nothing but cut the connection when an answer
 * has begun already: its length is promised, and half of it would be taken for the whole.
 */
export function sendProblem(
  response: ServerResponse,
  error: unknown,
  isHead = response.req?.method === 'HEAD',
): Problem {
  const problem = toProblem(error);
  if (response.headersSent) {
    if (!response.writableEnded) response.destroy();
    return problem;
  }
  const body = JSON.stringify(problem.body);
  response.writeHead(problem.status, { ...problem.headers, 'content-length': Buffer.byteLength(body) });
  response.end(isHead ? undefined : body);
  return problem;
}
