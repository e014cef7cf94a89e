/** Whose pages may use the API from a browser, beside this server's own (CORS): only origins that are named, and never with credentials. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { METHODS } from './route-table.js';

/** All that may be asked from elsewhere. Whoever routes `/api/../x` as `/x` is none of the servers. */
const API = '/api/';

const ALLOWED = ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'Idempotency-Key', 'Prefer'].join(', ');
const EXPOSED = [
  ...['ETag', 'Location', 'Link', 'Retry-After', 'Idempotency-Replayed', 'RateLimit', 'RateLimit-Policy'],
  'X-Request-Id',
].join(', ');

/** How long a browser need not ask again before it asks. */
const PREFLIGHT_MAX_AGE_S = 600;

export interface CrossOrigin {
  /** Whether a page of one of the origins asks, and for the API. */
  lets(request: IncomingMessage): boolean;
  /** Says so to the browser, whatever the answer becomes. A request without `Origin` pays a look for it. */
  tell(request: IncomingMessage, response: ServerResponse): void;
}

/** @param origins as browsers send them: scheme, host and port, without a slash at the end */
export function createCrossOrigin(origins: readonly string[] = []): CrossOrigin | undefined {
  if (origins.length === 0) return undefined;
  const known = new Set(origins);
  const isOfApi = ({ url = '' }: IncomingMessage) => url.startsWith(API);
  return {
    lets: (request) => isOfApi(request) && known.has(request.headers.origin as string),
    tell(request, response) {
      if (!isOfApi(request)) return;
      const { origin } = request.headers;
      if (origin === undefined) return;
      response.setHeader('Vary', 'Origin');
      if (!known.has(origin)) return;
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Expose-Headers', EXPOSED);
    },
  };
}

/** Whether it is a browser's question before a request, from an origin that was told that it may. */
export function isPreflight({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
  return (
    method === 'OPTIONS' &&
    headers['access-control-request-method'] !== undefined &&
    response.hasHeader('access-control-allow-origin')
  );
}

export function answerPreflight(response: ServerResponse): void {
  response.removeHeader('access-control-expose-headers');
  response.writeHead(204, {
    'access-control-allow-methods': METHODS.join(', '),
    'access-control-allow-headers': ALLOWED,
    'access-control-max-age': String(PREFLIGHT_MAX_AGE_S),
  });
  response.end();
}
