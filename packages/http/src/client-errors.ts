/** Answers to what Node's parser refuses, written straight to the socket since there is no response object to use. */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  BadRequestError,
  HeadersTooLargeError,
  MethodNotAllowedError,
  PayloadTooLargeError,
  type ProblemError,
  RequestTimeoutError,
  UriTooLongError,
} from './errors.js';
import { toProblem } from './problem.js';
import { METHODS } from './route-table.js';

const TOO_LATE = 'The request did not arrive in time.';

/** How long a refused client may go on sending, so that it can read why before the connection is reset under it. */
const LINGER_MS = 1000;

/**
 * Writes `error` as a whole HTTP response, stops writing, and closes the connection once the client has, or soon.
 *
 * @returns the status
 */
function writeRawProblem(socket: Duplex, error: ProblemError): number {
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
  socket.once('end', () => socket.destroy());
  const { status, text } = rawProblem(error);
  socket.end(text, () => {
    if (socket.readableEnded) socket.destroy();
  });
  return status;
}

function rawProblem(error: ProblemError): { readonly status: number; readonly text: string } {
  const { status, headers, body } = toProblem(error);
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  return { status, text: `${head.join('\r\n')}\r\n\r\n${text}` };
}

/**
 * Ends a connection at once because its place is needed. One whose request is still arriving is told, and not waited for.
 *
 * @param arriving its response, if that has not begun
 * @returns the status written, if any
 */
export function endWaiting(socket: Duplex, arriving: ServerResponse | undefined): number | undefined {
  if (arriving === undefined || arriving.headersSent || arriving.socket !== socket || !socket.writable) {
    socket.destroy();
    return undefined;
  }
  const { status, text } = rawProblem(
    new RequestTimeoutError('The request arrived too slowly for a server this full.'),
  );
  socket.end(text, () => socket.destroy());
  return status;
}

/** Ends a connection on which nothing has come for as long as a request's headers may take. */
export function answerSilence(socket: Duplex): number {
  return writeRawProblem(socket, new RequestTimeoutError(TOO_LATE));
}

/** CONNECT asks for a tunnel, which this is not. */
export function refuseConnect(socket: Duplex): number {
  const error = new MethodNotAllowedError(METHODS);
  socket.on('error', () => socket.destroy());
  return writeRawProblem(socket, error);
}

/** `rawPacket`: the bytes at hand when the parser gave up. */
function problemOf(error: NodeJS.ErrnoException & { rawPacket?: Buffer }): ProblemError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RequestTimeoutError(TOO_LATE);
    case 'HPE_HEADER_OVERFLOW':
      // No line end in so many bytes: it is the request line that has no end.
      return error.rawPacket && !error.rawPacket.includes('\n')
        ? new UriTooLongError('The request target is too long.')
        : new HeadersTooLargeError('The headers are too large.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new PayloadTooLargeError('The chunk extensions are too large.');
    default:
      return new BadRequestError('This is not an HTTP request that can be understood.');
  }
}

/**
 * @param last the connection's latest unfinished response, if any
 * @returns the status written, or `undefined` when the client is gone or another answer has to go first
 */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  last: ServerResponse | undefined,
): number | undefined {
  // Whatever follows the refused bytes is refused already.
  if (socket.writableEnded) return undefined;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return undefined;
  }
  if (last && !last.writableFinished) {
    if (last.req.complete) {
      // The bad bytes came after a good request: it gets its answer, then the connection ends.
      if (!last.headersSent) last.shouldKeepAlive = false;
      last.once('close', () => socket.destroy());
      return undefined;
    }
    // The bad bytes are the body of the request in hand. Nothing may be written after a part of an answer, nor before an
    // earlier answer (`last.socket` is null while it waits for its turn).
    if (last.headersSent || last.socket !== socket) {
      socket.destroy();
      return undefined;
    }
  }
  return writeRawProblem(socket, problemOf(error));
}
