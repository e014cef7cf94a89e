import type { Clock } from './ports.js';

interface Waiter {
  readonly resolve: (counter: number) => void;
  readonly reject: (error: Error) => void;
  readonly cancelTimer: () => void;
}

/** Callers that wait for a counter: first come, first served; bounded in count and in time. */
export class Waiters {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #waitMs: number;
  readonly #queue: Waiter[] = [];

  constructor(clock: Clock, most: number, waitMs: number) {
    this.#clock = clock;
    this.#most = most;
    this.#waitMs = waitMs;
  }

  get count(): number {
    return this.#queue.length;
  }

  get full(): boolean {
    return this.#queue.length >= this.#most;
  }

  /** Joins the queue, which must not be full. Past the wait, the promise rejects with what `exhausted` then returns. */
  join(exhausted: () => Error): Promise<number> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.schedule(this.#waitMs, () => {
        // The same wait for all, so the one whose time is up stands at the front: no scan.
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(exhausted());
      });
      const waiter: Waiter = { resolve, reject, cancelTimer };
      this.#queue.push(waiter);
    });
  }

  /** Gives the counter to the first of the queue, which must not be empty. */
  serve(counter: number): void {
    const waiter = this.#queue.shift() as Waiter;
    waiter.cancelTimer();
    waiter.resolve(counter);
  }

  rejectAll(error: Error): void {
    for (const waiter of this.#queue.splice(0)) {
      waiter.cancelTimer();
      waiter.reject(error);
    }
  }
}
