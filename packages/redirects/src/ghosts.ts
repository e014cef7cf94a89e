/** A bucket's places: of as many keys that fall into one bucket, the oldest gives way. */
const WAYS = 4;
/** A fingerprint, and when it was put there, by the count of what was. They stand side by side. */
const PLACE_WORDS = 2;
const PLACE_BYTES = 4 * PLACE_WORDS;
const NOTHING = new Int32Array(0);

/**
 * The last keys that something was forgotten of, by a fingerprint of 32 bits each ({@link printOf}): now and then it takes one key for another, which only
 * keeps something a little longer than it should be.
 */
export class Ghosts {
  /** A fingerprint of zero: nothing. */
  #words = NOTHING;
  #places = 0;
  #count = 0;

  get bytes(): number {
    return this.#places * PLACE_BYTES;
  }

  get places(): number {
    return this.#places;
  }

  /** Makes room for so many, a power of two and no less than {@link WAYS}, and begins anew. */
  makeRoom(places: number): void {
    this.#places = places;
    this.#words = new Int32Array(this.#places * PLACE_WORDS);
  }

  /** Remembers a key, as one of the last, as far as there is room and others do not push it out. */
  remember(print: number): void {
    if (this.#places === 0) return;
    const words = this.#words;
    const first = this.#bucketOf(print);
    let oldest = first;
    for (let at = first; at < first + WAYS * PLACE_WORDS; at += PLACE_WORDS) {
      if (words[at] === print || words[at] === 0) {
        oldest = at;
        break;
      }
      if (this.#ageOf(at) > this.#ageOf(oldest)) oldest = at;
    }
    this.#count = (this.#count + 1) | 0;
    words[oldest] = print;
    words[oldest + 1] = this.#count;
  }

  /** Whether a key was one of the last `most`; not any more after this. */
  recall(print: number, most: number): boolean {
    if (this.#places === 0) return false;
    const first = this.#bucketOf(print);
    for (let at = first; at < first + WAYS * PLACE_WORDS; at += PLACE_WORDS) {
      if (this.#words[at] !== print) continue;
      this.#words[at] = 0;
      return this.#ageOf(at) < most;
    }
    return false;
  }

  #ageOf(at: number): number {
    return (this.#count - (this.#words[at + 1] as number)) >>> 0;
  }

  #bucketOf(print: number): number {
    return (Math.imul(print, 0x9e37_79b1) & (this.#places - WAYS)) * PLACE_WORDS;
  }
}

/**
 * A key's fingerprint, never zero: FNV-1a, with its bits mixed once more. A signed number, as seed is, which V8 keeps in a register.
 *
 * @param seed so that nobody outside can choose keys that meet
 */
export function printOf(key: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  return hash ^ (hash >>> 13) || 1;
}
