/** Work that goes on at once, as much of it as there may be. */
export class Gate {
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** First come, first served. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running += 1;
    // Whoever ends hands its place on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

/** What is about the same thing goes one after the other, in the order in which it came. */
export class Sequences {
  readonly #lastOf = new Map<string, Promise<unknown>>();

  /** `work` never rejects. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lastOf.get(key);
    const own = before === undefined ? work() : before.then(work);
    this.#lastOf.set(key, own);
    void own.then(() => {
      if (this.#lastOf.get(key) === own) this.#lastOf.delete(key);
    });
    return own;
  }
}
