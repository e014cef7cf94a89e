import type { IncomingMessage } from 'node:http';
import {
  type Face,
  ForbiddenError,
  type HttpMetrics,
  InvalidRequestError,
  ryowCookie,
  securityHeaders,
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
import { apiRoutes } from './api-routes.js';
import { createCreateLane } from './create-lane.js';
import { type Authenticate, type CreateLinkOptions, createLinkCreator, requireToken } from './create-link.js';
import { linkJson } from './link-json.js';

export interface ApiOptions extends CreateLinkOptions {
  readonly remover: Remover;
  readonly store: Pick<LinkStore, 'find'>;
  readonly clock: Clock;
  /** Undefined: no tokens are configured, and anyone who reaches the listener may create links. */
  readonly authenticate: Authenticate | undefined;
  /** Whether callers may delete without a token: only where the listener is for this machine alone. */
  readonly anonymousMayDelete: boolean;
  readonly metrics: HttpMetrics<'api'>;
  /** Told of every error of a plain create that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
}

/** `/api/v1/urls`: create, look up and delete links. */
export function createApi(options: ApiOptions): Face<typeof apiRoutes> {
  const { remover, store, clock, publicUrl, authenticate, anonymousMayDelete } = options;
  const secure = publicUrl.startsWith('https:');
  const createLink = createLinkCreator(options);
  const guard = (request: IncomingMessage): void => requireToken(authenticate, request);
  return {
    routes: apiRoutes,
    headers: securityHeaders,
    guard,
    lanes: { plain: createCreateLane({ ...options, createLink, guard }) },
    handlers: {
      async createLink(request, response, body) {
        refuseIdempotencyKey(request);
        await createLink(response, await body());
      },
      async getLink(request, response) {
        const code = request.params.code as string;
        // What cannot be a code is no question for a database, whose columns are ASCII.
        const link = isPossibleCode(code) ? await store.find(DEFAULT_DOMAIN_ID, code, { fresh: true }) : undefined;
        if (link === undefined) throw new LinkNotFoundError('There is no link with this code.');
        if (link.state === 'deleted') throw new LinkGoneError('This link was deleted.');
        response.set('Cache-Control', 'no-store').json(linkJson(link, publicUrl));
      },
      async deleteLink(request, response) {
        if (!authenticate && !anonymousMayDelete) {
          throw new ForbiddenError('Deleting needs an API token, and this server has none configured.');
        }
        await remover.remove(DEFAULT_DOMAIN_ID, request.params.code as string);
        response.append('Set-Cookie', ryowCookie(clock.nowMs(), secure));
        response.status(204).end();
      },
    },
  };
}

/** What must not be taken for a plain create. */
function refuseIdempotencyKey({ headers }: IncomingMessage): void {
  if (headers['idempotency-key'] === undefined) return;
  const reason = 'is not supported yet; send the request without it';
  throw new InvalidRequestError([{ field: 'Idempotency-Key', rule: 'unsupported_header', reason }]);
}
