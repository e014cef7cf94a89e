import { Ghosts } from './ghosts.js';
import { MapTable, objectBytes } from './heap-bytes.js';

/** A drawer with its places in two lists, its map with what is about the table, and the accounts of table and ghosts. */
const EMPTY_BYTES = objectBytes(5) + objectBytes(1) + 40 + objectBytes(3) + objectBytes(3);

const LEAST_REMEMBERED = 32;

/**
 * Some of a cache's entries, and what is remembered of such. V8 makes the table behind a `Map` anew in one go when it is full, which takes a third of a second with a million in
 * it: so no map may hold many.
 */
export class Drawer<E> {
  readonly entries = new Map<string, E>();
  readonly #table = new MapTable();
  readonly #ghosts = new Ghosts();

  /** Without what the entries themselves weigh. */
  get bytes(): number {
    return EMPTY_BYTES + this.#table.bytes + this.#ghosts.bytes;
  }

  /** In the place of the one with its key. */
  replace(key: string, entry: E): void {
    this.entries.set(key, entry);
  }

  /** One whose key is not there. @returns whether its key was forgotten lately */
  add(key: string, print: number, entry: E): boolean {
    this.entries.set(key, entry);
    this.#table.added();
    this.#makeRoom();
    return this.#ghosts.recall(print, this.entries.size);
  }

  /** One whose key is there. */
  remove(key: string): void {
    this.entries.delete(key);
    this.#table.removed();
  }

  /** Remembers that the key was there. */
  remember(print: number): void {
    this.#ghosts.remember(print);
  }

  /**
   * As many can be remembered as are held by a table that was made anew lately. There is room for them from then on: were it made when the cache is full, all
   * drawers would need theirs at once.
   */
  #makeRoom(): void {
    const places = this.#table.places / 2;
    if (places >= LEAST_REMEMBERED && places > this.#ghosts.places) this.#ghosts.makeRoom(places);
  }
}
