import type { Session } from './connection.js';
import { SqlFailure } from './errors.js';

export interface Waiter {
  readonly take: (session: Session) => void;
  readonly refuse: (failure: SqlFailure) => void;
}

/** Callers for whom no connection is free; first come, first served. `name` is the pool's. */
export class Waiters {
  readonly #name: string;
  readonly #most: number;
  readonly #waiting = new Set<Waiter>();

  constructor(name: string, most: number) {
    this.#name = name;
    this.#most = most;
  }

  /** Who has waited longest. */
  get first(): Waiter | undefined {
    const [first] = this.#waiting;
    return first;
  }

  /** Resolves with a connection, or rejects at `deadline` (of `performance.now()`), at once when too many wait already. */
  join(deadline: number): Promise<Session> {
    if (this.#waiting.size >= this.#most) {
      const message = `${this.#name}: ${this.#waiting.size} calls wait for a connection already`;
      return Promise.reject(new SqlFailure('unsent', message));
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        take: (session) => {
          leave();
          resolve(session);
        },
        refuse: (failure) => {
          leave();
          reject(failure);
        },
      };
      const timer = setTimeout(
        () => waiter.refuse(new SqlFailure('unsent', `${this.#name}: no connection was free within the deadline`)),
        Math.max(0, deadline - performance.now()),
      );
      this.#waiting.add(waiter);
    });
  }

  refuseAll(message: string): void {
    for (const waiter of [...this.#waiting]) waiter.refuse(new SqlFailure('unsent', message));
  }
}
