import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Face, HasJustWritten, RateLimits } from '@lakh/http';
import {
  isPossibleCode,
  LinkGoneError,
  LinkLoopError,
  LinkNotFoundError,
  leadsToHost,
  outcomeOf,
  type Resolver,
  type StoredLink,
  StoreUnavailableError,
} from '@lakh/links';
import type { L1Cache, RedirectClock } from './l1-cache.js';
import { type AnswerOf, sendRedirect } from './redirect-response.js';
import { redirectRoutes } from './redirect-routes.js';
import { withoutMarks } from './without-marks.js';

export interface FollowLinkOptions {
  readonly domainId: number;
  readonly resolver: Resolver;
  readonly l1: L1Cache;
  readonly answerOf: AnswerOf;
  readonly clock: RedirectClock;
  readonly hasJustWritten: HasJustWritten;
  readonly limits: RateLimits;
}

/** Answers with where `code` leads. Rejects, with nothing answered, where it leads nowhere. */
export type Follow = (request: IncomingMessage, response: ServerResponse, code: string) => Promise<void>;

export interface LinkFollower {
  readonly follow: Follow;
  /** Of requests as express has them. */
  readonly handlers: Face<typeof redirectRoutes>['handlers'];
}

/** Everything that the fast lane leaves: codes that L1 does not hold, odd request targets. */
export function createLinkFollower(options: FollowLinkOptions): LinkFollower {
  const { domainId, resolver, l1, answerOf, clock, hasJustWritten, limits } = options;

  /**
   * What this server has redirected lately is looked up for anyone, also past its age, and what cannot be a code needs no look-up: neither tells
   * who tries codes anything new.
   */
  function admit(request: IncomingMessage, response: ServerResponse, text: string): void {
    const code = withoutMarks(text);
    if (l1.knows(`/${code}`) || !isPossibleCode(code)) return;
    limits.admit(redirectRoutes.followLink.rate, request, response);
  }

  /**
   * What the primary says of a code, for who has just written; undefined for everybody else and when too many have. Where the primary cannot be asked,
   * what others are told is better than nothing.
   */
  function freshOf({ headers }: IncomingMessage, code: string): Promise<Fresh | undefined> | undefined {
    const { cookie } = headers;
    if (cookie === undefined || !hasJustWritten(cookie, clock.nowMs())) return undefined;
    return resolver.resolveFresh(domainId, code)?.then((link) => ({ link }), withoutPrimary);
  }

  /** A sentence's full stop or a slash is no part of the link before it: where there is one, its own address is the one to keep. */
  async function sendToClean(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
    const code = withoutMarks(text);
    const fresh = code === text ? { link: undefined } : await freshOf(request, code);
    const found = fresh ? fresh.link : await resolver.resolve(domainId, code);
    if (found === undefined) throw new LinkNotFoundError('There is no link with this code.');
    response.writeHead(308, {
      Location: `/${code}`,
      'Cache-Control': 'no-store',
      'X-Robots-Tag': 'noindex',
      'Content-Length': '0',
    });
    response.end();
  }

  async function follow(request: IncomingMessage, response: ServerResponse, code: string): Promise<void> {
    const path = `/${code}`;
    admit(request, response, code);
    const asked = freshOf(request, code);
    const fresh = asked && (await asked);
    const askedMs = clock.monotonicMs();
    const held = fresh ? undefined : l1.get(path, askedMs);
    const goneBy = fresh || held ? undefined : l1.goneBy(path, askedMs);
    l1.count(held || goneBy ? 'hit' : 'miss');
    if (held) {
      // A hit that came with a query string, which the fast lane's key does not have.
      sendRedirect(response, held);
      return;
    }
    if (goneBy) throw goneError(goneBy);
    const link = fresh ? fresh.link : await resolver.resolve(domainId, code);
    if (link === undefined) return sendToClean(request, response, code);
    if (link.state === 'deleted') throw goneError('delete');
    const nowMs = clock.nowMs();
    if (outcomeOf(link, nowMs) === 'gone') throw goneError('expiry');
    if (leadsToHost(new URL(link.longUrl), request.headers.host ?? '')) {
      // L1 asks for no host, so it must not hold what one host must not be sent to.
      l1.changed(link);
      throw new LinkLoopError(`${code} leads to ${link.longUrl}`);
    }
    sendRedirect(response, answerOf(link, nowMs));
  }

  return {
    follow,
    handlers: {
      followLink: (request, response) => follow(request, response, request.params.code as string),
      followSlashedLink(request, response) {
        const text = `${request.params.code}/`;
        admit(request, response, text);
        return sendToClean(request, response, text);
      },
    },
  };
}

interface Fresh {
  readonly link: StoredLink | undefined;
}

function withoutPrimary(error: unknown): undefined {
  if (!(error instanceof StoreUnavailableError)) throw error;
}

const goneError = (by: 'delete' | 'expiry') =>
  new LinkGoneError(by === 'delete' ? 'This link was deleted.' : 'This link has expired.');
