/**
 * W-TinyLFU as it is published (Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM TOS 2017), over entries that weigh
 * alike: a small LRU window before a segmented LRU, and between the two an estimate of how often each was asked for lately.
 */

const WINDOW_SHARE = 0.01;
const PROTECTED_SHARE = 0.8;
const ROWS = 4;
const COUNTER_MOST = 15;
/** Counters a row and entry, and requests an entry after which all are halved. */
const COUNTERS_EACH = 4;
const SAMPLE_EACH = 10;

interface Node {
  readonly key: string;
  segment: Segment;
  newer: Node;
  older: Node;
}

/** Least recently used first out. The ring's own node stands between the newest and the oldest. */
class Segment {
  readonly #ring: Node;
  size = 0;

  constructor() {
    this.#ring = { key: '', segment: this } as unknown as Node;
    this.#ring.newer = this.#ring;
    this.#ring.older = this.#ring;
  }

  get oldest(): Node {
    return this.#ring.newer;
  }

  add(node: Node): void {
    node.segment = this;
    node.newer = this.#ring;
    node.older = this.#ring.older;
    node.older.newer = node;
    this.#ring.older = node;
    this.size += 1;
  }

  remove(node: Node): void {
    node.newer.older = node.older;
    node.older.newer = node.newer;
    this.size -= 1;
  }
}

/** How often keys were asked for lately, about. */
class Sketch {
  readonly #counters: Uint8Array;
  readonly #mask: number;
  readonly #sample: number;
  #asked = 0;

  constructor(entries: number) {
    const width = 2 ** Math.ceil(Math.log2(COUNTERS_EACH * entries));
    this.#counters = new Uint8Array(ROWS * width);
    this.#mask = width - 1;
    this.#sample = SAMPLE_EACH * entries;
  }

  count(key: string): void {
    const hash = hashOf(key);
    for (let row = 0; row < ROWS; row += 1) {
      const place = this.#placeOf(hash, row);
      const counter = this.#counters[place] as number;
      if (counter < COUNTER_MOST) this.#counters[place] = counter + 1;
    }
    this.#asked += 1;
    if (this.#asked < this.#sample) return;
    for (let i = 0; i < this.#counters.length; i += 1) this.#counters[i] = (this.#counters[i] as number) >> 1;
    this.#asked >>= 1;
  }

  estimate(key: string): number {
    const hash = hashOf(key);
    let least = COUNTER_MOST;
    for (let row = 0; row < ROWS; row += 1) least = Math.min(least, this.#counters[this.#placeOf(hash, row)] as number);
    return least;
  }

  #placeOf(hash: number, row: number): number {
    const mixed = Math.imul(hash ^ (row * 0x9e37_79b9), 0x85eb_ca6b);
    return row * (this.#mask + 1) + ((mixed ^ (mixed >>> 15)) & this.#mask);
  }
}

function hashOf(key: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  return hash ^ (hash >>> 16);
}

export class WTinyLfu {
  readonly #nodes = new Map<string, Node>();
  readonly #sketch: Sketch;
  readonly #window = new Segment();
  readonly #probation = new Segment();
  readonly #protected = new Segment();
  readonly #windowMost: number;
  readonly #protectedMost: number;
  readonly #mainMost: number;

  constructor(entries: number) {
    this.#sketch = new Sketch(entries);
    this.#windowMost = Math.max(1, Math.floor(WINDOW_SHARE * entries));
    this.#mainMost = entries - this.#windowMost;
    this.#protectedMost = Math.floor(PROTECTED_SHARE * this.#mainMost);
  }

  /** Whether it is there. */
  ask(key: string): boolean {
    this.#sketch.count(key);
    const node = this.#nodes.get(key);
    if (node === undefined) return false;
    const { segment } = node;
    segment.remove(node);
    (segment === this.#probation ? this.#protected : segment).add(node);
    if (this.#protected.size > this.#protectedMost) {
      const demoted = this.#protected.oldest;
      this.#protected.remove(demoted);
      this.#probation.add(demoted);
    }
    return true;
  }

  /** Keeps what was not there. */
  keep(key: string): void {
    const node = { key, segment: this.#window } as Node;
    this.#nodes.set(key, node);
    this.#window.add(node);
    if (this.#window.size <= this.#windowMost) return;
    const candidate = this.#window.oldest;
    this.#window.remove(candidate);
    this.#probation.add(candidate);
    if (this.#probation.size + this.#protected.size <= this.#mainMost) return;
    const victim = this.#probation.oldest;
    this.#forget(this.#sketch.estimate(candidate.key) > this.#sketch.estimate(victim.key) ? victim : candidate);
  }

  #forget(node: Node): void {
    node.segment.remove(node);
    this.#nodes.delete(node.key);
  }
}
