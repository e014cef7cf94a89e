import { randomInt } from 'node:crypto';
import { ownText } from '@lakh/base';
import type { CachedLink, ChangeListener, Clock, Invalidation, Link } from '@lakh/links';
import { objectBytes, stringBytes } from './heap-bytes.js';
import type { AnswerOf, RedirectAnswer } from './redirect-response.js';
import { type Kept, S3Fifo } from './s3-fifo.js';
import type { HeldLinks } from './terms/held-links.js';

/** Of a process: the one clock that ages are told by, and the one that expiry is judged by. */
export interface RedirectClock extends Clock {
  /** Milliseconds that only grow, whatever is done to the wall clock. */
  monotonicMs(): number;
}

/**
 * What became of a link, for as long as whoever read it said that it may be served: no hit extends it, so that a hot link is re-read as often as a
 * cold one. In ticks since the cache was made, and not in Unix time: that would be an object of its own, fetched from memory on each hit.
 */
interface Entry extends RedirectAnswer, Kept<Entry> {
  /** By the monotonic clock: were it the wall clock, one that is set back would keep a deleted link for as long. */
  readonly validUntilTick: number;
  /** Until then a hit has nothing to think of. From then on until it is valid no more, whoever asks may have it read again. */
  calmUntilTick: number;
  /** By the wall clock; {@link NEVER} and {@link DELETED} too. */
  readonly expiresAtTick: number;
}

/** Reads of one code that are under way; an invalidation of it parts them from those that begin later. */
interface Reads {
  underWay: number;
}

export interface L1Options {
  /** The one domain whose links are kept: a request path says nothing of domains. */
  readonly domainId: number;
  /** 0: nothing is kept. */
  readonly maxBytes: number;
  readonly answerOf: AnswerOf;
  readonly clock: RedirectClock;
  /** What holds links that have terms, which have no answer of their own. */
  readonly termed?: HeldLinks;
  /** Told of a path that is asked for often, shortly before it may be served no more. @returns whether it will be read again; if not, the next hit tells of it again */
  readonly renew?: ((path: string) => boolean) | undefined;
}

/** Of a deleted link; never sent. */
const NO_ANSWER: RedirectAnswer = { status: 301, location: '', cacheControl: '' };

/** An entry may end this much early, and is then read again. In ticks of this length a year is still a small integer. */
const TICK_MS = 16;
/** The largest and the smallest of those. */
const NEVER = 2 ** 31 - 1;
const DELETED = -(2 ** 31);
/** What expires later than that does not do so while an entry lives, unless the clock leaps over all of it. */
const HORIZON_MS = 30 * 24 * 3_600_000;

/** The last part of an entry's life in which it may be read again ahead of its end, and the longest that is: a read takes milliseconds. */
const RENEWED_PART = 0.25;
const RENEWED_MOST_MS = 1_000;
/** Its twelve fields; `cacheControl` is shared. */
const ENTRY_BYTES = objectBytes(12);
/** With its texts, and its place in a full table. */
const LEAST_BYTES = ENTRY_BYTES + 2 * stringBytes('/') + 28;

/** What was asked for as often before, and once more in that time, is asked for often. */
const ASKED_OFTEN = 2;

/**
 * The in-process hot-key cache (L1), keyed by request path (`/Q0u`) so that a hit does no string work.
 *
 * A fill says until when it may be served, counted from a moment at which it was certainly true. A fill whose read began before an invalidation of its code that this process has seen is dropped; invalidations
 * of other codes, however many, leave it alone. What has expired or was deleted is kept as well, as it is: the wall clock says on each hit
 * whether a link still redirects.
 */
export class L1Cache implements ChangeListener {
  readonly #entries: S3Fifo<Entry>;
  /** By path. */
  readonly #reads = new Map<string, Reads>();
  readonly #domainId: number;
  readonly #answerOf: AnswerOf;
  readonly #clock: RedirectClock;
  readonly #termed: HeldLinks | undefined;
  readonly #maxBytes: number;
  readonly #renew: (path: string) => boolean;
  readonly #madeMs: number;
  readonly #madeWallMs: number;
  #hits = 0;
  #misses = 0;

  constructor({ domainId, maxBytes, answerOf, clock, termed, renew = () => true }: L1Options) {
    this.#termed = termed;
    this.#domainId = domainId;
    this.#answerOf = answerOf;
    this.#clock = clock;
    this.#madeMs = clock.monotonicMs();
    this.#madeWallMs = clock.nowMs();
    this.#maxBytes = maxBytes;
    this.#renew = renew;
    this.#entries = new S3Fifo({ maxBytes, leastBytes: LEAST_BYTES, seed: randomInt(2 ** 32) });
  }

