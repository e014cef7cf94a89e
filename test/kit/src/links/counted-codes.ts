import type { CodeSource, GeneratedCode } from '@lakh/links';

/** Counters from the first on, as codes that say so: what an allocator gives that never runs out. */
export class CountedCodes implements CodeSource {
  #next = 100_000;

  async nextOrWait(): Promise<GeneratedCode> {
    const counter = this.#next;
    this.#next += 1;
    return { counter, code: `c${counter}` };
  }

  *upcoming(): Iterable<GeneratedCode> {
    for (let counter = this.#next; ; counter += 1) yield { counter, code: `c${counter}` };
  }

  reportDuplicate(): void {}

  reportBurnt(): void {}
}
