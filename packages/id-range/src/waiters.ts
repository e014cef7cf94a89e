import type { Clock } from './ports.js';

interface Waiter {
  /** Takes what was waited for, which must be there. */
  readonly serve: () => void;
  readonly reject: (error: Error) => void;
  readonly cancelTimer: () => void;
}

/** Callers that wait for counters: first come, first served; bounded in count and in time. */
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

  /** Joins the queue, which must not be full, to be given what `take` then returns. Past the wait, the promise rejects with what `exhausted` returns. */
  join<T>(take: () => T, exhausted: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.schedule(this.#waitMs, () => {
        // The same wait for all, so the one whose time is up stands at the front: no scan.
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(exhausted());
      });
      const waiter: Waiter = { serve: () => resolve(take()), reject, cancelTimer };
      this.#queue.push(waiter);
    });
  }

  /** Lets the first of the queue, which must not be empty, take what it waits for. */
  serve(): void {
    const waiter = this.#queue.shift() as Waiter;
    waiter.cancelTimer();
    waiter.serve();
  }

  rejectAll(error: Error): void {
    for (const waiter of this.#queue.splice(0)) {
      waiter.cancelTimer();
      waiter.reject(error);
    }
  }
}
