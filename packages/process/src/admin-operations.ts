/**
 * `/ops/<name>` on the admin listener: what an operator's tool asks of a running server, in JSON. Answered to this machine alone,
 * wherever the listener binds. What may change something is a POST with `content-type: application/json`, which no page
 * in a browser can send across origins without being refused first.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  BadRequestError,
  ForbiddenError,
  MalformedJsonError,
  MethodNotAllowedError,
  NotFoundError,
  readJson,
  toProblem,
  UnsupportedMediaTypeError,
} from '@lakh/http';
import { isLoopback } from '@lakh/settings';

export interface AdminOperation {
  readonly writes: boolean;
  /** Takes and gives plain JSON. What it throws is told to the caller with its message, if its code may be an answer. */
  run(argument: unknown): Promise<unknown>;
}

export type AdminOperations = ReadonlyMap<string, AdminOperation>;

export const OPERATIONS_PATH = '/ops/';
const MAX_BODY_BYTES = 1024 * 1024;

/** Answers one request whose path begins with {@link OPERATIONS_PATH}. Rejects with a `ProblemError` for what is no such call. */
export async function answerOperation(
  operations: AdminOperations,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isLoopback(request.socket.remoteAddress ?? '')) {
    throw new ForbiddenError('Operations are answered to this machine only.');
  }
  const url = new URL(request.url ?? '', 'http://admin');
  const operation = operations.get(url.pathname.slice(OPERATIONS_PATH.length));
  if (operation === undefined) throw new NotFoundError('This server has no such operation.');
  const method = operation.writes ? 'POST' : 'GET';
  if (request.method !== method) throw new MethodNotAllowedError([method]);
  const argument = operation.writes ? await bodyOf(request) : parse(url.searchParams.get('argument') ?? '{}');
  const { status, answer } = await outcomeOf(operation, argument);
  const body = JSON.stringify(answer);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

async function outcomeOf(
  operation: AdminOperation,
  argument: unknown,
): Promise<{ readonly status: number; readonly answer: unknown }> {
  try {
    return { status: 200, answer: { answer: await operation.run(argument) } };
  } catch (error) {
    const { status, body } = toProblem(error);
    if (body.code === 'internal') throw error;
    // Unlike a caller of the API, whoever asks here may know what is inside.
    return { status, answer: { error: { code: body.code, message: (error as Error).message } } };
  }
}

async function bodyOf(request: IncomingMessage): Promise<object> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new UnsupportedMediaTypeError('An operation takes application/json.');
  }
  return requireObject(await readJson(request, MAX_BODY_BYTES));
}

function parse(text: string): object {
  try {
    return requireObject(JSON.parse(text));
  } catch (error) {
    throw error instanceof SyntaxError ? new MalformedJsonError('The argument is not valid JSON.') : error;
  }
}

function requireObject(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new BadRequestError('The argument is not a JSON object.');
}
