import { hostname } from 'node:os';
import type { FactStore } from '@lakh/facts';
import {
  type AllocatorSnapshot,
  isRefusal,
  type Ledger,
  type MarkStore,
  RangeAllocator,
  ReclaimingLease,
  type RemainderStore,
  systemClock,
  TwoWitnessLease,
} from '@lakh/id-range';
import { type CodeSource, codeSource } from '@lakh/links';
import type { CheckResult, Logger, Registry } from '@lakh/process';
import type { Codec } from '@lakh/short-code';
import { createAllocationMetrics } from './allocation-metrics.js';
import { createRemainderObserver } from './allocation-remainders.js';
import { watchSpace } from './space-watch.js';
import { endingAtUnknownKeys } from './unknown-keys.js';

export interface AllocationOptions {
  readonly marks: MarkStore;
  readonly ledger: Ledger;
  readonly remainders: RemainderStore;
  readonly codec: Codec;
  /** Where other servers record keys that they add; without it there are no other servers. */
  readonly recorded?: Pick<FactStore, 'recordOnce'>;
  readonly settings: {
    readonly rangeSize: number;
    readonly runwayS: number;
    readonly rangesMaxHeld: number;
    readonly drainTimeoutMs: number;
    /** How long one attempt to lease may take; the default of id-range without it. */
    readonly leaseAttemptMs?: number;
  };
  readonly serverId: string;
  readonly newClusterId: () => string;
  readonly log: Logger;
  readonly registry: Registry;
}

export interface Allocation {
  readonly codes: CodeSource;
  /** Begins to lease; does not wait for the first range. */
  start(): void;
  /**
   * Stops leasing and issuing, and gives back what was not issued. Settles within LAKH_DRAIN_TIMEOUT_MS and the witnesses' deadlines
   * of one call; never rejects.
   */
  stop(): Promise<void>;
  snapshot(): AllocatorSnapshot;
  check(): CheckResult;
}

/** A stop first waits for the lease in flight, then gives back; together they take half of what a drain may. */
const PART_OF_DRAIN = 1 / 4;
/** Within what a drain of no time at all leaves to each step. */
const LEAST_STOP_MS = 500;

/** The allocator with its two witnesses, its codec, its metrics and its health: everything a server needs to make codes. */
export function createAllocation(options: AllocationOptions): Allocation {
  const { marks, ledger, remainders, codec, recorded, settings, serverId, newClusterId, log, registry } = options;
  const space = watchSpace(codec, () => lease.spaceLeft, log);
  const metrics = createAllocationMetrics(registry, () => allocator.snapshot(), space.left);
  const holder = {
    serverId,
    host: hostname(),
    processStartMs: Math.round(performance.timeOrigin),
    codec: codec.name,
  };
  const common = {
    ledger,
    holder,
    clock: systemClock,
    random: Math.random,
    spaceEnd: codec.capacity.endCounter,
    ...(settings.leaseAttemptMs === undefined ? {} : { attemptLimitMs: settings.leaseAttemptMs }),
  };
  const lease: TwoWitnessLease = new TwoWitnessLease({
    ...common,
    marks,
    newClusterId,
    observer: {
      leased(range, latencyMs) {
        metrics.leased(latencyMs);
        log.info({ start: range.start, end: range.end, latencyMs: Math.round(latencyMs) }, 'range leased');
        space.look();
      },
      abandoned(reason, range) {
        metrics.abandoned(reason, range.end - range.start);
        log.warn({ reason, start: range.start, end: range.end }, 'range abandoned: its lease has no certain outcome');
      },
      refused(error) {
        metrics.refused(error.code);
      },
    },
  });
  const source = new ReclaimingLease({
    ...common,
    lease,
    remainders,
    observer: createRemainderObserver(log, metrics),
  });
  const allocator: RangeAllocator = new RangeAllocator({
    source: recorded === undefined ? source : endingAtUnknownKeys({ source, recorded, codec, log }),
    clock: systemClock,
    random: Math.random,
    rangeSize: settings.rangeSize,
    runwayMs: settings.runwayS * 1000,
    maxHeld: settings.rangesMaxHeld,
    observer: {
      leaseFailed(error, attempt, retryInMs) {
        const refused = isRefusal(error);
        log[refused ? 'error' : 'warn'](
          { err: error, attempt, retryInMs: Math.round(retryInMs) },
          refused ? 'lease refused: nothing is leased until this is repaired' : 'lease failed; trying again',
        );
      },
      lost(reason, range) {
        metrics.lost(reason, range.end - range.start);
        log.error({ reason, start: range.start, end: range.end }, 'leased counters will not be issued');
      },
    },
  });
  const codesOfCounters = codeSource(allocator, codec, (counter) => {
    metrics.burnt();
    log.info({ counter }, 'counter skipped: its code is reserved or taken');
  });
  const codes: CodeSource = {
    ...codesOfCounters,
    reportDuplicate(counter) {
      metrics.duplicate();
      log.fatal({ counter }, 'a generated code met another generated link: issuing has stopped');
      codesOfCounters.reportDuplicate(counter);
    },
  };

  return {
    codes,
    start: () => allocator.start(),
    async stop() {
      const deadlineMs = Math.max(LEAST_STOP_MS, settings.drainTimeoutMs * PART_OF_DRAIN);
      allocator.stop();
      await within(deadlineMs, allocator.settled());
      const { heldIds } = allocator.snapshot();
      const tails = allocator.seal();
      if (tails.length > 0) log.info({ heldIds, tails: tails.length }, 'giving back the counters that are left');
      await source.release(tails, deadlineMs);
    },
    snapshot: () => allocator.snapshot(),
    check() {
      const { state, heldIds, lastErrorCode, lastErrorMessage } = allocator.snapshot();
      const why = lastErrorCode === null ? '' : `: ${lastErrorCode}: ${lastErrorMessage}`;
      const ending = space.warning();
      if (state === 'ready' && ending !== undefined) {
        return { status: 'degraded', detail: `${heldIds} ids held; ${ending}` };
      }
      if (state === 'ready') return { status: 'ok', detail: `${heldIds} ids held` };
      if (state === 'degraded') return { status: 'degraded', detail: `${heldIds} ids held, no further lease${why}` };
      return { status: 'down', detail: `${state}${why}` };
    },
  };
}

/** Resolves with `promise`, or after `deadlineMs`; the promise never rejects. */
async function within(deadlineMs: number, promise: Promise<void>): Promise<void> {
  let cancel: () => void = () => {};
  await Promise.race([
    promise,
    new Promise<void>((resolve) => {
      cancel = systemClock.schedule(deadlineMs, resolve);
    }),
  ]);
  cancel();
}
