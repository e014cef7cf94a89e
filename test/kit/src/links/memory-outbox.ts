import type { Invalidation, InvalidationOutbox } from '@lakh/links';

/** Invalidations in an array, the oldest first; `ages` has when each was written, 0 unless said otherwise. */
export class MemoryOutbox implements InvalidationOutbox {
  /** How often it was asked what waits. */
  rounds = 0;
  readonly waiting: Invalidation[];
  readonly #createdAtMs: (invalidation: Invalidation) => number;

  constructor(waiting: readonly Invalidation[], createdAtMs: (invalidation: Invalidation) => number = () => 0) {
    this.waiting = [...waiting];
    this.#createdAtMs = createdAtMs;
  }

  async pending(limit: number): Promise<readonly Invalidation[]> {
    this.rounds += 1;
    return this.waiting.slice(0, limit);
  }

  async done({ code, version }: Invalidation): Promise<void> {
    const at = this.waiting.findIndex((each) => each.code === code && each.version <= version);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  async forget(beforeMs: number, limit: number): Promise<number> {
    const old = this.waiting.filter((each) => this.#createdAtMs(each) < beforeMs).slice(0, limit);
    for (const each of old) this.waiting.splice(this.waiting.indexOf(each), 1);
    return old.length;
  }
}
