import type { IncomingMessage } from 'node:http';
import {
  type HttpMetrics,
  isReadYourWrites,
  MethodNotAllowedError,
  NotFoundError,
  type RequestHandler,
} from '@lakh/http';
import { type Clock, DEFAULT_DOMAIN_ID, LinkGoneError, LinkNotFoundError, outcomeOf, type Resolver } from '@lakh/links';
import express, { type ErrorRequestHandler, type Request, type Response } from 'express';
import { sendFailure } from './failure.js';
import type { L1Cache } from './l1-cache.js';
import { type AnswerOf, sendRedirect } from './redirect-response.js';

export interface RedirectAppOptions {
  readonly resolver: Resolver;
  readonly l1: L1Cache;
  readonly answerOf: AnswerOf;
  readonly clock: Clock;
  readonly metrics: HttpMetrics<'redirect'>;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
}

/** Everything that the fast lane leaves: codes that L1 does not hold, errors, other methods, odd request targets. */
export function createRedirectApp(options: RedirectAppOptions): RequestHandler {
  const { resolver, l1, answerOf, clock, metrics, onError } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.set('case sensitive routing', true);
  app.set('strict routing', true);

  app.use((_request, response, next) => {
    const startedMs = performance.now();
    response.once('close', () =>
      metrics.observe('redirect', response.statusCode, (performance.now() - startedMs) / 1000),
    );
    next();
  });

  async function redirect(request: Request<{ code: string }>, response: Response): Promise<void> {
    const { code } = request.params;
    const askedMs = clock.nowMs();
    const { cookie } = request.headers;
    const fresh = cookie !== undefined && isReadYourWrites(cookie, askedMs);
    const held = fresh ? undefined : l1.get(`/${code}`, askedMs);
    l1.count(held ? 'hit' : 'miss');
    if (held) {
      // A hit that came with a query string, which the fast lane's key does not have.
      sendRedirect(response, held);
      return;
    }
    const link = await resolver.resolve(DEFAULT_DOMAIN_ID, code, { fresh });
    const nowMs = clock.nowMs();
    if (link === undefined) throw new LinkNotFoundError('There is no link with this code.');
    if (link.state === 'deleted') throw new LinkGoneError('This link was deleted.');
    if (outcomeOf(link, nowMs) === 'gone') throw new LinkGoneError('This link has expired.');
    sendRedirect(response, answerOf(link, nowMs));
  }

  app.all('/:code', async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new MethodNotAllowedError(['GET', 'HEAD']);
    await redirect(request, response);
  });
  app.use(() => {
    throw new NotFoundError('There is nothing here.');
  });
  const answerError: ErrorRequestHandler = (error, request, response, _next) => {
    if (sendFailure(request, response, error) >= 500) onError(error, request);
  };
  app.use(answerError);
  return app;
}
