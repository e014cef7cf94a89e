import type { IncomingMessage, ServerResponse } from 'node:http';
import { originForm, type RequestHandler } from '@lakh/http';

/** What the gateway does for the distributed system: the API and the page to shorten, everything else to redirect. */
export function createRouter(shorten: RequestHandler, redirect: RequestHandler): RequestHandler {
  return (request: IncomingMessage, response: ServerResponse) => {
    const target = originForm(request.url ?? '/') ?? '';
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    const isShorten = path === '/' || path.startsWith('/api/') || path.startsWith('/-/');
    return (isShorten ? shorten : redirect)(request, response);
  };
}
