import type { Link, StoredLink } from '@lakh/links';
import { LRUCache } from 'lru-cache';
import { type RedirectPolicy, type RedirectResponse, redirectResponse } from './redirect-response.js';

/**
 * A response that is ready to be sent. It may be sent before `validUntilMs`, which is the earlier of the L1 TTL and the
 * link's own expiry, so that a hit needs one comparison and a hot link is re-read as often as a cold one (no hit extends it).
 */
export interface L1Entry extends RedirectResponse {
  readonly validUntilMs: number;
}

export interface L1Options {
  readonly ttlMs: number;
  readonly maxBytes: number;
  readonly policy: RedirectPolicy;
}

/** The map's and the entry's own weight, measured with 10^5 entries on Node 20; the strings are added to it. */
const ENTRY_OVERHEAD_BYTES = 600;

/**
 * The in-process hot-key cache (L1), keyed by request path (`/Q0u`) so that a hit does no string work.
 *
 * A fill takes the time at which its read *began*: what was read before an invalidation can then be served for at most one
 * TTL after it. A fill whose read began before an invalidation that this process has seen is dropped.
 */
export class L1Cache {
  readonly #entries: LRUCache<string, L1Entry>;
  readonly #ttlMs: number;
  readonly #policy: RedirectPolicy;
  #invalidations = 0;
  /** Counted by those who ask, since only they know whether an entry was still valid. */
  hits = 0;
  misses = 0;

  constructor({ ttlMs, maxBytes, policy }: L1Options) {
    this.#ttlMs = ttlMs;
    this.#policy = policy;
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (entry, path) => ENTRY_OVERHEAD_BYTES + 2 * path.length + entry.location.length,
    });
  }

  /** The entry for a request path; the caller compares `validUntilMs` with its clock. */
  get(path: string): L1Entry | undefined {
    return this.#entries.get(path);
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** Called as a read of a link begins, at `nowMs`; the function it returns takes what the read found. */
  beginRead(nowMs: number): (found: StoredLink | undefined) => void {
    const seen = this.#invalidations;
    return (found) => {
      if (found?.state === 'live' && seen === this.#invalidations) this.#fill(found, nowMs);
    };
  }

  #fill(link: Link, readStartedMs: number): void {
    const validUntilMs = Math.min(readStartedMs + this.#ttlMs, link.expiresAtMs ?? Number.POSITIVE_INFINITY);
    // The age is counted from the last moment at which the entry may be sent, so that no browser keeps it past the expiry.
    const response = redirectResponse(link, this.#policy, validUntilMs);
    this.#entries.set(`/${link.code}`, { ...response, validUntilMs });
  }

  invalidate(code: string): void {
    this.#invalidations += 1;
    this.#entries.delete(`/${code}`);
  }

  clear(): void {
    this.#invalidations += 1;
    this.#entries.clear();
  }
}
