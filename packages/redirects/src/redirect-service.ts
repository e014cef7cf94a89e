import type { IncomingMessage } from 'node:http';
import type { HttpMetrics, RequestHandler } from '@lakh/http';
import { type Clock, createResolver, type LinkCache, type LinkStore } from '@lakh/links';
import type { Registry } from '@lakh/process';
import { Counter, Gauge } from 'prom-client';
import { createFastLane, type FastLane } from './fast-lane.js';
import { L1Cache } from './l1-cache.js';
import { createRedirectApp } from './redirect-app.js';
import { createAnswers, type RedirectPolicy } from './redirect-response.js';

export interface RedirectServiceOptions {
  readonly store: Pick<LinkStore, 'find'>;
  /** The shared cache, where there is one. */
  readonly cache?: LinkCache | undefined;
  readonly settings: {
    readonly redirectStatus: RedirectPolicy['status'];
    readonly redirectMaxAgeS: number;
    readonly l1TtlMs: number;
    readonly l1MaxBytes: number;
  };
  readonly clock: Clock;
  readonly registry: Registry;
  readonly metrics: HttpMetrics<'redirect'>;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
}

export interface RedirectService {
  readonly handler: RequestHandler;
  readonly fastLane: FastLane;
  readonly l1: L1Cache;
}

/** Everything that answers `GET /{code}`: L1, the fast lane over it, and the app behind both. */
export function createRedirectService(options: RedirectServiceOptions): RedirectService {
  const { store, cache, settings, clock, registry, metrics, onError } = options;
  const answerOf = createAnswers({ status: settings.redirectStatus, maxAgeS: settings.redirectMaxAgeS });
  const l1 = new L1Cache({
    ttlMs: settings.l1TtlMs,
    maxBytes: settings.l1MaxBytes,
    answerOf,
    nowMs: clock.nowMs(),
  });
  registerL1Metrics(registry, l1);
  const resolver = createResolver({ store, cache, beginRead: () => l1.beginRead(clock.nowMs()) });
  const handler = createRedirectApp({ resolver, l1, answerOf, clock, metrics, onError });
  return { handler, fastLane: createFastLane({ l1, metrics }), l1 };
}

function registerL1Metrics(registry: Registry, l1: L1Cache): void {
  const registers = [registry];
  new Counter({
    name: 'lakh_l1_hits_total',
    help: 'Redirects answered from the in-process cache.',
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
