import { randomBytes } from 'node:crypto';
import type { SharedCounters } from '@lakh/http';
import { systemClock } from '@lakh/id-range';
import { type BusyCodes, type ChangeFeed, type ChangeLog, type CopyKeeper, createCopyKeeper } from '@lakh/links';
import type { HealthCheck, Logger, Registry } from '@lakh/process';
import {
  COPY_SLOTS,
  createRedisBusyCodes,
  createRedisChangeFeed,
  createRedisCounters,
  Masters,
  RedisLinkCopy,
} from '@lakh/redis';
import type { SettingsOf } from '@lakh/settings';
import type { storageSettings } from '../settings.js';
import type { SharedKeys } from '../shared-keys.js';
import { observeCopy } from './copy-metrics.js';
import { createRedisObserver } from './redis-metrics.js';

export interface OpenRedisOptions {
  readonly settings: Partial<SettingsOf<typeof storageSettings>> & { readonly l1TtlMs?: number };
  readonly log: ChangeLog;
  readonly keys: SharedKeys;
  readonly observed?: { readonly log: Logger; readonly registry: Registry } | undefined;
}

/** What a cluster has in Redis. */
export interface RedisOfCluster {
  readonly keeper: CopyKeeper;
  readonly changes: ChangeFeed;
  readonly busyCodes: BusyCodes;
  /** Whether all that the copy has may be served now. */
  isProven(): boolean;
  readonly counters: SharedCounters;
  readonly checks: { readonly redis: HealthCheck; readonly copy: HealthCheck };
  /** Whether it answers look-ups. */
  readonly source: HealthCheck;
  close(): Promise<void>;
}

const DEFAULT_L2_TTL_S = 3_600;
/** As the setting's own. Who serves no links has no such setting. */
const DEFAULT_L1_TTL_MS = 5_000;
const NONCE_BYTES = 8;
/** What is proven of a copy that works is of a second ago. */
const WELL_WITHIN_MS = 2_000;
/** Until then a start has found its masters and seen their pulses advance, or there is something to tell. */
const FIRST_PROOF_MS = 10_000;

/** Undefined where none is named. */
export function openRedis({ settings, log, keys, observed: told }: OpenRedisOptions): RedisOfCluster | undefined {
  const { redis: target, l2TtlS = DEFAULT_L2_TTL_S, l2DeadlineMs, l1TtlMs = DEFAULT_L1_TTL_MS } = settings;
  if (target === undefined) return undefined;
  const observer = told && createRedisObserver(told.registry);
  const masters = new Masters({
    target,
    deadlineMs: l2DeadlineMs,
    bound: COPY_SLOTS,
    log: told?.log,
    changed: observer?.changed,
  });
  const sealKey = () => keys.find('values in the shared cache');
  const copy = new RedisLinkCopy({
    masters,
    isCluster: target.kind === 'cluster',
    ttlS: l2TtlS,
    sealKey,
    onRead: observer?.read,
  });
  const keeper = createCopyKeeper({
    copy,
    log,
    clock: systemClock,
    random: Math.random,
    newNonce: () => randomBytes(NONCE_BYTES).toString('hex'),
    validForMs: l1TtlMs,
    observer: told && observer && observeCopy(told, observer, () => keeper.ageMs()),
  });
  const openedMs = systemClock.monotonicMs();
  const isWell = () => keeper.ageMs() <= Math.max(l1TtlMs, WELL_WITHIN_MS);
  return {
    keeper,
    changes: createRedisChangeFeed({
      masters,
      ...(told && { log: told.log }),
      ...(observer && { hearing: observer.hearing }),
    }),
    busyCodes: createRedisBusyCodes({ masters, sealKey }),
    isProven: () => keeper.ageMs() < l1TtlMs,
    counters: createRedisCounters(masters, observer && { counted: observer.counted }),
    checks: {
      redis: () => (masters.isWhole ? { status: 'ok' } : { status: 'degraded', detail: 'the cache is down' }),
      copy: () =>
        isWell() || (masters.isWhole && systemClock.monotonicMs() - openedMs < FIRST_PROOF_MS)
          ? { status: 'ok' }
          : { status: 'degraded', detail: 'nothing proves that what the cache has is true: the database is asked' },
    },
    // A part of the links at best. One that was emptied, with nobody who can begin the copy anew, is there and knows none.
    source: () => ({ status: masters.isWhole && keeper.holdsSome() ? 'degraded' : 'down' }),
    close: () => masters.close(),
  };
}
