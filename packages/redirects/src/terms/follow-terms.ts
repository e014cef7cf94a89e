import type { RateLimits, RequestHead } from '@lakh/http';
import {
  type ClientFacts,
  expiredWay,
  type Link,
  LinkGoneError,
  LinkLoopError,
  LinkNotFoundError,
  type LinkStore,
  leadsToHost,
  type Passwords,
  type StoredLink,
  StoreUnavailableError,
  type Way,
  wayOf,
} from '@lakh/links';
import type { RedirectClock } from '../l1-cache.js';
import { type AnswerOf, type Followed, isSendable } from '../redirect-response.js';
import { passwordPage } from './password-page.js';

export interface FollowTermsOptions {
  readonly store: Pick<LinkStore, 'click'>;
  readonly passwords: Pick<Passwords, 'verify'>;
  readonly limits: Pick<RateLimits, 'passwordTried'>;
  readonly answerOf: AnswerOf;
  readonly clock: Pick<RedirectClock, 'nowMs'>;
  /** The link as the primary has it. */
  readonly readAgain: (link: Link) => Promise<StoredLink | undefined>;
}

/** Follows a link that has terms. Rejects where it leads nowhere. `password`: what was typed, where something was. */
export type FollowTerms = (request: RequestHead, link: Link, password?: string) => Promise<Followed>;

/** Of a link that was changed while it was followed. */
const READ_AGAIN_MOST = 3;

const AWAY = 'no-store';

/** Everything that a link says of how it is followed, in this order: when, with which password, by whom, how often. None of it is kept by any cache. */
export function createFollowTerms(options: FollowTermsOptions): FollowTerms {
  const { store, passwords, limits, answerOf, clock, readAgain } = options;
  /** Clicks never become fewer: nobody is asked again for as long as this reading of a link is held. */
  const spent = new WeakSet<Link>();

  /** Where it leads, once it may be followed; undefined: it is another link by now. */
  async function admit(request: RequestHead, link: Link, way: Way & { kind: 'target' }): Promise<Way | undefined> {
    const { maxClicks } = link.terms ?? {};
    if (maxClicks === undefined) return way;
    if (spent.has(link)) return expiredWay(link.terms);
    // Who only looks is not led anywhere.
    const clicked = await store.click(link, maxClicks, request.method !== 'HEAD');
    if (clicked === 'changed') return undefined;
    if (clicked === 'counted') return way;
    spent.add(link);
    return expiredWay(link.terms);
  }

  async function isKnown(request: RequestHead, kept: string, password: string): Promise<boolean> {
    const end = limits.passwordTried(request);
    try {
      const isRight = await passwords.verify(password.normalize('NFC'), kept);
      end(isRight);
      return isRight;
    } catch (error) {
      // Nobody has looked at it: too many wait.
      end(true);
      throw error;
    }
  }

  /** Undefined: ask again for what stands under the code. */
  async function follow(request: RequestHead, link: Link, password?: string): Promise<Followed | undefined> {
    const nowMs = clock.nowMs();
    const way = wayOf(link, factsOf(request), nowMs);
    if (way.kind !== 'target') return answerAway(way);
    const kept = link.terms?.password;
    if (kept !== undefined) {
      if (password === undefined) return passwordPage(200);
      if (!(await isKnown(request, kept, password))) return passwordPage(403);
    }
    demandNoLoop(request, link, way.location);
    const admitted = await admit(request, link, way);
    if (admitted === undefined) return undefined;
    if (admitted.kind !== 'target') return answerAway(admitted);
    return answerTo(link, admitted.location, nowMs);
  }

  function answerTo(link: Link, location: string, nowMs: number): Followed {
    const { password, maxClicks, rules } = link.terms ?? {};
    const plain = answerOf(link, nowMs);
    // A form's answer is asked for by GET.
    if (password !== undefined) return { status: 303, location, cacheControl: AWAY };
    if (maxClicks !== undefined) return { status: 302, location, cacheControl: AWAY };
    if (rules !== undefined) return { status: link.redirectStatus ?? 302, location, cacheControl: AWAY };
    return { ...plain, location };
  }

  return async (request, first, password) => {
    let link: StoredLink | undefined = first;
    for (let reads = 0; reads < READ_AGAIN_MOST; reads += 1) {
      const answer: Followed | undefined = await follow(request, link, password);
      if (answer !== undefined) return answer;
      link = await readAgain(link);
      if (link === undefined) throw new LinkNotFoundError('There is no link with this code.');
      if (link.state === 'deleted') throw new LinkGoneError('This link was deleted.');
    }
    throw new StoreUnavailableError('The link was changed again and again while it was followed.');
  };
}

/** Also of one that leads back here, which is none of those that it was made from. */
function answerAway(way: Exclude<Way, { kind: 'target' }>): Followed {
  if (way.kind === 'missing') throw new LinkNotFoundError('There is no link with this code.');
  if (way.location === null) throw new LinkGoneError('This link has expired.');
  return { status: 302, location: way.location, cacheControl: AWAY };
}

function demandNoLoop({ headers }: RequestHead, { code }: Link, location: string): void {
  if (!isSendable(location)) throw new TypeError('a link leads to what no header may hold');
  if (leadsToHost(location, headers.host ?? '')) throw new LinkLoopError(`${code} leads to ${location}`);
}

function factsOf({ headers, url = '' }: RequestHead): ClientFacts {
  const mark = url.indexOf('?');
  return {
    userAgent: headers['user-agent'],
    acceptLanguage: headers['accept-language'],
    query: mark === -1 ? '' : url.slice(mark + 1),
  };
}
