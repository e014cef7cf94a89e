/**
 * What things weigh on the heap of Node 20 to 24 (64 bits, pointers not compressed), by how V8 lays them out. A test holds it to within a tenth of what a
 * filled cache adds to the heap.
 */

const WORD_BYTES = 8;
/** Of an object: its shape, and where further properties and elements would be. */
const OBJECT_HEADER_BYTES = 3 * WORD_BYTES;
/** Of a string: its shape, hash and length. */
const STRING_HEADER_BYTES = 2 * WORD_BYTES;
const BEYOND_ONE_BYTE = /[^\0-\xff]/;

/** An object that was made with so many fields, each a pointer or a small integer. */
export function objectBytes(fields: number): number {
  return OBJECT_HEADER_BYTES + fields * WORD_BYTES;
}

/** A flat string of its own; the empty one is everybody's. */
export function stringBytes(text: string): number {
  if (text === '') return 0;
  const unitBytes = BEYOND_ONE_BYTE.test(text) ? 2 : 1;
  return STRING_HEADER_BYTES + Math.ceil((unitBytes * text.length) / WORD_BYTES) * WORD_BYTES;
}

const LEAST_PLACES = 4;
/** Three words a place, and half a word for where to begin to look. */
const PLACE_BYTES = 3.5 * WORD_BYTES;

/**
 * The table behind a `Map`, which the heap's account would otherwise miss by a third of an entry: deleted entries keep their places until it is
 * full; then it is made anew, twice as large unless half of it was deleted. With less than a quarter of its places taken it is halved.
 */
export class MapTable {
  #places = LEAST_PLACES;
  #size = 0;
  #deleted = 0;

  get bytes(): number {
    return this.#places * PLACE_BYTES;
  }

  get places(): number {
    return this.#places;
  }

  /** A key was added that was not there. */
  added(): void {
    if (this.#size + this.#deleted === this.#places) {
      if (2 * this.#deleted < this.#places) this.#places *= 2;
      this.#deleted = 0;
    }
    this.#size += 1;
  }

  /** A key was deleted that was there. */
  removed(): void {
    this.#size -= 1;
    this.#deleted += 1;
    if (4 * this.#size >= this.#places || this.#places === LEAST_PLACES) return;
    this.#places /= 2;
    this.#deleted = 0;
  }
}
