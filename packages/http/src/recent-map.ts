/**
 * A map of so many keys at most, in which those that were used last are found. It has two generations: when the younger has half of what fits, it
 * becomes the older, and the older is forgotten; so nothing is ever searched for or moved about.
 */
export class RecentMap<Value> {
  readonly #half: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  constructor(sizeMax: number) {
    this.#half = Math.max(1, Math.floor(sizeMax / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    this.#old.delete(key);
    if (this.#young.size >= this.#half && !this.#young.has(key)) this.age();
    this.#young.set(key, value);
  }

  /** Forgets what was not used since this was done last, or since there was no more room. */
  age(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }
}
