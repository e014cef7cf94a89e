import { Allowance } from './allowance.js';
import { LIMITS, type SharedCounters } from './rate-limits.js';

/** Nobody takes so much: how much is too much is each process's to say. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** What several processes of one server have in common of their rate limits, in the memory of one of them. */
export function createGroupCounters(nowMs?: () => number): SharedCounters {
  const limits = new Map<string, Allowance>(
    LIMITS.map((limit) => [limit, new Allowance({ perMinute: UNLIMITED, ...(nowMs && { nowMs }) })]),
  );
  return {
    async count(limit, key, taken) {
      const allowance = limits.get(limit);
      if (!allowance) return undefined;
      allowance.take(key, taken);
      return { used: UNLIMITED - allowance.left(key), endsInMs: allowance.endsInMs(key) };
    },
  };
}

/** Counts with all of them, and goes by the one that knows of most. */
export function countTogether(...all: readonly SharedCounters[]): SharedCounters {
  return {
    async count(limit, key, taken) {
      const known = await Promise.all(all.map((counters) => counters.count(limit, key, taken)));
      return known.reduce((most, each) => ((each?.used ?? -1) > (most?.used ?? -1) ? each : most), undefined);
    },
  };
}
