import {
  type Face,
  type HasJustWritten,
  type HttpMetrics,
  PasswordKeeper,
  type RateLimits,
  type RequestHead,
} from '@lakh/http';
import {
  createResolver,
  type LinkCache,
  type LinkStore,
  type OwnHosts,
  type Resolver,
  type StoredLink,
} from '@lakh/links';
import type { HealthCheck, Registry } from '@lakh/process';
import { Counter, Gauge } from 'prom-client';
import { createFastLane } from './fast-lane.js';
import { createLinkFollower } from './follow-link.js';
import { L1Cache, type RedirectClock } from './l1-cache.js';
import { createMissLane } from './miss-lane.js';
import { createRedirectHealth } from './redirect-health.js';
import { createAnswers, isSendable, type RedirectPolicy } from './redirect-response.js';
import { redirectRoutes } from './redirect-routes.js';
import { createRenewals } from './renewals.js';
import { createFollowTerms } from './terms/follow-terms.js';
import { HeldLinks } from './terms/held-links.js';
import { createRedirectWireLane } from './wire-lane.js';

export interface RedirectOptions {
  /** Whose links these are. */
  readonly domainId: number;
  readonly store: Pick<LinkStore, 'sight' | 'click'>;
  /** The shared cache, where there is one. */
  readonly cache?: LinkCache | undefined;
  /** What this server may be reached at, as far as that is known. */
  readonly ownHosts: OwnHosts;
  readonly settings: {
    readonly redirectStatus: RedirectPolicy['status'];
    readonly redirectMaxAgeS: number;
    readonly l1TtlMs: number;
    readonly l1MaxBytes: number;
  };
  readonly clock: RedirectClock;
  readonly hasJustWritten: HasJustWritten;
  readonly registry: Registry;
  readonly metrics: HttpMetrics<'redirect'>;
  readonly limits: RateLimits;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: RequestHead) => void;
}

/** Links with terms may take so much beside what plain ones may. */
const TERMED_PART = 8;
/** Of clicks. Two threads are left to the rest of the process; who would wait for longer than seconds is better told to come again. */
const PASSWORDS_TRIED = { atOnce: 2, queuedMax: 64 } as const;

export interface Redirects extends Face<typeof redirectRoutes> {
  readonly l1: L1Cache;
  /** Looks links up as redirects do, for others that show them. */
  readonly resolver: Resolver;
  /** Whether links can be followed, by what is known of where they are looked up. */
  readonly health: (sources: readonly HealthCheck[]) => HealthCheck;
}

/** Everything that answers `GET /{code}`: L1, the fast lane over it, and what follows links behind both. */
export function createRedirects(options: RedirectOptions): Redirects {
  const { domainId, store, cache, ownHosts, settings, clock, hasJustWritten, registry, metrics, limits } = options;
  const { onError } = options;
  const answerOf = createAnswers({ status: settings.redirectStatus, maxAgeS: settings.redirectMaxAgeS });
  const l1 = new L1Cache({
    domainId,
    maxBytes: settings.l1MaxBytes,
    termed: new HeldLinks(settings.l1MaxBytes / TERMED_PART),
    answerOf,
    clock,
    renew: (path) => renew(path),
  });
  registerL1Metrics(registry, l1);
  const lookUps = new Counter({
    name: 'lakh_lookups_total',
    help: 'Look-ups behind the in-process cache, by who answered: cache (Redis), store, primary (for who has just written), unproven (Redis, by what may have changed since, as the store cannot be asked), grammar (no code), nobody (too many wait).',
    labelNames: ['by'],
    registers: [registry],
  });
  /** L1 holds nothing that was looked up earlier than its TTL before. */
  let lastAnsweredMs = Number.NEGATIVE_INFINITY;
  /** Asked once a fill, and never of a hit: L1 holds neither what may loop nor what no header may hold. */
  const mayBeHeld = (link: StoredLink) =>
    link.state !== 'live' || link.terms !== null || (!ownHosts.has(link.longUrl) && isSendable(link.longUrl));
  const resolver = createResolver({
    store,
    cache,
    clock,
    validForMs: settings.l1TtlMs,
    onAnswered(by) {
      lookUps.inc({ by });
      if (by === 'cache' || by === 'store') lastAnsweredMs = clock.monotonicMs();
    },
    beginRead(domain, code) {
      const end = l1.beginRead(domain, code);
      return (found) => end(found !== undefined && mayBeHeld(found.link) ? found : undefined);
    },
  });
  const renewed = new Counter({
    name: 'lakh_l1_renewals_total',
    help: 'Look-ups of links that the in-process cache was asked for often, shortly before it may serve them no more.',
    registers: [registry],
  });
  const renew = createRenewals({
    resolve: (code) => resolver.resolve(domainId, code),
    later: (run) => void setImmediate(run),
    schedule(afterMs, run) {
      const timer = setTimeout(run, afterMs).unref();
      return () => clearTimeout(timer);
    },
    onBegan: () => renewed.inc(),
  });
  new Gauge({
    name: 'lakh_lookups_waiting',
    help: 'Look-ups that wait for the store.',
    registers: [registry],
    collect() {
      this.set(resolver.waiting);
    },
  });
  const followTerms = createFollowTerms({
    ...{ store, limits, answerOf, clock },
    passwords: new PasswordKeeper(PASSWORDS_TRIED),
    async readAgain({ code }) {
      return (await store.sight(domainId, code, { fresh: true }))?.link;
    },
  });
  const { follow, handlers } = createLinkFollower({
    ...{ domainId, resolver, l1, answerOf, clock, hasJustWritten, limits, followTerms },
  });
  return {
    routes: redirectRoutes,
    handlers,
    lanes: {
      wire: createRedirectWireLane({ l1, clock, hasJustWritten, follow, metrics, onError }),
      fast: createFastLane({ l1, clock, hasJustWritten, metrics }),
      plain: createMissLane({ follow, metrics, onError }),
    },
    l1,
    resolver,
    health: (sources) => createRedirectHealth(sources, () => clock.monotonicMs() < lastAnsweredMs + settings.l1TtlMs),
  };
}

function registerL1Metrics(registry: Registry, l1: L1Cache): void {
  const registers = [registry];
  new Counter({
    name: 'lakh_l1_hits_total',
    help: 'Redirects answered from the in-process cache, those that are gone included.',
    registers,
    collect() {
      this.reset();
      this.inc(l1.hits);
    },
  });
  new Counter({
    name: 'lakh_l1_misses_total',
    help: 'Redirects that the in-process cache could not answer.',
    registers,
    collect() {
      this.reset();
      this.inc(l1.misses);
    },
  });
  new Gauge({
    name: 'lakh_l1_entries',
    help: 'Links in the in-process cache.',
    registers,
    collect() {
      this.set(l1.size);
    },
  });
  new Gauge({
    name: 'lakh_l1_bytes',
    help: 'Estimated size of the in-process cache.',
    registers,
    collect() {
      this.set(l1.bytes);
    },
  });
}
