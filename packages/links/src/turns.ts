export interface TurnsOptions {
  readonly atOnce: number;
  /** That wait for a turn; one more has none. */
  readonly queuedMax: number;
  /** How long one waits at most. */
  readonly waitMs: number;
}

interface Waiting {
  readonly untilMs: number;
  readonly answer: (hasTurn: boolean) => void;
}

/** So many at once; of those beyond it so many wait, first come, first served, and none for long. */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #queue: Waiting[] = [];
  #running = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Those that have a turn and those that wait for one. */
  get size(): number {
    return this.#running + this.#queue.length;
  }

  /** Whether there is a turn, perhaps in a while; whoever has it must {@link leave}. */
  enter(): boolean | Promise<boolean> {
    const { atOnce, queuedMax, waitMs } = this.#options;
    if (this.#running < atOnce) {
      this.#running += 1;
      return true;
    }
    if (this.#queue.length >= queuedMax) return false;
    return new Promise((answer) => {
      this.#queue.push({ untilMs: performance.now() + waitMs, answer });
      this.#timer ??= setTimeout(() => this.#giveUp(), waitMs);
    });
  }

  leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#running -= 1;
    // It has the turn of the one who leaves.
    else next.answer(true);
    if (this.#queue.length === 0) this.#disarm();
  }

  /** All wait equally long, so that the first in the queue is the first whose time is over. */
  #giveUp(): void {
    this.#disarm();
    const nowMs = performance.now();
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      // A timer may be a little early.
      const leftMs = first.untilMs - nowMs;
      if (leftMs > 1) {
        this.#timer = setTimeout(() => this.#giveUp(), leftMs);
        return;
      }
      this.#queue.shift();
      first.answer(false);
    }
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
