import type { IncomingMessage } from 'node:http';
import {
  type ApiOptions,
  BODY_MAX_BYTES,
  type CreateLinkOptions,
  createApi,
  createCreateLane,
  createLinkCreator,
} from '@lakh/api';
import { type HttpMetrics, NotFoundError, type RequestHandler, securityHeaders, sendProblem } from '@lakh/http';
import express, { type ErrorRequestHandler, type RequestHandler as Middleware } from 'express';
import { createPageRoutes } from './page-routes.js';

export interface ShortenAppOptions extends Omit<ApiOptions, 'createLink'>, CreateLinkOptions {
  /** Longest target URL, in characters. */
  readonly urlMaxLength: number;
  readonly metrics: HttpMetrics<'api' | 'page'>;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
}

const API_PATH = '/api/v1/urls';

/** The REST API and the page. Paths that are neither are 404: codes belong to the redirect service. */
export function createShortenApp(options: ShortenAppOptions): RequestHandler {
  const { metrics, onError, authenticate } = options;
  const createLink = createLinkCreator(options);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.set('case sensitive routing', true);
  app.set('strict routing', true);

  app.use(recordInto(metrics));
  app.use(API_PATH, createApi({ ...options, createLink }));
  app.use(createPageRoutes(options));
  app.use(() => {
    throw new NotFoundError('There is nothing here.');
  });
  const answerError: ErrorRequestHandler = (error, request, response, _next) => {
    if (sendProblem(response, error).status >= 500) onError(error, request);
  };
  app.use(answerError);
  return createCreateLane({
    path: API_PATH,
    bodyMaxBytes: BODY_MAX_BYTES,
    createLink,
    authenticate,
    metrics,
    onError,
    otherwise: app,
  });
}

function recordInto(metrics: ShortenAppOptions['metrics']): Middleware {
  return (request, response, next) => {
    const startedMs = performance.now();
    const route = request.path.startsWith('/api/') ? 'api' : 'page';
    response.once('close', () => metrics.observe(route, response.statusCode, (performance.now() - startedMs) / 1000));
    response.set(securityHeaders);
    next();
  };
}
