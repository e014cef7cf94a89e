/** What a coalescer needs to know of a batch. */
export interface Batch {
  readonly size: number;
  /** By `performance.now()`; the deadline of the whole batch counts from it. */
  readonly openedAtMs: number;
}

export interface CoalescerOptions<B extends Batch> {
  readonly maxInFlight: number;
  readonly open: () => B;
  /** Settles every item of the batch and never rejects. */
  readonly send: (batch: B) => Promise<void>;
}

/**
 * Group commit at the application: while `maxInFlight` statements are under way, items gather in one batch, which goes as one
 * statement when one of them has ended. A lone item goes at once. Statements leave after the event loop's present
 * round of I/O (setImmediate), so that everything that arrives in that round, and every caller that was just answered, shares one.
 */
export class Coalescer<B extends Batch> {
  readonly #options: CoalescerOptions<B>;
  #open: B | undefined;
  /** Batches that are full; first in, first out. */
  readonly #sealed: B[] = [];
  #queued = 0;
  #inFlight = 0;
  #scheduled = false;

  constructor(options: CoalescerOptions<B>) {
    this.#options = options;
  }

  /** Items that no statement carries yet. */
  get queued(): number {
    return this.#queued;
  }

  /** The batch that takes the next item: the open one if it `hasRoom`, a new one otherwise. Tell of the item by {@link added}. */
  batch(hasRoom: (batch: B) => boolean): B {
    if (this.#open && !hasRoom(this.#open)) {
      this.#sealed.push(this.#open);
      this.#open = undefined;
    }
    this.#open ??= this.#options.open();
    return this.#open;
  }

  added(): void {
    this.#queued += 1;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#options.maxInFlight) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#inFlight < this.#options.maxInFlight) {
      const batch = this.#sealed.shift() ?? this.#open;
      if (!batch) return;
      if (batch === this.#open) this.#open = undefined;
      this.#queued -= batch.size;
      this.#inFlight += 1;
      void this.#options.send(batch).then(() => {
        this.#inFlight -= 1;
        if (this.#queued > 0) this.#schedule();
      });
    }
  }
}
