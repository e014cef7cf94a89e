import { isReadYourWrites, type RouteHandler } from '@lakh/http';
import { type Clock, LinkGoneError, LinkNotFoundError, outcomeOf, type Resolver } from '@lakh/links';
import type { L1Cache } from './l1-cache.js';
import { type AnswerOf, sendRedirect } from './redirect-response.js';

export interface FollowLinkOptions {
  readonly domainId: number;
  readonly resolver: Resolver;
  readonly l1: L1Cache;
  readonly answerOf: AnswerOf;
  readonly clock: Clock;
}

/** Everything that the fast lane leaves: codes that L1 does not hold, odd request targets. */
export function createLinkFollower({ domainId, resolver, l1, answerOf, clock }: FollowLinkOptions): RouteHandler {
  return async (request, response) => {
    const code = request.params.code as string;
    const askedMs = clock.nowMs();
    const { cookie } = request.headers;
    const fresh = cookie !== undefined && isReadYourWrites(cookie, askedMs);
    const held = fresh ? undefined : l1.get(`/${code}`, askedMs);
    l1.count(held ? 'hit' : 'miss');
    if (held) {
      // A hit that came with a query string, which the fast lane's key does not have.
      sendRedirect(response, held);
      return;
    }
    const link = await resolver.resolve(domainId, code, { fresh });
    const nowMs = clock.nowMs();
    if (link === undefined) throw new LinkNotFoundError('There is no link with this code.');
    if (link.state === 'deleted') throw new LinkGoneError('This link was deleted.');
    if (outcomeOf(link, nowMs) === 'gone') throw new LinkGoneError('This link has expired.');
    sendRedirect(response, answerOf(link, nowMs));
  };
}