  /** The redirect that may be sent for a request path now, at `nowMs` of the monotonic clock. Whoever is given it sends it: it was asked for once more. */
  get(path: string, nowMs: number): RedirectAnswer | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    const tick = this.#tickOf(nowMs);
    if (tick >= entry.calmUntilTick && !this.#isStillValid(entry, tick)) return undefined;
    if (entry.expiresAtTick !== NEVER && this.#wallTick() >= entry.expiresAtTick) return undefined;
    this.#entries.asked(entry);
    return entry;
  }

  #isStillValid(entry: Entry, tick: number): boolean {
    if (tick >= entry.validUntilTick) return false;
    if (entry.asked >= ASKED_OFTEN && this.#renew(entry.key)) entry.calmUntilTick = entry.validUntilTick;
    return true;
  }

  /** The link of a request path, where it is one with terms that may be followed by what is known here. */
  termedAt(path: string, nowMs: number): Link | undefined {
    const link = this.#termed?.get(path, nowMs);
    return link?.state === 'live' ? link : undefined;
  }

  /** Why the link of a request path redirects no more, if that is known. Asked when {@link get} had nothing. */
  goneBy(path: string, nowMs: number): 'delete' | 'expiry' | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined || this.#tickOf(nowMs) >= entry.validUntilTick) return undefined;
    const isDeleted = entry.expiresAtTick === DELETED;
    // Not in the tick in which it expires: a link redirects until the very millisecond.
    if (!isDeleted && (entry.expiresAtTick === NEVER || this.#wallTick() <= entry.expiresAtTick)) return undefined;
    this.#entries.asked(entry);
    return isDeleted ? 'delete' : 'expiry';
  }

  /** Whether the path was a link a while ago, as far as is remembered here: what may be sent no more is still known of. */
  knows(path: string, nowMs: number): boolean {
    return this.#entries.get(path) !== undefined || this.#termed?.knows(path, nowMs) === true;
  }

  /**
   * The codes that were asked for within the life of what is held of them, those most often asked for first. Looks through a part of all in one turn, so that
   * no request waits for it.
   */
  async busiest(most: number, nextTurn: () => Promise<void>): Promise<string[]> {
    const byAsked: string[][] = [[], [], [], []];
    for (const entries of this.#entries.parts()) {
      const tick = this.#tickOf(this.#clock.monotonicMs());
      for (const { key, asked, validUntilTick, expiresAtTick } of entries) {
        if (asked === 0 || tick >= validUntilTick || expiresAtTick === DELETED) continue;
        const alike = byAsked[asked] as string[];
        if (alike.length < most) alike.push(key.slice(1));
      }
      await nextTurn();
    }
    return byAsked.reverse().flat().slice(0, most);
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
    return this.#entries.bytes;
  }

  /** Called as a read of a link begins; the function it returns takes what the read found, nothing if it failed. */
  beginRead(domainId: number, code: string): (found: CachedLink | undefined) => void {
    if (domainId !== this.#domainId || this.#maxBytes === 0) return nothing;
    const path = `/${code}`;
    const reads = this.#reads.get(path) ?? { underWay: 0 };
    reads.underWay += 1;
    this.#reads.set(path, reads);
    return (found) => {
      if (this.#reads.get(path) !== reads) return;
      reads.underWay -= 1;
      if (reads.underWay === 0) this.#reads.delete(path);
      if (found !== undefined) this.#fill(path, found);
    };
  }

  #fill(path: string, { link, validUntilMs }: CachedLink): void {
    const leftMs = validUntilMs - this.#clock.monotonicMs();
    if (leftMs <= 0) return;
    if (this.#termed !== undefined) {
      // What is of one kind was of the other before, perhaps.
      if (link.state === 'live' && link.terms !== null) {
        this.#entries.delete(path);
        this.#termed.set(path, { link, validUntilMs });
        return;
      }
      this.#termed.delete(path);
    }
    const validUntilTick = this.#tickOf(validUntilMs);
    const calmUntilTick = this.#tickOf(validUntilMs - Math.min(leftMs * RENEWED_PART, RENEWED_MOST_MS));
    const life = { validUntilTick, calmUntilTick };
    if (link.state === 'deleted') {
      this.#entries.set(entryOf(path, NO_ANSWER, { ...life, expiresAtTick: DELETED }));
      return;
    }
    const wallMs = this.#clock.nowMs();
    const expiresAtMs = link.expiresAtMs ?? Number.POSITIVE_INFINITY;
    // The age is counted from the last moment at which the entry may be sent, so that no browser keeps it past the expiry.
    const answer = this.#answerOf(link, Math.min(wallMs + leftMs, expiresAtMs));
    const expiresAtTick = expiresAtMs > wallMs + HORIZON_MS ? NEVER : this.#wallTickOf(expiresAtMs);
    this.#entries.set(entryOf(path, answer, { ...life, expiresAtTick }));
  }

  #tickOf(ms: number): number {
    return Math.floor((ms - this.#madeMs) / TICK_MS);
  }

  #wallTick(): number {
    return this.#wallTickOf(this.#clock.nowMs());
  }

  #wallTickOf(ms: number): number {
    return Math.max(DELETED + 1, Math.floor((ms - this.#madeWallMs) / TICK_MS));
  }

  changed({ domainId, code }: Invalidation): void {
    if (domainId !== this.#domainId) return;
    const path = `/${code}`;
    this.#reads.delete(path);
    this.#entries.delete(path);
    this.#termed?.delete(path);
  }

  /** Drops everything, and what every read that is under way will find. */
  missed(): void {
    this.#reads.clear();
    this.#entries.clear();
    this.#termed?.clear();
  }
}

function nothing(): void {}

type Life = Pick<Entry, 'validUntilTick' | 'calmUntilTick' | 'expiresAtTick'>;

/** In one place, so that all entries have one shape. */
function entryOf(path: string, { status, location, cacheControl }: RedirectAnswer, life: Life): Entry {
  const key = ownText(path);
  const target = ownText(location);
  return {
    status,
    location: target,
    cacheControl,
    validUntilTick: life.validUntilTick,
    calmUntilTick: life.calmUntilTick,
    expiresAtTick: life.expiresAtTick,
    key,
    bytes: ENTRY_BYTES + stringBytes(key) + stringBytes(target),
    asked: 0,
    isMain: false,
    newer: undefined,
    older: undefined,
  };
}
