/**
 * Issuing in a worker: an allocator whose ranges are slices that its supervisor leased. They are fetched ahead, so that a create waits for
 * none; what a stop finds unissued goes back to the supervisor.
 */
import {
  BrokenInvariantError,
  type Clock,
  type CounterRange,
  type LossReason,
  type Randomness,
  RangeAllocator,
} from '@lakh/id-range';
import type { Codec } from '@lakh/short-code';
import { codesOf, healthOf } from '../face.js';
import { type Issuing, type IssuingSettings, LEAST_STOP_MS, PART_OF_DRAIN } from '../live-issuing.js';
import type { WorkerObserver } from '../observer.js';
import { pause, untilAttempted } from '../pause.js';
import { type GiveBack, type SliceAnswer, type SliceRequest, sliceOf } from './answers.js';
import { sliceSizeOf } from './slice-size.js';

/** The supervisor, as a worker has it. Each rejects when it is gone. */
export interface SliceSource {
  next(request: SliceRequest): Promise<SliceAnswer>;
  /** Resolves when the supervisor has them. */
  giveBack(what: GiveBack): Promise<void>;
  /** A counter was found issued twice, or may have been: what it was. For the supervisor to tell all. */
  broken(what: string): void;
  /** Told what another worker, or the supervisor, found. */
  onBroken(told: (what: string) => void): void;
}

export interface WorkerIssuingOptions {
  readonly source: SliceSource;
  readonly codec: Codec;
  readonly settings: Pick<IssuingSettings, 'rangeSize' | 'sliceSize' | 'drainTimeoutMs' | 'waitMs'>;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly observer: WorkerObserver;
}

/** What a worker has of {@link Issuing}: whether it may issue on its database its supervisor has asked. */
export type WorkerIssuing = Omit<Issuing, 'slices' | 'onBroken'>;

/** The slice in use and the next one: with that, a crash of a worker loses a fiftieth of a range. */
const SLICES_HELD = 2;
/** A supervisor that had nothing is on the same machine, and waits itself before it says so. */
const RETRY = { backoffFirstMs: 10, backoffCapMs: 100 };

export function createWorkerIssuing(options: WorkerIssuingOptions): WorkerIssuing {
  const { clock, codec, observer, random, settings, source } = options;
  let isAwaiting = false;
  let isStopped = false;
  const allocator: RangeAllocator = new RangeAllocator({
    source: {
      async lease() {
        isAwaiting = true;
        try {
          return sliceOf(await source.next({ held: allocator.held() }));
        } catch (error) {
          if (error instanceof BrokenInvariantError) allocator.fail(error.what);
          throw error;
        } finally {
          isAwaiting = false;
        }
      },
    },
    clock,
    random,
    observer: {
      leaseFailed: (...failure) => observer.leaseFailed(...failure),
      lost(reason, range) {
        if (reason === 'leased_too_late') void giveBack([range]);
        else observer.lost(reason, range);
      },
      broken: ({ what }) => source.broken(what),
    },
    rangeSize: sliceSizeOf(settings),
    maxHeld: SLICES_HELD,
    prefetchJitterMs: 0,
    waitMs: settings.waitMs,
    ...RETRY,
  });
  source.onBroken((what) => allocator.fail(what));

  async function giveBack(tails: readonly CounterRange[]): Promise<void> {
    try {
      await source.giveBack({ tails, isAwaiting });
    } catch {
      const reason: LossReason = 'supervisor_gone';
      for (const tail of tails) observer.lost(reason, tail);
    }
  }

  return {
    codes: codesOf(allocator, codec, observer),
    async start() {
      allocator.start();
    },
    attempted: () => untilAttempted(allocator, clock, () => isStopped),

    async stop() {
      const deadlineMs = Math.max(LEAST_STOP_MS, settings.drainTimeoutMs * PART_OF_DRAIN);
      isStopped = true;
      allocator.stop();
      await Promise.race([allocator.settled(), pause(clock, deadlineMs)]);
      const tails = allocator.seal();
      await Promise.race([giveBack(tails), pause(clock, deadlineMs)]);
    },

    health: () => healthOf(allocator.snapshot()),
    figures: () => ({ ...allocator.snapshot(), spaceLeft: undefined }),
  };
}
