import type { Invalidation, Link, StoredLink } from '@lakh/links';
import { LRUCache } from 'lru-cache';
import type { AnswerOf, RedirectAnswer } from './redirect-response.js';

/**
 * An answer that is ready to be sent until `validUntilTick`, which is the earlier of the L1 TTL and the link's own expiry, so
 * that a hot link is re-read as often as a cold one (no hit extends it).
 */
interface Entry extends RedirectAnswer {
  /** Ticks since the cache was made, and not Unix time: that would be an object of its own, fetched from memory on each hit. */
  readonly validUntilTick: number;
}

/** Reads of one code that are under way; an invalidation of it parts them from those that begin later. */
interface Reads {
  underWay: number;
}

export interface L1Options {
  /** The one domain whose links are kept: a request path says nothing of domains. */
  readonly domainId: number;
  readonly ttlMs: number;
  /** 0: nothing is kept. */
  readonly maxBytes: number;
  readonly answerOf: AnswerOf;
  /** When the cache is made. */
  readonly nowMs: number;
}

/** The map's and the entry's own weight, measured with 10^5 entries on Node 20; the strings are added to it. */
const ENTRY_OVERHEAD_BYTES = 600;

/** An entry may end this much early, and is then read again. In ticks of this length a year is still a small integer. */
const TICK_MS = 16;

/**
 * The in-process hot-key cache (L1), keyed by request path (`/Q0u`) so that a hit does no string work.
 *
 * A fill takes the time at which its read *began*: what was read before an invalidation can then be served for at most one
 * TTL after it. A fill whose read began before an invalidation of its code that this process has seen is dropped; invalidations
 * of other codes, however many, leave it alone.
 */
export class L1Cache {
  readonly #entries: LRUCache<string, Entry>;
  /** By path. */
  readonly #reads = new Map<string, Reads>();
  readonly #domainId: number;
  readonly #ttlMs: number;
  readonly #answerOf: AnswerOf;
  readonly #madeMs: number;
  #hits = 0;
  #misses = 0;

  constructor({ domainId, ttlMs, maxBytes, answerOf, nowMs }: L1Options) {
    this.#domainId = domainId;
    this.#ttlMs = ttlMs;
    this.#answerOf = answerOf;
    this.#madeMs = nowMs;
    this.#entries = new LRUCache({
      // Without a bound lru-cache refuses to be made; no entry is as small as this one.
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: (entry, path) => ENTRY_OVERHEAD_BYTES + 2 * path.length + entry.location.length,
    });
  }

  /** What may be sent now for a request path. */
  get(path: string, nowMs: number): RedirectAnswer | undefined {
    const entry = this.#entries.get(path);
    return entry !== undefined && this.#tickOf(nowMs) < entry.validUntilTick ? entry : undefined;
  }

  /** Counts a request that {@link get} answered, or could not. Apart from it, since a request may be looked up twice. */
  count(outcome: 'hit' | 'miss'): void {
    if (outcome === 'hit') this.#hits += 1;
    else this.#misses += 1;
  }

  get hits(): number {
    return this.#hits;
  }

  get misses(): number {
    return this.#misses;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** Called as a read of a link begins, at `nowMs`; the function it returns takes what the read found, nothing if it failed. */
  beginRead(domainId: number, code: string, nowMs: number): (found: StoredLink | undefined) => void {
    if (domainId !== this.#domainId) return () => {};
    const path = `/${code}`;
    const reads = this.#reads.get(path) ?? { underWay: 0 };
    reads.underWay += 1;
    this.#reads.set(path, reads);
    return (found) => {
      if (this.#reads.get(path) !== reads) return;
      reads.underWay -= 1;
      if (reads.underWay === 0) this.#reads.delete(path);
      if (found?.state === 'live') this.#fill(path, found, nowMs);
    };
  }

  #fill(path: string, link: Link, readStartedMs: number): void {
    const validUntilMs = Math.min(readStartedMs + this.#ttlMs, link.expiresAtMs ?? Number.POSITIVE_INFINITY);
    // The age is counted from the last moment at which the entry may be sent, so that no browser keeps it past the expiry.
    const { status, location, cacheControl } = this.#answerOf(link, validUntilMs);
    this.#entries.set(path, { status, location, cacheControl, validUntilTick: this.#tickOf(validUntilMs) });
  }

  #tickOf(ms: number): number {
    return Math.floor((ms - this.#madeMs) / TICK_MS);
  }

  invalidate({ domainId, code }: Invalidation): void {
    if (domainId !== this.#domainId) return;
    const path = `/${code}`;
    this.#reads.delete(path);
    this.#entries.delete(path);
  }
}
