import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerError, CLIENT_GONE, type HttpMetrics, type PlainLane, type RequestHead } from '@lakh/http';
import { isPossibleCode, isReservedWord } from '@lakh/links';
import type { Follow } from './follow-link.js';
import { sendFollowed } from './redirect-response.js';
import { redirectRoutes } from './redirect-routes.js';

export interface MissLaneOptions {
  readonly follow: Follow;
  readonly metrics: HttpMetrics<'redirect'>;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: RequestHead) => void;
}

const { label, errors } = redirectRoutes.followLink;

/**
 * Follows the links that L1 does not hold before express, whose routing costs several times as much as asking Redis (`npm run bench -- data`).
 * Whatever is the least unusual goes to express, which ends in the same `follow`.
 */
export function createMissLane({ follow, metrics, onError }: MissLaneOptions): PlainLane {
  async function answer(request: IncomingMessage, response: ServerResponse, code: string): Promise<void> {
    const startedMs = performance.now();
    try {
      sendFollowed(response, await follow(request, code));
    } catch (error) {
      answerError(errors, request, response, error, onError);
    }
    // The answer may be over by now: what tells is whether its connection has gone before it.
    const status = request.socket.destroyed ? CLIENT_GONE : response.statusCode;
    metrics.observe(label, status, (performance.now() - startedMs) / 1000);
  }

  return (request, response) => {
    const { method, url = '' } = request;
    if (method !== 'GET' && method !== 'HEAD') return undefined;
    const code = url.slice(1);
    return isPossibleCode(code) && !isReservedWord(code) ? answer(request, response, code) : undefined;
  };
}
