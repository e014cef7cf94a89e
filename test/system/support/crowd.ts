/** Callers who share one queue of items, each taking the next one when it is done with its last. */
export interface Crowd<T> {
  readonly items: readonly T[];
  /** Items under way at a time. */
  readonly concurrency: number;
  readonly work: (item: T, index: number) => Promise<void>;
  /** Nobody takes an item from this index on before `holdUntil` resolves. */
  readonly holdAt?: number;
  readonly holdUntil?: Promise<unknown>;
}

/** Resolves when every item was worked on; with the first failure nobody takes another one, and it rejects. */
export async function runCrowd<T>(crowd: Crowd<T>): Promise<void> {
  const { items, concurrency, work, holdAt = items.length, holdUntil } = crowd;
  let next = 0;
  let hasFailed = false;
  const one = async (): Promise<void> => {
    while (next < items.length && !hasFailed) {
      const index = next++;
      if (index >= holdAt) await holdUntil;
      await work(items[index] as T, index);
    }
  };
  const callers = Array.from({ length: concurrency }, () =>
    one().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  const results = await Promise.allSettled(callers);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** A count that others can wait for. */
export class Progress {
  #count = 0;
  #waiting: { readonly at: number; readonly resolve: () => void }[] = [];

  get count(): number {
    return this.#count;
  }

  add(): void {
    this.#count += 1;
    if (!this.#waiting.some(({ at }) => at <= this.#count)) return;
    const due = this.#waiting.filter(({ at }) => at <= this.#count);
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#count);
    for (const { resolve } of due) resolve();
  }

  reached(at: number): Promise<void> {
    if (this.#count >= at) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ at, resolve }));
  }
}
