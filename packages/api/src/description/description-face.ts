import { createHash } from 'node:crypto';
import { type Face, type RouteHandler, securityHeaders } from '@lakh/http';
import { descriptionRoutes } from './description-routes.js';
import { DOCS_POLICY, renderDocs } from './docs-page.js';
import { readDescription } from './openapi.js';

export interface DescriptionOptions {
  /** What the description names as its server, without a slash at the end. */
  readonly publicUrl: string;
}

const MAX_AGE_S = 300;

/** `/api/v1/openapi.json`, and the same as a page. Both are made once, at the start. */
export function createDescription({ publicUrl }: DescriptionOptions): Face<typeof descriptionRoutes> {
  const description = readDescription(publicUrl);
  return {
    routes: descriptionRoutes,
    headers: securityHeaders,
    handlers: {
      getDescription: fixed('application/json; charset=utf-8', JSON.stringify(description)),
      getDocs: fixed('text/html; charset=utf-8', renderDocs(description), { 'Content-Security-Policy': DOCS_POLICY }),
    },
  };
}

/** The same bytes for everybody, or 304 to who has them. */
function fixed(type: string, text: string, headers: Readonly<Record<string, string>> = {}): RouteHandler {
  const body = Buffer.from(text);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return (request, response) => {
    // A cache must not give one origin what another one is allowed.
    response.set({ ...headers, ETag: etag, 'Cache-Control': `public, max-age=${MAX_AGE_S}`, Vary: 'Origin' });
    if (isKnown(request.headers['if-none-match'], etag)) {
      response.status(304).end();
      return;
    }
    response.set('Content-Type', type);
    response.send(body);
  };
}

/** Not by express, to which "no-cache" means that there is no such tag: `fetch` sends that with each. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}
