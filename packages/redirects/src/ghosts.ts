/** A bucket's places: of as many keys that fall into one bucket, the oldest gives way. */
const WAYS = 4;
const LEAST_PLACES = 64;
/** A fingerprint and a number. */
const PLACE_BYTES = 8;

/**
 * The last keys that something was forgotten of, by a fingerprint of 32 bits each: now and then it takes one key for another, which only keeps
 * something a little longer than it should be.
 */
export class Ghosts {
  /** So that nobody outside can choose keys that meet. */
  readonly #seed: number;
  /** Zero: nothing. */
  #prints = new Uint32Array(0);
  /** When each was put there, by the count of what was. */
  #numbers = new Uint32Array(0);
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  get bytes(): number {
    return this.#prints.length * PLACE_BYTES;
  }

  /** Remembers `key`, as one of the last `most`, give or take those that others push out. Where there is room for fewer, begins with more of it. */
  remember(key: string, most: number): void {
    if (this.#prints.length < Math.max(1, most)) this.#makeRoom(most);
    const print = this.#printOf(key);
    const first = this.#bucketOf(print);
    let oldest = first;
    for (let i = first; i < first + WAYS; i += 1) {
      if (this.#prints[i] === print || this.#prints[i] === 0) {
        oldest = i;
        break;
      }
      if (this.#ageOf(i) > this.#ageOf(oldest)) oldest = i;
    }
    this.#count = (this.#count + 1) >>> 0;
    this.#prints[oldest] = print;
    this.#numbers[oldest] = this.#count;
  }

  /** Whether `key` was one of the last `most`; not any more after this. */
  recall(key: string, most: number): boolean {
    if (this.#prints.length === 0) return false;
    const print = this.#printOf(key);
    const first = this.#bucketOf(print);
    for (let i = first; i < first + WAYS; i += 1) {
      if (this.#prints[i] !== print) continue;
      this.#prints[i] = 0;
      return this.#ageOf(i) < most;
    }
    return false;
  }

  clear(): void {
    this.#prints = new Uint32Array(0);
    this.#numbers = new Uint32Array(0);
  }

  #makeRoom(most: number): void {
    const places = Math.max(LEAST_PLACES, 2 ** Math.ceil(Math.log2(Math.max(1, most))));
    this.#prints = new Uint32Array(places);
    this.#numbers = new Uint32Array(places);
  }

  #ageOf(place: number): number {
    return (this.#count - (this.#numbers[place] as number)) >>> 0;
  }

  #bucketOf(print: number): number {
    return (Math.imul(print, 0x9e37_79b1) >>> 0) & (this.#prints.length - WAYS);
  }

  /** FNV-1a, with its bits mixed once more. */
  #printOf(key: string): number {
    let hash = this.#seed;
    for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
    return (hash ^ (hash >>> 13)) >>> 0 || 1;
  }
}
