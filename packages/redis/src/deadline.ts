import { RedisDeadlineError } from './errors.js';

interface Waiting {
  settled: boolean;
  reject(error: unknown): void;
}

interface Batch {
  readonly waiting: Waiting[];
  unsettled: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Races commands against a deadline with one timer for all that were sent in one turn of the event loop (the client writes
 * them in one piece, too).
 */
export class Deadlines {
  readonly #deadlineMs: number;
  #current: Batch | undefined;
  #unsettled = 0;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  /** Commands that are neither answered nor past their deadline. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Settles like `command`, or rejects with {@link RedisDeadlineError}; then the late answer goes nowhere. */
  race<T>(command: Promise<T>): Promise<T> {
    const batch = this.#batch();
    batch.unsettled += 1;
    this.#unsettled += 1;
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = { settled: false, reject };
      batch.waiting.push(waiting);
      command.then(
        (value) => {
          if (this.#settle(batch, waiting)) resolve(value);
        },
        (error) => {
          if (this.#settle(batch, waiting)) reject(error);
        },
      );
    });
  }

  #batch(): Batch {
    if (this.#current === undefined) {
      // After a stall of this process its timers run before its sockets are read: the turn's answers get their chance first.
      const timer = setTimeout(() => setImmediate(() => this.#expire(batch)), this.#deadlineMs);
      const batch: Batch = { waiting: [], unsettled: 0, timer };
      this.#current = batch;
      setImmediate(() => {
        this.#current = undefined;
      });
    }
    return this.#current;
  }

  #settle(batch: Batch, waiting: Waiting): boolean {
    if (waiting.settled) return false;
    waiting.settled = true;
    this.#unsettled -= 1;
    batch.unsettled -= 1;
    if (batch.unsettled === 0 && this.#current !== batch) clearTimeout(batch.timer);
    return true;
  }

  #expire(batch: Batch): void {
    const error = new RedisDeadlineError(`no answer within ${this.#deadlineMs} ms`);
    for (const waiting of batch.waiting) {
      if (this.#settle(batch, waiting)) waiting.reject(error);
    }
  }
}
