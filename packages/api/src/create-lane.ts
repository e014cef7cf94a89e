import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerError, CLIENT_GONE, type HttpMetrics, isPlainJson, type PlainLane, readJson } from '@lakh/http';
import { apiRoutes } from './api-routes.js';
import type { Callers } from './callers.js';
import type { CreateLink } from './create-link.js';

export interface CreateLaneOptions {
  readonly createLink: CreateLink;
  readonly callers: Callers;
  readonly metrics: HttpMetrics<'api'>;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
}

const { method, path, body, label, errors, rate } = apiRoutes.createLink;

/**
 * Creates the way that programs send them, answered before express: routing, type matching and body parsing there cost as much
 * as the rest of a create, the store's share of a commit included (`npm run bench -- shorten`). Whatever is the least
 * unusual goes to express, which ends in the same `createLink`, through the same check of the caller and the same reader.
 */
export function createCreateLane(options: CreateLaneOptions): PlainLane {
  const { createLink, callers, metrics, onError } = options;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = performance.now();
    try {
      const actor = callers.actorOf(request);
      callers.admit(rate, request, response, actor);
      await createLink(response, await readJson(request, body.maxBytes), actor);
    } catch (error) {
      answerError(errors, request, response, error, onError);
    }
    // An answer that was just given is not destroyed before the next tick.
    const status = response.destroyed ? CLIENT_GONE : response.statusCode;
    metrics.observe(label, status, (performance.now() - startedMs) / 1000);
  }

  return (request, response) => (isPlainCreate(request) ? answer(request, response) : undefined);
}

function isPlainCreate(request: IncomingMessage): boolean {
  return (
    request.method === method &&
    request.url === path &&
    request.headers['idempotency-key'] === undefined &&
    isPlainJson(request.headers, body)
  );
}
