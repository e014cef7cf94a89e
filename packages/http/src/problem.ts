/** The one place that turns any error into problem details (RFC 9457). */
import type { ServerResponse } from 'node:http';
import { CodedError, type FieldProblem } from '@lakh/base';
import { type Answer, sendAnswer } from './answer.js';
import {
  BadRequestError,
  InternalError,
  MalformedJsonError,
  NotFoundError,
  PayloadTooLargeError,
  ProblemError,
  UnsupportedMediaTypeError,
  UriTooLongError,
} from './errors.js';
import { statusOf } from './problem-table.js';
import { securityHeaders } from './request-context.js';

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
  /** Until when what was deleted can be brought back by who is told; RFC 3339. */
  readonly restorable_until?: string;
}

export interface Problem {
  readonly status: number;
  /** Lower-case names; `content-type`, `cache-control` and what every answer has are included. */
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

/** What an error may say of itself beside its code. */
interface Answerable extends CodedError {
  readonly problems?: readonly FieldProblem[];
  readonly retryAfterS?: number;
  readonly restorableUntilMs?: number | undefined;
  /** A sentence that its author vouches for: it tells a client nothing about the inside. */
  readonly publicDetail?: string;
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

function frameworkRefusal(error: unknown): ProblemError | undefined {
  const status = fieldOf(error, 'status');
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  const make = bodyParserRefusals[String(fieldOf(error, 'type'))] ?? refusalsByStatus[status];
  return make?.() ?? new BadRequestError('The request could not be understood.');
}

/** Words of codes that are not written as other words are. */
const SPELLINGS: Readonly<Record<string, string>> = { ids: 'IDs', json: 'JSON', uri: 'URI', zookeeper: 'ZooKeeper' };

function titleOf(code: string): string {
  const words = code.split('_').map((word) => SPELLINGS[word] ?? word);
  return words.join(' ').replace(/^./, (first) => first.toUpperCase());
}

/** The message, unless it may tell about the inside: a 5xx of another package quotes whatever failed below it, or says what may be told. */
function detailOf(error: Answerable, status: number): string {
  if (status < 500 || error instanceof ProblemError) return error.message;
  if (typeof error.publicDetail === 'string') return error.publicDetail;
  return status === 503 ? 'This cannot be answered right now; try again later.' : 'Something went wrong here.';
}

/**
 * Problem details of any error. An error whose code the table knows keeps it; one with nothing but a 4xx status (express, body-parser)
 * gets the matching code; everything else is a 500 that tells nothing.
 */
export function toProblem(error: unknown): Problem {
  const known: Answerable =
    error instanceof CodedError && statusOf(error.code) !== undefined
      ? error
      : (frameworkRefusal(error) ?? new InternalError('Something went wrong here.'));
  const { code, problems, retryAfterS, restorableUntilMs } = known;
  const status = statusOf(code) ?? 500;
  const waitS = retryAfterS ?? (status === 503 ? DEFAULT_RETRY_AFTER_S : undefined);
  return {
    status,
    headers: {
      ...securityHeaders,
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(known instanceof ProblemError ? known.headers : {}),
      ...(waitS === undefined ? {} : { 'retry-after': String(Math.ceil(waitS)) }),
    },
    body: {
      type: `urn:lakh:error:${code}`,
      title: titleOf(code),
      status,
      code,
      detail: detailOf(known, status),
      ...(problems ? { errors: problems } : {}),
      ...(restorableUntilMs === undefined ? {} : { restorable_until: new Date(restorableUntilMs).toISOString() }),
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
  sendAnswer(response, problemAnswer(problem), isHead);
  return problem;
}

export function problemAnswer({ status, headers, body }: Problem): Answer {
  const text = JSON.stringify(body);
  return { status, headers: { ...headers, 'content-length': Buffer.byteLength(text) }, body: text };
}
