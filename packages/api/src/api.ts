import { isUtf8 } from 'node:buffer';
import {
  ForbiddenError,
  InvalidRequestError,
  MalformedJsonError,
  MethodNotAllowedError,
  PayloadTooLargeError,
  ryowCookie,
  UnsupportedMediaTypeError,
} from '@lakh/http';
import {
  type Clock,
  DEFAULT_DOMAIN_ID,
  isPossibleCode,
  LinkGoneError,
  LinkNotFoundError,
  type LinkStore,
  type Remover,
} from '@lakh/links';
import express, { type RequestHandler as Middleware, type Response, Router } from 'express';
import { type Authenticate, type CreateLink, requireToken } from './create-link.js';
import { linkJson } from './link-json.js';

export const BODY_MAX_BYTES = 16 * 1024;
const JSON_TYPE = 'application/json';

export interface ApiOptions {
  readonly createLink: CreateLink;
  readonly remover: Remover;
  readonly store: Pick<LinkStore, 'find'>;
  readonly clock: Clock;
  /** What short URLs begin with; no trailing slash. */
  readonly publicUrl: string;
  /** Undefined: no tokens are configured, and anyone who reaches the listener may create links. */
  readonly authenticate: Authenticate | undefined;
  /** Whether callers may delete without a token: only where the listener is for this machine alone. */
  readonly anonymousMayDelete: boolean;
}

/** `/api/v1/urls`: create, look up and delete links. */
export function createApi(options: ApiOptions): Router {
  const { createLink, remover, store, clock, publicUrl, authenticate, anonymousMayDelete } = options;
  const secure = publicUrl.startsWith('https:');
  const router = Router({ caseSensitive: true, strict: true });
  const parseBody = express.json({ limit: BODY_MAX_BYTES, type: JSON_TYPE, strict: false, verify: refuseInvalidUtf8 });

  function sawWrite(response: Response): void {
    response.append('Set-Cookie', ryowCookie(clock.nowMs(), secure));
  }

  router.use((request, _response, next) => {
    requireToken(authenticate, request);
    next();
  });
  router
    .route('/')
    .post(refuseUnusable, refuseTooLarge, parseBody, (request, response) => createLink(response, request.body))
    .all(() => {
      throw new MethodNotAllowedError(['POST']);
    });
  router
    .route('/:code')
    .get(async (request, response) => {
      const { code } = request.params;
      // What cannot be a code is no question for a database, whose columns are ASCII.
      const link = isPossibleCode(code) ? await store.find(DEFAULT_DOMAIN_ID, code, { fresh: true }) : undefined;
      if (link === undefined) throw new LinkNotFoundError('There is no link with this code.');
      if (link.state === 'deleted') throw new LinkGoneError('This link was deleted.');
      response.set('Cache-Control', 'no-store').json(linkJson(link, publicUrl));
    })
    .delete(async (request, response) => {
      if (!authenticate && !anonymousMayDelete) {
        throw new ForbiddenError('Deleting needs an API token, and this server has none configured.');
      }
      await remover.remove(DEFAULT_DOMAIN_ID, request.params.code);
      sawWrite(response);
      response.status(204).end();
    })
    .all(() => {
      throw new MethodNotAllowedError(['GET', 'HEAD', 'DELETE']);
    });
  return router;
}

/** What must not be taken for a plain create. */
const refuseUnusable: Middleware = (request, _response, next) => {
  if (request.headers['idempotency-key'] !== undefined) {
    const reason = 'is not supported yet; send the request without it';
    throw new InvalidRequestError([{ field: 'Idempotency-Key', rule: 'unsupported_header', reason }]);
  }
  // Not `request.is`, which has no opinion on a request without a body.
  if (request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() !== JSON_TYPE) {
    throw new UnsupportedMediaTypeError('Send the link as application/json.');
  }
  next();
};

/** Refuses by its announced length what the parser would first read to its end. */
export const refuseTooLarge: Middleware = (request, _response, next) => {
  if (Number(request.headers['content-length'] ?? 0) > BODY_MAX_BYTES) {
    throw new PayloadTooLargeError(`The body is larger than ${BODY_MAX_BYTES} bytes.`);
  }
  next();
};

/** Decoding puts U+FFFD where bytes make no sense, and the link would lead somewhere else than was asked. */
function refuseInvalidUtf8(_request: unknown, _response: unknown, body: Buffer, encoding: string): void {
  if (encoding === 'utf-8' && !isUtf8(body)) throw new MalformedJsonError('The body is not valid UTF-8.');
}
