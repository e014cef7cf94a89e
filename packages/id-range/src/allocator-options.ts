import type { AllocatorObserver } from './observer.js';
import type { Clock, Randomness, RangeSource } from './ports.js';

export interface RangeAllocatorOptions {
  readonly source: RangeSource;
  readonly clock: Clock;
  readonly random: Randomness;
  /** Counters in a range. */
  readonly rangeSize?: number;
  /** How long issuing shall go on without the source, at the measured burn rate. */
  readonly runwayMs?: number;
  /** Counters held at most, in ranges of `rangeSize`, the current one included; at least 2. Exceeded by a bigger remainder alone. */
  readonly maxHeld?: number;
  /** Callers that may wait at a time, and how long each waits at most. */
  readonly maxWaiters?: number;
  readonly waitMs?: number | undefined;
  /** The pause after the first failed attempt, and the longest one. */
  readonly backoffFirstMs?: number;
  readonly backoffCapMs?: number;
  /** The longest random wait before a lease for which there is time. */
  readonly prefetchJitterMs?: number;
  readonly observer?: AllocatorObserver;
}

export interface AllocatorSnapshot {
  readonly state: 'starting' | 'ready' | 'degraded' | 'exhausted' | 'broken' | 'sealed';
  /** Counters that can be issued without another lease; lost if the process dies now. */
  readonly heldIds: number;
  readonly heldRanges: number;
  /** Seconds until `heldIds` are used at the present burn rate; Infinity while nothing is being issued. */
  readonly runwayS: number;
  readonly burnPerS: number;
  /** Since this allocator was made. */
  readonly issuedIds: number;
  readonly leasedRanges: number;
  /** Callers in `nextOrWait()`. */
  readonly waiting: number;
  /** Whether a lease is in flight. */
  readonly leasing: boolean;
  /** Whether the last lease attempt succeeded, or none has failed yet. */
  readonly sourceOk: boolean;
  /** Why the last lease attempt failed, until one succeeds; or why issuing has ended. */
  readonly lastErrorCode: string | null;
  readonly lastErrorMessage: string | null;
}

const DEFAULTS = {
  rangeSize: 100_000,
  runwayMs: 600_000,
  maxHeld: 64,
  maxWaiters: 10_000,
  waitMs: 1000,
  backoffFirstMs: 50,
  backoffCapMs: 5000,
  prefetchJitterMs: 1000,
};

type Limits = typeof DEFAULTS;

/** The options with every default filled in. Throws a RangeError that names the option that makes no sense. */
export function resolveOptions(options: RangeAllocatorOptions): RangeAllocatorOptions & Limits {
  const limits: Limits = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof Limits)[]) limits[name] = options[name] ?? limits[name];
  const whole = (name: keyof Limits, least: number) => {
    if (!Number.isSafeInteger(limits[name]) || limits[name] < least) {
      throw new RangeError(`${name} must be an integer of at least ${least}, not ${limits[name]}`);
    }
  };
  whole('rangeSize', 1);
  whole('maxHeld', 2);
  whole('maxWaiters', 0);
  whole('runwayMs', 0);
  whole('waitMs', 0);
  whole('backoffFirstMs', 1);
  whole('backoffCapMs', limits.backoffFirstMs);
  whole('prefetchJitterMs', 0);
  return { ...options, ...limits };
}
