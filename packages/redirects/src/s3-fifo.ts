import { Drawer } from './drawer.js';
import { printOf } from './ghosts.js';

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
/** Of those that were asked for so many are passed over to make room for one; then the next goes. */
const PASSED_OVER_MOST = 1_000;
/** Of entries that weigh as little as they may so many have one drawer, or up to twice as many. */
const DRAWER_ENTRIES = 4_096;
const DRAWERS_MOST = 2 ** 12;
/** A slash and as many characters as a generated code has at most. */
const SHORT_LENGTH = 8;
const ENDING_LENGTH = 2;

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

export interface S3FifoOptions {
  readonly maxBytes: number;
  /** What an entry weighs at least. */
  readonly leastBytes: number;
  /** 32 random bits, by which entries are dealt to drawers and what was forgotten is remembered. */
  readonly seed: number;
}

/**
 * A map bounded in bytes that forgets by S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023): what is new stands in a
 * small queue, and is forgotten at its end unless it was asked for meanwhile, or comes again soon; what is not moves to the main queue, where it is passed
 * over as often as it was asked for. So what is asked for once, in a scan for instance, pushes out nothing but its like; and a hit raises one small
 * number, where an LRU has a list to mend.
 *
 * Never holds more than its bound, its own tables included, and nothing that it does takes longer the more it holds.
 */
export class S3Fifo<E extends Kept<E>> {
  readonly #maxBytes: number;
  readonly #seed: number;
  readonly #drawerMask: number;
  #drawers: readonly Drawer<E>[] = [];
  /** Of each drawer: a hit has no time for more. */
  #maps: readonly ReadonlyMap<string, E>[] = [];
  #drawerBytes = 0;
  #new = new Queue<E>();
  #main = new Queue<E>();
  #passedOver = 0;

  constructor({ maxBytes, leastBytes, seed }: S3FifoOptions) {
    this.#maxBytes = maxBytes;
    this.#seed = seed | 0;
    const drawers = Math.min(DRAWERS_MOST, Math.max(1, maxBytes / leastBytes / DRAWER_ENTRIES));
    this.#drawerMask = 2 ** Math.floor(Math.log2(drawers)) - 1;
    this.#newDrawers();
  }

  get size(): number {
    return this.#new.size + this.#main.size;
  }

  get bytes(): number {
    return this.size === 0 ? 0 : this.#drawerBytes + this.#new.bytes + this.#main.bytes;
  }

  get(key: string): E | undefined {
    return (this.#maps[this.#drawerOf(key)] as ReadonlyMap<string, E>).get(key);
  }

  /** All entries, some thousand at a time. */
  parts(): readonly Iterable<E>[] {
    return this.#maps.map((entries) => entries.values());
  }

  /** An entry was asked for. */
  asked(entry: E): void {
    if (entry.asked < ASKED_MOST) entry.asked += 1;
  }

  /** Keeps a new `entry`, in the place of one with its key if there is one. One that leaves no room for itself is not kept. */
  set(entry: E): void {
    const drawer = this.#drawers[this.#drawerOf(entry.key)] as Drawer<E>;
    const held = drawer.entries.get(entry.key);
    if (held === undefined) {
      const bytesBefore = drawer.bytes;
      entry.isMain = drawer.add(entry.key, printOf(entry.key, this.#seed), entry);
      this.#drawerBytes += drawer.bytes - bytesBefore;
      this.#queueOf(entry).add(entry);
    } else {
      entry.key = held.key;
      drawer.replace(entry.key, entry);
      entry.isMain = held.isMain;
      // It lives anew because it was asked for again, or is about to be.
      entry.asked = 1;
      this.#queueOf(held).replace(held, entry);
    }
    this.#passedOver = 0;
    while (this.bytes > this.#maxBytes) this.#forgetOne();
  }

  delete(key: string): void {
    const entry = this.get(key);
    if (entry !== undefined) this.#remove(entry, false);
  }

  clear(): void {
    this.#new = new Queue();
    this.#main = new Queue();
    this.#newDrawers();
  }

  #newDrawers(): void {
    this.#drawers = Array.from({ length: this.#drawerMask + 1 }, () => new Drawer<E>());
    this.#maps = this.#drawers.map(({ entries }) => entries);
    this.#drawerBytes = this.#drawers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * By the last two characters where they tell codes apart: those of codes that follow one another do, and a hit has no time for more. What people
   * choose is longer, and may end alike.
   */
  #drawerOf(key: string): number {
    const { length } = key;
    if (length > SHORT_LENGTH || length < ENDING_LENGTH) return (printOf(key, this.#seed) >>> 16) & this.#drawerMask;
    const ending = key.charCodeAt(length - 1) ^ (key.charCodeAt(length - 2) << 7);
    return (Math.imul(ending ^ this.#seed, 0x9e37_79b1) >>> 16) & this.#drawerMask;
  }

  #queueOf(entry: E): Queue<E> {
    return entry.isMain ? this.#main : this.#new;
  }

  #remove(entry: E, remembered: boolean): void {
    this.#queueOf(entry).remove(entry);
    const drawer = this.#drawers[this.#drawerOf(entry.key)] as Drawer<E>;
    const bytesBefore = drawer.bytes;
    drawer.remove(entry.key);
    if (remembered) drawer.remember(printOf(entry.key, this.#seed));
    this.#drawerBytes += drawer.bytes - bytesBefore;
  }

  #forgetOne(): void {
    const isNewFull = this.#new.size > 1 && this.#new.bytes > NEW_SHARE * this.#maxBytes;
    if ((isNewFull || this.#main.size === 0) && this.#forgetNew()) return;
    this.#forgetMain();
  }

  /** The oldest of the new that was not asked for enough; those before it become main. False where all did. */
  #forgetNew(): boolean {
    for (let entry = this.#new.oldest; entry !== undefined; entry = this.#new.oldest) {
      if (entry.asked < ASKED_ENOUGH || this.#passedOver === PASSED_OVER_MOST) {
        this.#remove(entry, true);
        return true;
      }
      this.#new.remove(entry);
      entry.asked = 0;
      entry.isMain = true;
      this.#main.add(entry);
      this.#passedOver += 1;
    }
    return false;
  }

  #forgetMain(): void {
    for (let entry = this.#main.oldest; entry !== undefined; entry = this.#main.oldest) {
      if (entry.asked === 0 || this.#passedOver === PASSED_OVER_MOST) {
        this.#remove(entry, false);
        return;
      }
      this.#main.remove(entry);
      entry.asked -= 1;
      this.#main.add(entry);
      this.#passedOver += 1;
    }
  }
}
