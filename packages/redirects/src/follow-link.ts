import { CodedError } from '@lakh/base';
import {
  type Face,
  type HasJustWritten,
  MethodNotAllowedError,
  type RateLimits,
  type RequestHead,
  statusOf,
} from '@lakh/http';
import {
  isPossibleCode,
  type Link,
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
import { type AnswerOf, type Followed, sendFollowed } from './redirect-response.js';
import type { redirectRoutes } from './redirect-routes.js';
import type { FollowTerms } from './terms/follow-terms.js';
import { withoutMarks } from './without-marks.js';

export interface FollowLinkOptions {
  readonly domainId: number;
  readonly resolver: Resolver;
  readonly l1: L1Cache;
  readonly answerOf: AnswerOf;
  readonly clock: RedirectClock;
  readonly hasJustWritten: HasJustWritten;
  readonly limits: RateLimits;
  readonly followTerms: FollowTerms;
}

/** Where `code` leads. Rejects where it leads nowhere. */
export type Follow = (request: RequestHead, code: string) => Promise<Followed>;

export interface LinkFollower {
  readonly follow: Follow;
  /** Of requests as express has them. */
  readonly handlers: Face<typeof redirectRoutes>['handlers'];
}

/** Everything that the fast lane leaves: codes that L1 does not hold, odd request targets. */
export function createLinkFollower(options: FollowLinkOptions): LinkFollower {
  const { domainId, resolver, l1, clock, hasJustWritten, limits } = options;

  /**
   * What this server has redirected lately is looked up for anyone, also past its age, and what cannot be a code needs no look-up: neither tells
   * who tries codes anything new.
   */
  async function admitted(request: RequestHead, text: string, find: () => Promise<Followed>): Promise<Followed> {
    const code = withoutMarks(text);
    if (l1.knows(`/${code}`, clock.nowMs()) || !isPossibleCode(code)) return find();
    const end = limits.lookUp(request);
    try {
      const answer = await find();
      // Who leaves before the answer has cost the look-up all the same.
      end(!request.socket.destroyed);
      return answer;
    } catch (error) {
      end(!isMiss(error) && !request.socket.destroyed);
      throw error;
    }
  }

  /**
   * What the primary says of a code, for who has just written; undefined for everybody else and when too many have. Where the primary cannot be asked,
   * what others are told is better than nothing.
   */
  function freshOf({ headers }: RequestHead, code: string): Promise<Fresh | undefined> | undefined {
    const { cookie } = headers;
    if (cookie === undefined || !hasJustWritten(cookie, clock.nowMs())) return undefined;
    return resolver.resolveFresh(domainId, code)?.then((link) => ({ link }), withoutPrimary);
  }

  /** A sentence's full stop or a slash is no part of the link before it: where there is one, its own address is the one to keep. */
  async function cleanOf(request: RequestHead, text: string): Promise<Followed> {
    const code = withoutMarks(text);
    const fresh = code === text ? { link: undefined } : await freshOf(request, code);
    const found = fresh ? fresh.link : await resolver.resolve(domainId, code);
    if (outcomeOf(found, clock.nowMs()) === 'missing') throw notFound();
    return { status: 308, location: `/${code}`, cacheControl: 'no-store' };
  }

  /** `passwordOf` reads what was typed, where something was. */
  async function find(request: RequestHead, code: string, passwordOf?: ReadPassword): Promise<Followed> {
    const path = `/${code}`;
    const asked = freshOf(request, code);
    const fresh = asked && (await asked);
    const askedMs = clock.monotonicMs();
    const held = fresh ? undefined : l1.get(path, askedMs);
    const goneBy = fresh || held ? undefined : l1.goneBy(path, askedMs);
    const termed = fresh || held || goneBy ? undefined : l1.termedAt(path, askedMs);
    l1.count(held || goneBy || termed ? 'hit' : 'miss');
    // A hit that came with a query string, which the fast lane's key does not have.
    if (held && passwordOf !== undefined) throw notAsked();
    if (held) return held;
    if (goneBy) throw goneError(goneBy);
    if (termed) return lead(request, termed, passwordOf);
    const link = fresh ? fresh.link : await resolver.resolve(domainId, code);
    if (link === undefined) return cleanOf(request, code);
    if (link.state === 'deleted') throw goneError('delete');
    return lead(request, link, passwordOf);
  }

  const lead = createLead(options);

  const follow: Follow = (request, code) => admitted(request, code, () => find(request, code));

  return {
    follow,
    handlers: {
      async followLink(request, response) {
        sendFollowed(response, await follow(request, request.params.code as string));
      },
      async followSlashedLink(request, response) {
        const text = `${request.params.code}/`;
        sendFollowed(response, await admitted(request, text, () => cleanOf(request, text)));
      },
      async openLink(request, response, body) {
        const code = request.params.code as string;
        const passwordOf = async () => passwordIn(await body());
        sendFollowed(response, await admitted(request, code, () => find(request, code, passwordOf)));
      },
    },
  };
}

/** Rejects where what was sent is no form. */
type ReadPassword = () => Promise<string>;

/** What a form sent; another form is one with nothing in it, which is nobody's password. */
function passwordIn(form: unknown): string {
  const { password } = (form ?? {}) as { readonly password?: unknown };
  return typeof password === 'string' ? password.slice(0, PASSWORD_READ_MAX) : '';
}

/** More than a password may have. */
const PASSWORD_READ_MAX = 512;

/** Nothing is sent to a link that asks for no password. */
const notAsked = () => new MethodNotAllowedError(['GET', 'HEAD']);

/** Where a link leads that is there. */
function createLead({ l1, answerOf, clock, followTerms }: FollowLinkOptions) {
  return async (request: RequestHead, link: Link, passwordOf: ReadPassword | undefined): Promise<Followed> => {
    const nowMs = clock.nowMs();
    if (outcomeOf(link, nowMs) === 'missing') throw notFound();
    // Before it is read: what is no form is no password, and none is asked for here.
    if (passwordOf !== undefined && link.terms?.password === undefined) throw notAsked();
    if (link.terms !== null) return followTerms(request, link, await passwordOf?.());
    if (outcomeOf(link, nowMs) === 'gone') throw goneError('expiry');
    if (leadsToHost(link.longUrl, request.headers.host ?? '')) {
      // L1 asks for no host, so it must not hold what one host must not be sent to.
      l1.changed(link);
      throw new LinkLoopError(`${link.code} leads to ${link.longUrl}`);
    }
    return answerOf(link, nowMs);
  };
}

interface Fresh {
  readonly link: StoredLink | undefined;
}

/** Whether an answer tells that a code is none: what the allowance of misses is for. */
function isMiss(error: unknown): boolean {
  const status = error instanceof CodedError ? statusOf(error.code) : undefined;
  return status === 404 || status === 410;
}

function withoutPrimary(error: unknown): undefined {
  if (!(error instanceof StoreUnavailableError)) throw error;
}

const notFound = () => new LinkNotFoundError('There is no link with this code.');

const goneError = (by: 'delete' | 'expiry') =>
  new LinkGoneError(by === 'delete' ? 'This link was deleted.' : 'This link has expired.');
