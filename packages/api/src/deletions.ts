/** `DELETE /api/v1/urls/{code}` and `POST …:restore`, which takes it back. */
import { InvalidRequestError, type RouteHandler, type RouteResponse } from '@lakh/http';
import type { FieldProblem, LinkRecord, Remover, Restorer } from '@lakh/links';
import { apiRoutes } from './api-routes.js';
import { BATCH_RULES } from './batch-request.js';
import type { Callers } from './callers.js';
import type { CreateLinkOptions } from './create-link.js';
import { versionsOf } from './entity-tag.js';

export interface DeletionOptions extends Pick<CreateLinkOptions, 'domainId' | 'clock' | 'ryowCookie' | 'publicUrl'> {
  readonly remover: Remover;
  readonly restorer: Restorer;
}

export function createDeletionHandlers(
  { domainId, remover, restorer, clock, ryowCookie, publicUrl }: DeletionOptions,
  callers: Callers,
  show: (response: RouteResponse, link: LinkRecord) => void,
): { readonly restoreLink: RouteHandler; readonly deleteLink: RouteHandler } {
  return {
    async restoreLink(request, response) {
      const actor = callers.actorOf(request, 'delete');
      callers.admit(apiRoutes.restoreLink.rate, request, response, actor);
      const ifVersions = versionsOf(request.headers['if-match']);
      const { link } = await restorer.restore(domainId, request.params.code as string, actor, ifVersions);
      response.append('Set-Cookie', ryowCookie(clock.nowMs()));
      show(response, link);
    },
    async deleteLink(request, response) {
      const actor = callers.actorOf(request, 'delete');
      callers.admit(apiRoutes.deleteLink.rate, request, response, actor);
      const ifVersions = versionsOf(request.headers['if-match']);
      const forever = foreverOf(new URL(request.url, publicUrl).searchParams);
      await remover.remove(domainId, request.params.code as string, actor, ifVersions, { forever });
      response.append('Set-Cookie', ryowCookie(clock.nowMs()));
      response.status(204).end();
    },
  };
}

/**
 * Whether nothing is to be kept of a link that `DELETE …?forever=true` deletes. What is misspelt would keep it.
 *
 * @throws InvalidRequestError
 */
function foreverOf(query: URLSearchParams): boolean {
  const problems: FieldProblem[] = [];
  const [given = 'false', ...others] = query.getAll('forever');
  for (const name of new Set(query.keys())) {
    if (name === 'forever') continue;
    problems.push({ field: name.slice(0, 64), rule: 'unknown_field', reason: 'is not known here; only forever is' });
    if (problems.length === 16) break;
  }
  if (others.length > 0 || !['true', 'false'].includes(given)) {
    problems.push({ field: 'forever', rule: 'not_a_boolean', reason: BATCH_RULES.forever.not_a_boolean });
  }
  if (problems.length > 0) throw new InvalidRequestError(problems);
  return given === 'true';
}
