import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpMetrics, MalformedJsonError, type RequestHandler, sendProblem } from '@lakh/http';
import { type Authenticate, type CreateLink, requireToken } from './create-link.js';

export interface CreateLaneOptions {
  readonly path: string;
  readonly bodyMaxBytes: number;
  readonly createLink: CreateLink;
  readonly authenticate: Authenticate | undefined;
  readonly metrics: HttpMetrics<'api'>;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
  /** Where everything else goes. */
  readonly otherwise: RequestHandler;
}

/**
 * Creates the way that programs send them, answered before express: routing, type matching and body parsing there cost as much
 * as the rest of a create, the store's share of a commit included (`npm run bench -- shorten`). Whatever is the least
 * unusual goes to express, which ends in the same `createLink`.
 */
export function createCreateLane(options: CreateLaneOptions): RequestHandler {
  const { createLink, authenticate, metrics, onError, otherwise } = options;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = performance.now();
    try {
      requireToken(authenticate, request);
      await createLink(response, parseJson(await readBody(request)));
    } catch (error) {
      // A client that left in the middle of its body gets no answer, and there is nobody to blame.
      if (request.destroyed && !request.complete) return;
      if (sendProblem(response, error).status >= 500) onError(error, request);
    }
    metrics.observe('api', response.statusCode, (performance.now() - startedMs) / 1000);
  }

  return (request, response) =>
    isPlainCreate(request, options) ? answer(request, response) : otherwise(request, response);
}

/** A body of known, allowed length, as plain JSON, with no header that asks for anything more. */
function isPlainCreate({ method, url, headers }: IncomingMessage, { path, bodyMaxBytes }: CreateLaneOptions): boolean {
  const length = Number(headers['content-length']);
  return (
    method === 'POST' &&
    url === path &&
    headers['content-type'] === 'application/json' &&
    length > 0 &&
    length <= bodyMaxBytes &&
    headers['content-encoding'] === undefined &&
    headers['idempotency-key'] === undefined
  );
}

/** The length was announced, and Node's parser holds the client to it. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', resolve);
    request.once('error', reject);
  });
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

function parseJson(body: Buffer): unknown {
  // Decoding puts U+FFFD where bytes make no sense, and the link would lead somewhere else than was asked.
  if (!isUtf8(body)) throw new MalformedJsonError('The body is not valid UTF-8.');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new MalformedJsonError('The body is not valid JSON.');
  }
}
