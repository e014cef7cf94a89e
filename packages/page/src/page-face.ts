import type { IncomingMessage } from 'node:http';
import { type CallerOptions, type CreateLinkOptions, createCallers, linkJson } from '@lakh/api';
import { type Face, type RouteResponse, securityHeaders, toProblem, UnauthorizedError } from '@lakh/http';
import {
  InvalidLinkError,
  isPossibleCode,
  LinkGoneError,
  LinkNotFoundError,
  type LinkStore,
  outcomeOf,
} from '@lakh/links';
import { readForm } from './form-values.js';
import { EMPTY_FORM, type FormValues, fieldError, type PageModel, renderPage } from './page.js';
import { PAGE_CSS, PAGE_JS } from './page-assets.js';
import { pageRoutes } from './page-routes.js';

export interface PageOptions extends CreateLinkOptions, CallerOptions {
  readonly store: Pick<LinkStore, 'find'>;
  /** Whether the form has a field for a token. */
  readonly needsToken: boolean;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
}

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What is wrong with the alias alone. */
const OF_ALIAS: ReadonlySet<string> = new Set(['alias_deleted', 'alias_taken']);

/** The page for people with a browser: a form that creates a link. */
export function createPage(options: PageOptions): Face<typeof pageRoutes> {
  const { domainId, shortener, clock, ryowCookie, publicUrl, needsToken, store, limits, onError } = options;
  const callers = createCallers(options);

  function send(response: RouteResponse, status: number, model: Omit<PageModel, 'needsToken'>): void {
    response
      .status(status)
      .set('Content-Security-Policy', CONTENT_SECURITY_POLICY)
      // With `no-referrer` browsers send `Origin: null` with the page's own form.
      .set('Referrer-Policy', 'same-origin')
      .set('Cache-Control', 'no-store')
      .type('html')
      .send(renderPage({ ...model, needsToken }));
  }

  /** The form again, with what was typed and what is wrong with it. */
  function answerFailure(request: IncomingMessage, response: RouteResponse, values: FormValues, error: unknown): void {
    const { status, headers, body } = toProblem(error);
    if (status >= 500) onError(error, request);
    if (headers['retry-after']) response.set('Retry-After', headers['retry-after']);
    const errors =
      error instanceof UnauthorizedError
        ? { token: 'This is not a valid API key or token.' }
        : error instanceof InvalidLinkError
          ? Object.fromEntries(error.problems.map(({ field, reason }) => [field, fieldError(field, reason)]))
          : { [OF_ALIAS.has(body.code) ? 'alias' : 'form']: body.detail };
    send(response, status, { values, errors });
  }

  return {
    routes: pageRoutes,
    headers: securityHeaders,
    handlers: {
      getPage: (_request, response) => send(response, 200, { values: EMPTY_FORM, errors: {} }),
      getPageStyle: (_request, response) => sendAsset(response, 'css', PAGE_CSS),
      getPageScript: (_request, response) => sendAsset(response, 'js', PAGE_JS),
      /** Nothing that following the link would not tell, whoever asks. */
      async getMadeLink(request, response) {
        limits.admit(pageRoutes.getMadeLink.rate, request, response);
        const code = request.params.code as string;
        const link = isPossibleCode(code) ? await store.find(domainId, code, { fresh: true }) : undefined;
        if (link === undefined) throw new LinkNotFoundError('There is no link with this code.');
        if (link.state === 'deleted') throw new LinkGoneError('This link was deleted.');
        // Who follows it may have to know a password first, or be led elsewhere.
        if (link.terms !== null) throw new LinkNotFoundError('There is no page for this link.');
        if (outcomeOf(link, clock.nowMs()) === 'gone') throw new LinkGoneError('This link has expired.');
        send(response, 200, {
          values: EMPTY_FORM,
          errors: {},
          created: linkJson({ ...link, owner: '', details: null }, publicUrl),
        });
      },
      async submitPage(request, response, body) {
        let fields: unknown;
        try {
          fields = await body();
        } catch (error) {
          if (toProblem(error).status !== 413) throw error;
          answerFailure(request, response, EMPTY_FORM, error);
          return;
        }
        const { values, token, longUrl, expiresAt } = readForm(fields);
        try {
          const shown = needsToken && token !== '' ? `Bearer ${token}` : undefined;
          const actor = callers.whoShows(shown, request);
          callers.admit(pageRoutes.submitPage.rate, request, response, actor);
          const asked = { longUrl, alias: values.alias || undefined, expiresAt };
          const { link } = await shortener.shorten(domainId, asked, actor);
          response.append('Set-Cookie', ryowCookie(clock.nowMs()));
          // To where a reload makes no second link.
          const location = pageRoutes.getMadeLink.path.replace(':code', link.code);
          response.set({ location, 'cache-control': 'no-store' }).status(303).end();
        } catch (error) {
          answerFailure(request, response, values, error);
        }
      },
    },
  };
}

function sendAsset(response: RouteResponse, type: string, text: string): void {
  response.set('Cache-Control', 'public, max-age=300').type(type).send(text);
}
