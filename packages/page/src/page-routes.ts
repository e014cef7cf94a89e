import type { IncomingMessage } from 'node:http';
import type { CreateLinkOptions } from '@lakh/api';
import { type ApiOptions, BODY_MAX_BYTES, linkJson, refuseTooLarge } from '@lakh/api';
import { ForbiddenError, MethodNotAllowedError, ryowCookie, toProblem, UnsupportedMediaTypeError } from '@lakh/http';
import { InvalidLinkError } from '@lakh/links';
import express, { type RequestHandler as Middleware, type Request, type Response, Router } from 'express';
import { EMPTY_FORM, type FormValues, type PageModel, renderPage } from './page.js';
import { PAGE_CSS, PAGE_JS } from './page-assets.js';

export type PageOptions = CreateLinkOptions &
  Pick<ApiOptions, 'authenticate'> & {
    readonly urlMaxLength: number;
    /** Told of every error that became a 5xx. */
    readonly onError: (error: unknown, request: IncomingMessage) => void;
  };

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `GET /`, the form's target `POST /-/shorten`, and the page's style and script. */
export function createPageRoutes(options: PageOptions): Router {
  const { shortener, clock, publicUrl, authenticate, urlMaxLength, onError } = options;
  const secure = publicUrl.startsWith('https:');
  const router = Router({ caseSensitive: true, strict: true });
  const parseForm = express.urlencoded({ limit: BODY_MAX_BYTES, extended: false, parameterLimit: 16 });
  const needsToken = authenticate !== undefined;

  function send(response: Response, status: number, model: Omit<PageModel, 'needsToken' | 'urlMaxLength'>): void {
    response
      .status(status)
      .set('Content-Security-Policy', CONTENT_SECURITY_POLICY)
      // With `no-referrer` browsers send `Origin: null` with the page's own form.
      .set('Referrer-Policy', 'same-origin')
      .set('Cache-Control', 'no-store')
      .type('html')
      .send(renderPage({ ...model, needsToken, urlMaxLength }));
  }

  router
    .route('/')
    .get((_request, response) => send(response, 200, { values: EMPTY_FORM, errors: {} }))
    .all(() => {
      throw new MethodNotAllowedError(['GET', 'HEAD']);
    });

  for (const [path, type, text] of [
    ['/-/page.css', 'css', PAGE_CSS],
    ['/-/page.js', 'js', PAGE_JS],
  ] as const) {
    router
      .route(path)
      .get((_request, response) => {
        response.set('Cache-Control', 'public, max-age=300').type(type).send(text);
      })
      .all(() => {
        throw new MethodNotAllowedError(['GET', 'HEAD']);
      });
  }

  router
    .route('/-/shorten')
    .post(refuseForeignForms(publicUrl), refuseTooLarge, parseForm, async (request: Request, response: Response) => {
      const { values, token } = formValues(request.body);
      if (authenticate && authenticate(`Bearer ${token}`) === undefined) {
        send(response, 401, { values, errors: { token: 'This is not a valid API token.' } });
        return;
      }
      try {
        const { link } = await shortener.shorten({
          longUrl: values.long_url,
          alias: values.alias || undefined,
          expiresAt: values.expires_at || undefined,
        });
        response.append('Set-Cookie', ryowCookie(clock.nowMs(), secure));
        send(response, 201, { values: EMPTY_FORM, errors: {}, created: linkJson(link, publicUrl) });
      } catch (error) {
        answerFailure(request, response, values, error);
      }
    })
    .all(() => {
      throw new MethodNotAllowedError(['POST']);
    });

  /** The form again, with what was typed and what is wrong with it. */
  function answerFailure(request: Request, response: Response, values: FormValues, error: unknown): void {
    const { status, headers, body } = toProblem(error);
    if (status >= 500) onError(error, request);
    if (headers['retry-after']) response.set('Retry-After', headers['retry-after']);
    const errors =
      error instanceof InvalidLinkError
        ? Object.fromEntries(error.problems.map(({ field, reason }) => [field, sentence(reason)]))
        : { [body.code === 'alias_taken' ? 'alias' : 'form']: body.detail };
    send(response, status, { values, errors });
  }

  return router;
}

/**
 * Another site's page must not create links in a visitor's name. Browsers say where a form came from: `Sec-Fetch-Site`, or on
 * plain http beyond this machine, and when they are old, `Origin` alone. Programs that send neither are no browser.
 */
function refuseForeignForms(publicUrl: string): Middleware {
  const isOwnOrigin = (origin: string, host: string | undefined): boolean =>
    origin === publicUrl || origin === `http://${host}` || origin === `https://${host}`;
  return (request, _response, next) => {
    const { 'sec-fetch-site': site, origin, host } = request.headers;
    const isOwn =
      site === undefined
        ? origin === undefined || isOwnOrigin(origin, host)
        : site === 'same-origin' || site === 'none';
    if (!isOwn) throw new ForbiddenError('The form of another site cannot be used here.');
    if (!request.is('application/x-www-form-urlencoded')) {
      throw new UnsupportedMediaTypeError('Send the form as application/x-www-form-urlencoded.');
    }
    next();
  };
}

function formValues(body: unknown): { values: FormValues; token: string } {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string): string => (typeof fields[name] === 'string' ? (fields[name] as string).trim() : '');
  return {
    values: { long_url: text('long_url'), alias: text('alias'), expires_at: text('expires_at') },
    token: text('token'),
  };
}

function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`;
}
