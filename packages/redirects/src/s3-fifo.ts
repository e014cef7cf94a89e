import { Ghosts } from './ghosts.js';
import { MapTable } from './heap-bytes.js';

/** What is kept, and the policy's own notes on it, in one object: a hit on one of many pays for each that it has to fetch from memory. */
export interface Kept<E> {
  /** One text for the map and for the entry. */
  key: string;
  /** On the heap, its strings included. */
  readonly bytes: number;
  /** How often it was asked for since it was last looked over, as far as that matters: at most three times. */
  asked: number;
  /** In which queue it stands. */
  isMain: boolean;
  /** Its neighbours there. */
  newer: E | undefined;
  older: E | undefined;
}

const ASKED_MOST = 3;
/** What was asked for less often while it was new is forgotten. */
const ASKED_ENOUGH = 2;
/** The part of the room in which everything new begins. */
const NEW_SHARE = 0.1;
/** Of those that were asked for so many are passed over in one search for one that was not; then the next goes. */
const PASSED_OVER_MOST = 1_000;
/**
 * Half of what a `Map` holds at most. It counts deleted keys too until it is made anew: with more, that would be larger than any may be.
 */
const SIZE_MOST = 2 ** 23;

/** First in, first out. */
class Queue<E extends Kept<E>> {
  oldest: E | undefined;
  size = 0;
  bytes = 0;
  #newest: E | undefined;

  add(entry: E): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.size += 1;
    this.bytes += entry.bytes;
  }

  remove(entry: E): void {
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    if (entry.older === undefined) this.oldest = entry.newer;
    else entry.older.newer = entry.newer;
    entry.newer = undefined;
    entry.older = undefined;
    this.size -= 1;
    this.bytes -= entry.bytes;
  }

  /** Puts `next` where `entry` stands. */
  replace(entry: E, next: E): void {
    next.newer = entry.newer;
    next.older = entry.older;
    if (entry.newer === undefined) this.#newest = next;
    else entry.newer.older = next;
    if (entry.older === undefined) this.oldest = next;
    else entry.older.newer = next;
    entry.newer = undefined;
    entry.older = undefined;
    this.bytes += next.bytes - entry.bytes;
  }
}

/**
 * A map bounded in bytes that forgets by S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023): what is new stands in a
 * small queue, and is forgotten at its end unless it was asked for meanwhile, or comes again soon; what is not moves to the main queue, where it is passed
 * over as often as it was asked for. So what is asked for once, in a scan for instance, pushes out nothing but its like; and a hit raises one small
 * number, where an LRU has a list to mend.
 *
 * Never holds more than its bound, its own tables included.
 */
export class S3Fifo<E extends Kept<E>> {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, E>();
  readonly #table = new MapTable();
  #new = new Queue<E>();
  #main = new Queue<E>();
  readonly #ghosts: Ghosts;

  /** @param seed of the fingerprints of what was forgotten */
  constructor(maxBytes: number, seed: number) {
    this.#maxBytes = maxBytes;
    this.#ghosts = new Ghosts(seed);
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    if (this.#entries.size === 0) return 0;
    return this.#table.bytes + this.#new.bytes + this.#main.bytes + this.#ghosts.bytes;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Without being asked for. */
  peek(key: string): E | undefined {
    return this.#entries.get(key);
  }

  ask(key: string): E | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.asked < ASKED_MOST) entry.asked += 1;
    return entry;
  }

  /** Keeps a new `entry`, in the place of one with its key if there is one. One that leaves no room for itself is not kept. */
  set(entry: E): void {
    const held = this.#entries.get(entry.key);
    this.#entries.set(entry.key, entry);
    if (held === undefined) {
      this.#table.added();
      entry.isMain = this.#ghosts.recall(entry.key, this.#entries.size);
      this.#queueOf(entry).add(entry);
    } else {
      entry.key = held.key;
      entry.isMain = held.isMain;
      // It lives anew, and was asked for again, or about to be.
      entry.asked = Math.min(held.asked, 1);
      this.#queueOf(held).replace(held, entry);
    }
    while (this.bytes > this.#maxBytes || this.#entries.size > SIZE_MOST) this.#forgetOne();
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(entry);
  }

  clear(): void {
    this.#new = new Queue();
    this.#main = new Queue();
    this.#entries.clear();
    this.#table.cleared();
    this.#ghosts.clear();
  }

  #queueOf(entry: E): Queue<E> {
    return entry.isMain ? this.#main : this.#new;
  }

  #remove(entry: E): void {
    this.#queueOf(entry).remove(entry);
    this.#entries.delete(entry.key);
    this.#table.removed();
  }

  #forgetOne(): void {
    const isNewFull = this.#new.size > 1 && this.#new.bytes > NEW_SHARE * this.#maxBytes;
    if ((isNewFull || this.#main.size === 0) && this.#forgetNew()) return;
    this.#forgetMain();
  }

  /** The oldest of the new that was not asked for enough; those before it become main. False where all did. */
  #forgetNew(): boolean {
    for (let entry = this.#new.oldest; entry !== undefined; entry = this.#new.oldest) {
      if (entry.asked < ASKED_ENOUGH) {
        this.#remove(entry);
        this.#ghosts.remember(entry.key, this.#entries.size);
        return true;
      }
      this.#new.remove(entry);
      entry.asked = 0;
      entry.isMain = true;
      this.#main.add(entry);
    }
    return false;
  }

  #forgetMain(): void {
    let passedOver = 0;
    for (let entry = this.#main.oldest; entry !== undefined; entry = this.#main.oldest) {
      if (entry.asked === 0 || passedOver === PASSED_OVER_MOST) {
        this.#remove(entry);
        return;
      }
      this.#main.remove(entry);
      entry.asked -= 1;
      this.#main.add(entry);
      passedOver += 1;
    }
  }
}
