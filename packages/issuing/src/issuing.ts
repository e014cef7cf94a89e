/**
 * Issuing: an allocator, its leases over both witnesses and a codec, as one live thing.
 *
 *   start   agrees with the database on what its servers have in common, for as long as the database is away; then leases.
 *   stop    leases no more, waits for the lease in flight, seals, and gives back what was not issued.
 *
 * The caller brings clock, randomness, ports and an observer, so that this very code runs in a server and in a simulation.
 */
import { backoff } from '@lakh/base';
import { agreeOnFacts, type FactStore } from '@lakh/facts';
import {
  AllocatorSealedError,
  type AllocatorSnapshot,
  type BrokenInvariantError,
  type Clock,
  type LeaseHolder,
  type Randomness,
  RangeAllocator,
  ReclaimingLease,
  TwoWitnessLease,
  type Witnesses,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import type { Codec } from '@lakh/short-code';
import { codesOf, healthOf } from './face.js';
import { type Issuing, type IssuingSettings, LEAST_STOP_MS, PART_OF_DRAIN, type Slices } from './live-issuing.js';
import type { IssuingObserver } from './observer.js';
import { pause, untilAttempted } from './pause.js';
import { SliceKeeper } from './slices/slice-keeper.js';
import { sliceSizeOf } from './slices/slice-size.js';
import { watchSpace } from './space-watch.js';
import { watchKeys } from './unknown-keys.js';

export interface IssuingOptions extends Witnesses {
  /** What the servers of one database agree on; of the database that the ledger is in. */
  readonly facts: FactStore;
  readonly codec: Codec;
  readonly settings: IssuingSettings;
  /** This process, as its leases name it. */
  readonly holder: Omit<LeaseHolder, 'codec'>;
  /** A random UUID each time. */
  readonly newClusterId: () => string;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly observer: IssuingObserver;
}

const RETRY = { firstMs: 100, capMs: 5_000 };

export function createIssuing(options: IssuingOptions): Issuing {
  const { clock, codec, facts, ledger, observer, random, settings } = options;
  const { lease, reclaiming } = createLeases(options);
  const space = watchSpace(
    codec,
    () => lease.spaceLeft,
    (left) => observer.spaceEnding(left),
  );
  const lookForKeys = watchKeys(facts, codec, (key) => {
    const whose = `codes are of key ${key.id} (fingerprint ${key.fingerprint}), which this server does not have`;
    reclaiming.endAt(key.startCounter, `from there on ${whose}`);
    observer.unknownKey(key);
  });
  const allocator: RangeAllocator = new RangeAllocator({
    source: {
      async lease(size) {
        await lookForKeys();
        const range = await reclaiming.lease(size);
        space.look();
        return range;
      },
    },
    clock,
    random,
    observer: {
      leaseFailed: (...failure) => observer.leaseFailed(...failure),
      lost: (...loss) => observer.lost(...loss),
      broken(error) {
        keeper.break(error);
        for (const told of toldOfBroken) told(error);
      },
    },
    rangeSize: settings.rangeSize,
    runwayMs: settings.runwayS * 1000,
    maxHeld: settings.rangesMaxHeld,
    waitMs: settings.waitMs,
  });
  const keeper = new SliceKeeper({
    take: (most) => allocator.sliceOrWait(most),
    size: sliceSizeOf(settings),
    onLost: (...loss) => observer.lost(...loss),
  });
  const toldOfBroken: ((error: BrokenInvariantError) => void)[] = [];
  const pauseMs = backoff({ ...RETRY, random });
  let isStopped = false;

  return {
    codes: codesOf(allocator, codec, observer),

    async start() {
      for (let attempt = 1; ; attempt += 1) {
        const error = await agreeOnFacts({ facts, ledger, codec, namespace: settings.namespace }).catch(passing);
        if (isStopped) throw new AllocatorSealedError();
        if (error === undefined) break;
        const retryInMs = pauseMs(attempt);
        observer.startFailed(error, attempt, retryInMs);
        await pause(clock, retryInMs);
      }
      allocator.start();
    },

    attempted: () => untilAttempted(allocator, clock, () => isStopped),

    async stop() {
      const deadlineMs = Math.max(LEAST_STOP_MS, settings.drainTimeoutMs * PART_OF_DRAIN);
      isStopped = true;
      allocator.stop();
      await Promise.race([allocator.settled(), pause(clock, deadlineMs)]);
      const { tails, lost } = keeper.seal(allocator.seal());
      for (const range of lost) observer.notPublished('not_at_the_end', range);
      if (tails.length > 0) observer.givingBack(tails);
      await reclaiming.release(tails, deadlineMs);
    },

    health: () => healthOf(allocator.snapshot(), space.warning()),
    figures: () => ({ ...withSlices(allocator.snapshot(), keeper.heldIds), spaceLeft: lease.spaceLeft }),
    slices: slicesOf(keeper, allocator),
    onBroken: (told) => void toldOfBroken.push(told),
  };
}

function slicesOf(keeper: SliceKeeper, allocator: RangeAllocator): Slices {
  return {
    hand: (...request) => keeper.hand(...request),
    giveBack: (...what) => keeper.giveBack(...what),
    ended: (worker) => keeper.ended(worker),
    fail: (what) => allocator.fail(what),
  };
}

function withSlices(now: AllocatorSnapshot, sliceIds: number): AllocatorSnapshot {
  if (sliceIds === 0) return now;
  const heldIds = now.heldIds + sliceIds;
  return { ...now, heldIds, runwayS: heldIds / now.burnPerS };
}

function createLeases(options: IssuingOptions): { lease: TwoWitnessLease; reclaiming: ReclaimingLease } {
  const { clock, codec, ledger, marks, newClusterId, observer, random, remainders, settings } = options;
  const common = {
    ledger,
    holder: { ...options.holder, codec: codec.name },
    clock,
    random,
    observer,
    spaceEnd: codec.capacity.endCounter,
    attemptLimitMs: settings.leaseAttemptMs,
  };
  const lease = new TwoWitnessLease({ ...common, marks, newClusterId });
  return {
    lease,
    reclaiming: new ReclaimingLease({ ...common, lease, remainders, smallestTail: settings.smallestTail }),
  };
}

/** Returns what another attempt may find gone; throws everything else. */
function passing(error: unknown): unknown {
  const kinds = [StoreUnavailableError, StoreOutcomeUnknownError, WitnessUnavailableError];
  if (kinds.some((kind) => error instanceof kind)) return error;
  throw error;
}
