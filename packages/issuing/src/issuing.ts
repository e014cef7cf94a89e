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
  type Clock,
  type LeaseHolder,
  type Randomness,
  RangeAllocator,
  ReclaimingLease,
  TwoWitnessLease,
  type Witnesses,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { type CodeSource, StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import type { Codec } from '@lakh/short-code';
import type { IssuingObserver } from './observer.js';
import { type SpaceWatch, watchSpace } from './space-watch.js';
import { watchKeys } from './unknown-keys.js';

export interface IssuingSettings {
  readonly namespace: string;
  readonly rangeSize: number;
  readonly runwayS: number;
  readonly rangesMaxHeld: number;
  /** A stop takes half of it at most, beside the witnesses' deadlines. */
  readonly drainTimeoutMs: number;
  /** How long one attempt to lease may take. This and the next two have id-range's defaults. */
  readonly leaseAttemptMs?: number | undefined;
  /** Tails with fewer counters are not given back. */
  readonly smallestTail?: number | undefined;
  /** How long a create waits for a lease while nothing is held. */
  readonly waitMs?: number | undefined;
}

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

export interface IssuingFigures extends AllocatorSnapshot {
  /** Counters of the codec's space that no lease had covered when this process last read the mark; undefined before it has. */
  readonly spaceLeft: number | undefined;
}

export interface IssuingHealth {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly detail: string;
}

export interface Issuing {
  readonly codes: CodeSource;
  /**
   * Resolves when this server may issue on its database and has begun to lease; does not wait for the first range. Tries for as long
   * as the database is away.
   *
   * @throws CodecMismatchError, NamespaceMismatchError: this server must not run on this database
   * @throws AllocatorSealedError: it was stopped meanwhile
   */
  start(): Promise<void>;
  /** After a start: resolves when something is held, or an attempt to lease has failed and there is something to say, or after a stop. */
  attempted(): Promise<void>;
  /**
   * Ends leasing and issuing, and gives back what was not issued. Settles within half of `drainTimeoutMs` (a second at least) and the
   * witnesses' deadlines of one tail; never rejects.
   */
  stop(): Promise<void>;
  health(): IssuingHealth;
  figures(): IssuingFigures;
}

/** A stop first waits for the lease in flight, then gives back; each may take this part of what a drain may. */
const PART_OF_DRAIN = 1 / 4;
/** Within what a drain of no time at all leaves to each step. */
const LEAST_STOP_MS = 500;

const ATTEMPT_POLL_MS = 5;

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
  const allocator = new RangeAllocator({
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
    observer,
    rangeSize: settings.rangeSize,
    runwayMs: settings.runwayS * 1000,
    maxHeld: settings.rangesMaxHeld,
    waitMs: settings.waitMs,
  });
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

    async attempted() {
      for (;;) {
        const { state, sourceOk } = allocator.snapshot();
        if (isStopped || state !== 'starting' || !sourceOk) return;
        await pause(clock, ATTEMPT_POLL_MS);
      }
    },

    async stop() {
      const deadlineMs = Math.max(LEAST_STOP_MS, settings.drainTimeoutMs * PART_OF_DRAIN);
      isStopped = true;
      allocator.stop();
      await Promise.race([allocator.settled(), pause(clock, deadlineMs)]);
      const tails = allocator.seal();
      if (tails.length > 0) observer.givingBack(tails);
      await reclaiming.release(tails, deadlineMs);
    },

    health: () => healthOf(allocator.snapshot(), space),
    figures: () => ({ ...allocator.snapshot(), spaceLeft: lease.spaceLeft }),
  };
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

function codesOf(allocator: RangeAllocator, codec: Codec, observer: IssuingObserver): CodeSource {
  return {
    async nextOrWait() {
      const counter = await allocator.nextOrWait();
      return { counter, code: codec.encode(counter) };
    },
    *upcoming() {
      for (const { start, end } of allocator.held()) {
        for (let counter = start; counter < end; counter += 1) yield { counter, code: codec.encode(counter) };
      }
    },
    reportDuplicate(counter) {
      observer.duplicate(counter);
      allocator.dropRange(counter);
    },
    reportBurnt: (counter, why) => observer.burnt(counter, why),
  };
}

function healthOf({ state, heldIds, ...now }: AllocatorSnapshot, space: SpaceWatch): IssuingHealth {
  const why = now.lastErrorCode === null ? '' : `: ${now.lastErrorCode}: ${now.lastErrorMessage}`;
  if (state === 'degraded') return { status: 'degraded', detail: `${heldIds} ids held, no further lease${why}` };
  if (state !== 'ready') return { status: 'down', detail: `${state}${why}` };
  const ending = space.warning();
  if (ending !== undefined) return { status: 'degraded', detail: `${heldIds} ids held; ${ending}` };
  return { status: 'ok', detail: `${heldIds} ids held` };
}

/** Returns what another attempt may find gone; throws everything else. */
function passing(error: unknown): unknown {
  const kinds = [StoreUnavailableError, StoreOutcomeUnknownError, WitnessUnavailableError];
  if (kinds.some((kind) => error instanceof kind)) return error;
  throw error;
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(ms, resolve);
  });
}
