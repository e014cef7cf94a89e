import type { IncomingMessage } from 'node:http';
import {
  type Face,
  type HttpMetrics,
  InvalidRequestError,
  type RouteRequest,
  type RouteResponse,
  securityHeaders,
} from '@lakh/http';
import {
  type Clock,
  demand,
  demandReach,
  type Editor,
  isPossibleCode,
  LinkNotFoundError,
  type LinkRecord,
  type LinkStore,
  type Remover,
  type Restorer,
} from '@lakh/links';
import { drawQr, parseQrStyle } from '@lakh/site';
import { apiRoutes } from './api-routes.js';
import { type CallerOptions, createCallers } from './callers.js';
import { createCreateLane } from './create-lane.js';
import {
  allProblems,
  type CreateLinkOptions,
  createLinkCreator,
  REPLAYED_HEADER,
  throwInvalidRequest,
} from './create-link.js';
import { createLinksHandler } from './create-links.js';
import { createDeleteLinksHandler } from './delete-links.js';
import { createDeletionHandlers } from './deletions.js';
import { dryRunJson, parseDryRun } from './dry-run.js';
import { entityTag, versionsOf } from './entity-tag.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { linkJson } from './link-json.js';
import { parseEditRequest } from './link-request.js';

export interface ApiOptions extends CreateLinkOptions, CallerOptions {
  readonly editor: Editor;
  readonly remover: Remover;
  readonly restorer: Restorer;
  readonly store: Pick<LinkStore, 'read'>;
  readonly clock: Clock;
  readonly metrics: HttpMetrics<'api'>;
  /** Told of every error of a plain create that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
}

/** `/api/v1/urls`: create, look up, edit, delete and restore links. */
export function createApi(options: ApiOptions): Face<typeof apiRoutes> {
  const { domainId, editor, restorer, store, clock, ryowCookie, publicUrl, onReplayed } = options;
  const createLink = createLinkCreator(options);
  const callers = createCallers(options);
  const show = (response: RouteResponse, link: LinkRecord) =>
    response.set({ 'Cache-Control': 'no-store', ETag: entityTag(link) }).json(linkJson(link, publicUrl));

  /** What is there now, for who may know it. */
  async function find(request: RouteRequest, response: RouteResponse): Promise<LinkRecord> {
    const actor = callers.actorOf(request, 'read');
    demand('read', actor);
    callers.admit('misses', request, response, actor);
    const code = request.params.code as string;
    // What cannot be a code is no question for a database, whose columns are ASCII.
    const link = isPossibleCode(code) ? await store.read(domainId, code) : undefined;
    if (link === undefined) throw new LinkNotFoundError('There is no link with this code.');
    if (link.state === 'deleted') throw await restorer.goneError(domainId, code, actor);
    demandReach(actor, link);
    return link;
  }

  return {
    routes: apiRoutes,
    headers: securityHeaders,
    guard: (request) => void callers.actorOf(request),
    lanes: { plain: createCreateLane({ ...options, createLink, callers }) },
    handlers: {
      createLinks: createLinksHandler({ ...options, callers }),
      deleteLinks: createDeleteLinksHandler({ ...options, callers }),
      async createLink(request, response, body) {
        const actor = callers.actorOf(request);
        callers.admit(apiRoutes.createLink.rate, request, response, actor);
        const key = idempotencyKeyOf(request.headers['idempotency-key']);
        await createLink(response, await body(), actor, key);
      },
      async getLink(request, response) {
        show(response, await find(request, response));
      },
      async drawLink(request, response) {
        const { code } = await find(request, response);
        const { style, problems } = parseQrStyle(new URL(request.url, publicUrl).searchParams);
        if (problems.length > 0) throw new InvalidRequestError(problems);
        const { contentType, body } = drawQr(`${publicUrl}/${code}`, style);
        response.set('Cache-Control', 'no-store').type(contentType).send(body);
      },
      async dryRunLink(request, response, body) {
        const link = await find(request, response);
        const asked = parseDryRun(await body());
        response.set('Cache-Control', 'no-store').json(dryRunJson(link, asked, clock.nowMs()));
      },
      async editLink(request, response, body) {
        const actor = callers.actorOf(request, 'edit');
        callers.admit(apiRoutes.editLink.rate, request, response, actor);
        const ifVersions = versionsOf(request.headers['if-match']);
        const key = idempotencyKeyOf(request.headers['idempotency-key']);
        const { link: asked, problems } = parseEditRequest(await body());
        if (problems.length > 0) throw new InvalidRequestError(allProblems(problems, () => editor.check(asked)));
        const { link, replayed } = await editor
          .edit(domainId, request.params.code as string, asked, actor, ifVersions, key)
          .catch(throwInvalidRequest);
        if (replayed) {
          response.set(REPLAYED_HEADER, 'true');
          onReplayed?.();
        }
        response.append('Set-Cookie', ryowCookie(clock.nowMs()));
        show(response, link);
      },
      ...createDeletionHandlers(options, callers, show),
    },
  };
}
