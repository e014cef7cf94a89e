/** Issues codes as fast as one process can, from leases that arrive meanwhile. */
import { setImmediate as turn } from 'node:timers/promises';
import { IdsExhaustedError, RangeAllocator, type RangeSource, systemClock } from '@lakh/id-range';
import { base62 } from '@lakh/short-code';

export const LAKH = 100_000;

/** Between two looks at the event loop: a third of a millisecond, so that an answer of a witness does not wait long. */
const CHUNK = 20_000;
const KEPT = 1024;

export interface Issued {
  readonly ids: number;
  readonly elapsedMs: number;
  /** Nothing was held, and a lease was awaited. */
  readonly waitedMs: number;
  readonly leases: number;
}

export interface IssueOptions {
  /** Stops at whichever comes first. */
  readonly seconds: number;
  readonly ids?: number;
  /** Ranges held at most, default as in a server. */
  readonly maxHeld?: number;
}

const codec = base62();
/** The last codes, so that none can be optimised away. */
const kept: string[] = new Array(KEPT).fill('');

/**
 * With an allocator of its own that holds nothing at first, so that nothing leased before counts; what it holds in the end is
 * left, as by a server that is killed. Settles when no lease is in flight any more.
 */
export async function issue(source: RangeSource, options: IssueOptions): Promise<Issued> {
  const { seconds, ids: most = Number.POSITIVE_INFINITY, maxHeld } = options;
  const allocator = new RangeAllocator({
    source,
    clock: systemClock,
    random: Math.random,
    rangeSize: LAKH,
    ...(maxHeld === undefined ? {} : { maxHeld }),
  });
  const started = performance.now();
  const end = started + seconds * 1000;
  let ids = 0;
  let waitedMs = 0;
  allocator.start();
  try {
    for (let now = started; now < end && ids < most; now = performance.now()) {
      const count = Math.min(CHUNK, most - ids, allocator.snapshot().heldIds);
      for (let i = 0; i < count; i += 1) kept[i & (KEPT - 1)] = codec.encode(allocator.next());
      ids += count;
      if (count > 0) await turn();
      else {
        const counter = await allocator.nextOrWait().catch(stillExhausted);
        waitedMs += performance.now() - now;
        if (counter === undefined) continue;
        kept[0] = codec.encode(counter);
        ids += 1;
      }
    }
  } finally {
    allocator.stop();
  }
  const elapsedMs = performance.now() - started;
  await allocator.settled();
  return { ids, elapsedMs, waitedMs, leases: allocator.snapshot().leasedRanges };
}

/** A wait is bounded; the loop decides whether to wait on. */
function stillExhausted(error: unknown): undefined {
  if (!(error instanceof IdsExhaustedError)) throw error;
}

/** Leases of whatever size, from memory, after a turn of the event loop. */
export function memorySource(first: number): RangeSource {
  let start = first;
  return {
    async lease(size) {
      const range = { start, end: start + size };
      start = range.end;
      return range;
    },
  };
}
