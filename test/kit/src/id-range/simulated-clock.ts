import type { Clock } from '@lakh/id-range';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that passes only when told to, so that a schedule of events is the same in each run. */
export class SimulatedClock implements Clock {
  #nowMs = 0;
  #order = 0;
  /** Sorted, the next one last. */
  readonly #timers: Timer[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.splice(this.#placeOf(timer), 0, timer);
    return () => {
      const place = this.#placeOf(timer);
      if (this.#timers[place] === timer) this.#timers.splice(place, 1);
    };
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass: runs each timer at its time, and after each every promise that it settled. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    // Into the queue of promise reactions, should the caller be a tick: settlePromises() rests on it.
    await undefined;
    await settlePromises();
    while (this.#timers.length > 0 && this.#timers.at(-1)!.dueMs <= targetMs) {
      const timer = this.#timers.pop()!;
      this.#nowMs = timer.dueMs;
      timer.run();
      await settlePromises();
    }
    this.#nowMs = targetMs;
  }

  /** The first place whose timer is not due after this one: its own, or the one to put it in. */
  #placeOf({ dueMs, order }: Timer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle]!;
      if (other.dueMs > dueMs || (other.dueMs === dueMs && other.order > order)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * Returns when no promise reaction is left. Node runs a tick that a promise reaction asks for only after the queue of reactions is empty; that
 * takes 0.3 µs, where an immediate, which waits for the event loop's next turn, takes 1.2 µs.
 */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

/** A small seeded generator (mulberry32, Tommy Ettinger, public domain): uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
