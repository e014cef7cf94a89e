import { isUtf8 } from 'node:buffer';
import {
  type Clock,
  DEFAULT_DOMAIN_ID,
  type FieldProblem,
  InvalidLinkError,
  isPossibleCode,
  LinkGoneError,
  LinkNotFoundError,
  type LinkStore,
  type Remover,
  ryowCookie,
  type Shortener,
  type ShortenRequest,
} from '@lakh/links';
import {
  ForbiddenError,
  InvalidRequestError,
  MalformedJsonError,
  MethodNotAllowedError,
  PayloadTooLargeError,
  UnauthorizedError,
  UnsupportedMediaTypeError,
} from '@lakh/service-kit';
import express, { type RequestHandler as Middleware, type Response, Router } from 'express';
import { parseCreateRequest } from './create-request.js';
import { linkJson } from './link-json.js';

export const BODY_MAX_BYTES = 16 * 1024;
const JSON_TYPE = 'application/json';

/** How callers are told apart: the name of the token that an `Authorization` header carries, or undefined. */
export type Authenticate = (authorization: string | undefined) => string | undefined;

export interface ApiOptions {
  readonly shortener: Shortener;
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
  const { shortener, remover, store, clock, publicUrl, authenticate, anonymousMayDelete } = options;
  const secure = publicUrl.startsWith('https:');
  const router = Router({ caseSensitive: true, strict: true });
  const parseBody = express.json({ limit: BODY_MAX_BYTES, type: JSON_TYPE, strict: false, verify: refuseInvalidUtf8 });

  const authenticated: Middleware = (request, _response, next) => {
    if (authenticate && authenticate(request.headers.authorization) === undefined) {
      throw new UnauthorizedError('A valid API token is needed: Authorization: Bearer <token>.');
    }
    next();
  };

  function sawWrite(response: Response): void {
    response.append('Set-Cookie', ryowCookie(clock.nowMs(), secure));
  }

  /** A caller learns of everything that is wrong at once; a field that is missing or no object is not judged twice. */
  function allProblems(problems: readonly FieldProblem[], asked: ShortenRequest): readonly FieldProblem[] {
    if (problems.some(({ rule }) => rule === 'not_an_object')) return problems;
    const named = new Set(problems.map(({ field }) => field));
    return [...problems, ...shortener.check(asked).filter(({ field }) => !named.has(field))];
  }

  router.use(authenticated);
  router
    .route('/')
    .post(refuseUnusable, refuseTooLarge, parseBody, async (request, response) => {
      const { link: asked, problems } = parseCreateRequest(request.body);
      if (problems.length > 0) throw new InvalidRequestError(allProblems(problems, asked));
      const { link, created } = await shortener.shorten(asked).catch(asInvalidRequest);
      const json = linkJson(link, publicUrl);
      sawWrite(response);
      const body = JSON.stringify(json);
      // One writeHead: express's own `json` looks the type up, hashes an ETag and parses what was just written.
      response.writeHead(created ? 201 : 200, {
        Location: json.short_url,
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
        'Content-Length': Buffer.byteLength(body),
      });
      response.end(body);
    })
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

/** On the wire an invalid field looks the same whoever found it. */
function asInvalidRequest(error: unknown): never {
  if (error instanceof InvalidLinkError) throw new InvalidRequestError(error.problems as readonly FieldProblem[]);
  throw error;
}
