import { hostname } from 'node:os';
import {
  type AllocatorSnapshot,
  isRefusal,
  type Ledger,
  type MarkStore,
  RangeAllocator,
  systemClock,
  TwoWitnessLease,
} from '@lakh/id-range';
import { type CodeSource, codeSource } from '@lakh/links';
import type { CheckResult, Logger, Registry } from '@lakh/service-kit';
import type { Codec } from '@lakh/short-code';
import { createAllocationMetrics } from './allocation-metrics.js';

export interface AllocationOptions {
  readonly marks: MarkStore;
  readonly ledger: Ledger;
  readonly codec: Codec;
  readonly settings: { readonly rangeSize: number; readonly runwayS: number; readonly rangesMaxHeld: number };
  readonly serverId: string;
  readonly newClusterId: () => string;
  readonly log: Logger;
  readonly registry: Registry;
}

export interface Allocation {
  readonly codes: CodeSource;
  /** Begins to lease; does not wait for the first range. */
  start(): void;
  /** Stops leasing and issuing. What was not issued is lost, and counted as such in the log. */
  stop(): void;
  snapshot(): AllocatorSnapshot;
  check(): CheckResult;
}

/** The allocator with its two witnesses, its codec, its metrics and its health: everything a server needs to make codes. */
export function createAllocation(options: AllocationOptions): Allocation {
  const { marks, ledger, codec, settings, serverId, newClusterId, log, registry } = options;
  const metrics = createAllocationMetrics(registry, () => allocator.snapshot());
  const lease = new TwoWitnessLease({
    marks,
    ledger,
    clock: systemClock,
    random: Math.random,
    holder: {
      serverId,
      host: hostname(),
      processStartMs: Math.round(Date.now() - process.uptime() * 1000),
      codec: codec.name,
    },
    newClusterId,
    spaceEnd: codec.capacity.endCounter,
    observer: {
      leased(range, latencyMs) {
        metrics.leased(latencyMs);
        log.info({ start: range.start, end: range.end, latencyMs: Math.round(latencyMs) }, 'range leased');
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
  const allocator: RangeAllocator = new RangeAllocator({
    source: lease,
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
  const source = codeSource(allocator, codec, (counter) => {
    metrics.burnt();
    log.info({ counter }, 'counter skipped: its code is reserved or taken');
  });
  const codes: CodeSource = {
    ...source,
    reportDuplicate(counter) {
      metrics.duplicate();
      log.fatal({ counter }, 'a generated code met another generated link: issuing has stopped');
      source.reportDuplicate(counter);
    },
  };

  return {
    codes,
    start: () => allocator.start(),
    stop() {
      allocator.stop();
      const { heldIds } = allocator.snapshot();
      allocator.seal();
      if (heldIds > 0) log.info({ heldIds }, 'leased counters given up at shutdown');
    },
    snapshot: () => allocator.snapshot(),
    check() {
      const { state, heldIds, lastErrorCode, lastErrorMessage } = allocator.snapshot();
      const why = lastErrorCode === null ? '' : `: ${lastErrorCode}: ${lastErrorMessage}`;
      if (state === 'ready') return { status: 'ok', detail: `${heldIds} ids held` };
      if (state === 'degraded') return { status: 'degraded', detail: `${heldIds} ids held, no further lease${why}` };
      return { status: 'down', detail: `${state}${why}` };
    },
  };
}
