/**
 * What an operator's tool asks of a running server, in JSON: `POST /<name>` on a port of loopback, for whoever can read the door, a file
 * of mode 0600 beside the server's data that holds the address and a token, both new at each start. A file, not a socket in the file
 * system: a folder's name may be longer than a socket's may (107 bytes), and shared and mounted folders often take no sockets.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '@lakh/base';
import {
  BadRequestError,
  createHttpServer,
  listen,
  MethodNotAllowedError,
  NotFoundError,
  readJson,
  securityHeaders,
  toProblem,
  UnauthorizedError,
  UnsupportedMediaTypeError,
} from '@lakh/http';

/** Takes and gives plain JSON. What it throws is told to the caller with its message, if its code may be an answer. */
export type Operation = (argument: unknown) => Promise<unknown>;

/** What a door holds. */
export interface Door {
  readonly url: string;
  readonly token: string;
}

export interface OperationsListenerOptions {
  readonly operations: ReadonlyMap<string, Operation>;
  /** Where the door goes, in a folder that this process may write. */
  readonly door: string;
  readonly onError: (error: unknown) => void;
}

/** The door's file system shows everybody's files to everybody. */
export class DoorNotPrivateError extends CodedError {
  readonly code = 'door_not_private';
}

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Opens the listener and writes its door.
 *
 * @returns closes both
 * @throws DoorNotPrivateError: there is no listener, and no door
 */
export async function openOperations(options: OperationsListenerOptions): Promise<() => Promise<void>> {
  const { operations, door, onError } = options;
  const token = randomBytes(32).toString('base64url');
  const sum = sumOf(`Bearer ${token}`);
  const http = createHttpServer({
    own: {},
    async handler(request, response) {
      if (!timingSafeEqual(sumOf(request.headers.authorization ?? ''), sum)) {
        throw new UnauthorizedError('Operations are for who can read the data folder.');
      }
      await answerOperation(operations, request, response);
    },
    limits: { maxInFlight: 64, maxConnections: 256 },
    onError,
  });
  const { url } = await listen(http, { host: '127.0.0.1', port: 0 });
  const close = async (): Promise<void> => {
    rmSync(door, { force: true });
    await http.drain(0);
  };
  try {
    writeDoor(door, { url, token });
  } catch (error) {
    await close();
    throw error;
  }
  return close;
}

/** Undefined: there is none, or what is there is none. */
export function readDoor(file: string): Door | undefined {
  try {
    const { url, token } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Door>;
    return typeof url === 'string' && typeof token === 'string' ? { url, token } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole from its first moment, and nobody else's at any. */
function writeDoor(file: string, door: Door): void {
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, JSON.stringify(door), { mode: 0o600, flag: 'wx' });
  // Windows has no such modes; the folder's owner decides there.
  if (process.platform !== 'win32' && (statSync(draft).mode & 0o077) !== 0) {
    rmSync(draft);
    throw new DoorNotPrivateError(`${file} would be readable by others: its file system keeps no modes`);
  }
  renameSync(draft, file);
}

async function answerOperation(
  operations: OperationsListenerOptions['operations'],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const run = operations.get((request.url ?? '').slice(1));
  if (run === undefined) throw new NotFoundError('This server has no such operation.');
  if (request.method !== 'POST') throw new MethodNotAllowedError(['POST']);
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new UnsupportedMediaTypeError('An operation takes application/json.');
  }
  const { status, answer } = await outcomeOf(run, requireObject(await readJson(request, MAX_BODY_BYTES)));
  const body = JSON.stringify(answer);
  response.writeHead(status, {
    ...securityHeaders,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

async function outcomeOf(
  run: Operation,
  argument: unknown,
): Promise<{ readonly status: number; readonly answer: unknown }> {
  try {
    return { status: 200, answer: { answer: await run(argument) } };
  } catch (error) {
    const { status, body } = toProblem(error);
    if (body.code === 'internal') throw error;
    // Unlike a caller of the API, whoever asks here may know what is inside.
    return { status, answer: { error: { code: body.code, message: (error as Error).message } } };
  }
}

function requireObject(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new BadRequestError('The argument is not a JSON object.');
}

const sumOf = (text: string): Buffer => createHash('sha256').update(text).digest();
