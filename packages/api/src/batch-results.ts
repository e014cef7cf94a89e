import type { IncomingMessage } from 'node:http';
import { type ProblemBody, type RouteResponse, toProblem } from '@lakh/http';
import { InvalidLinkError } from '@lakh/links';
import { asInvalidRequest } from './create-link.js';
import type { LinkJson } from './link-json.js';

/** What became of one link of a batch, as its answer tells it beside where it was. */
export interface ItemResult {
  readonly status: number;
  readonly link?: LinkJson;
  readonly etag?: string;
  readonly replayed?: true;
  readonly code?: string;
  readonly problem?: ProblemBody;
}

/** Does what one item of a batch asks for. Never rejects: what it fails with is a result. */
export type ItemWork = (item: unknown) => Promise<ItemResult>;

export type OnError = (error: unknown, request: IncomingMessage) => void;

/**
 * Makes results of errors. Of what is this server's own fault each kind is told once a batch: a thousand links may fail for one reason.
 */
export function createFailures(request: IncomingMessage, onError: OnError): (error: unknown) => ItemResult {
  const told = new Set<string>();
  return (error) => {
    const { status, body } = toProblem(error instanceof InvalidLinkError ? asInvalidRequest(error) : error);
    if (status >= 500 && !told.has(body.code)) {
      told.add(body.code);
      onError(error, request);
    }
    return { status, problem: body };
  };
}

/** 200, whatever became of the items: the batch was carried out, and each item has a status of its own. */
export function answerBatch(response: RouteResponse, results: readonly ItemResult[]): void {
  const failed = results.filter(({ problem }) => problem !== undefined).length;
  // No copies: of a thousand links what is made only to be dropped is most of the work.
  const texts = results.map((result, index) => `{"index":${index},${JSON.stringify(result).slice(1)}`);
  const text = `{"succeeded":${results.length - failed},"failed":${failed},"results":[${texts.join(',')}]}`;
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
