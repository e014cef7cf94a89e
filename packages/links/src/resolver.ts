import { isPossibleCode } from './alias.js';
import { StoreUnavailableError } from './errors.js';
import { FreshFlights } from './fresh-flights.js';
import type { StoredLink } from './link.js';
import type { CachedLink, LinkCache, LinkStore } from './ports.js';
import { Turns } from './turns.js';

/**
 * Who answered a look-up: the shared cache, the store, its primary for somebody who has just written, the shared cache with what nothing proves to
 * be true still, since the store could not be asked, the grammar (the text cannot be a code), or nobody: too many wait for the store.
 */
export type AnsweredBy = 'cache' | 'store' | 'primary' | 'unproven' | 'grammar' | 'nobody';

export interface ResolverOptions {
  readonly store: Pick<LinkStore, 'sight'>;
  /** Undefined where there is no shared cache. */
  readonly cache?: LinkCache | undefined;
  /** The clock of {@link CachedLink}. */
  readonly clock: { monotonicMs(): number };
  /** For how long after a moment what was true then may be served. */
  readonly validForMs: number;
  /** Look-ups that may ask the store at once. Default 1,024: as many as a store reads in the statements that it has under way. */
  readonly maxConcurrent?: number;
  /** Look-ups that may wait until others have asked, for a second at most; one more fails at once. Default 4,096. */
  readonly maxQueued?: number;
  /** Codes of which those who have just written may ask at once, beside the above. Default 64. */
  readonly maxFresh?: number;
  /** Told of every look-up whose end is known; those that join another's flight are not counted, nor those that the store failed. */
  readonly onAnswered?: (by: AnsweredBy) => void;
  /**
   * Called as a read of a code begins; what it returns is called once with what the read found, nothing if it failed, before
   * anyone hears of it. For a cache that keeps it for as long as it may be served.
   */
  readonly beginRead?: (domainId: number, code: string) => (found: CachedLink | undefined) => void;
  /** Runs work once the answer is on its way. Default `setImmediate`. */
  readonly afterAnswer?: (run: () => void) => void;
}

export interface Resolver {
  /**
   * The link or tombstone of a code; undefined when there is none. Rejects with {@link StoreUnavailableError} when the store
   * cannot be asked or too many others are asking. Whether the link may still redirect is for `outcomeOf` to say.
   */
  resolve(domainId: number, code: string): Promise<StoredLink | undefined>;
  /**
   * Read-your-writes: the same, past the caches and replicas, and past flights that may have left before the write. Undefined when too many
   * do so: these have places of their own, which nobody else's look-ups take and which take nobody else's, and one more is answered like anyone.
   */
  resolveFresh(domainId: number, code: string): Promise<StoredLink | undefined> | undefined;
  /** Look-ups that wait for the store now, of either kind. */
  readonly waiting: number;
}

const DEFAULT_MAX_CONCURRENT = 1_024;
const DEFAULT_MAX_QUEUED = 4_096;
/** Beside what the store itself takes at most: who would wait longer is better told to come again. */
const QUEUED_MS = 1_000;
/** Who has just written is one person with one browser, and each code has one read at a time however many ask. */
const DEFAULT_MAX_FRESH = 64;

/** An answer that took as long is not believed, however short the time is for which what is believed may be served. */
const LEAST_LATE_MS = 1_000;
const MOST_ASKED = 2;

const keyOf = (domainId: number, code: string) => `${domainId}:${code}`;

/**
 * Finds links: shared cache as far as it is proven to be true, then store, one flight a code however many ask. Nothing is remembered of codes that
 * do not exist: codes are guessable in advance, and a scan must not hide the link that is created a moment later. The cache is filled after
 * the answer, and takes only what it can place, so a flight that was overtaken by an edit or a delete does no harm.
 */
export function createResolver(options: ResolverOptions): Resolver {
  const { cache, clock, validForMs } = options;
  const turns = turnsFor(options);
  const onAnswered = options.onAnswered ?? (() => {});
  const afterAnswer = options.afterAnswer ?? ((run: () => void) => void setImmediate(run));
  const beginRead = options.beginRead ?? (() => () => {});
  const sight = inTime(options);
  const flights = new Map<string, Promise<StoredLink | undefined>>();
  const freshFlights = new FreshFlights<StoredLink | undefined>(options.maxFresh ?? DEFAULT_MAX_FRESH);

  /** What `read` finds under the code, told to whoever watches reads. */
  async function watched(
    domainId: number,
    code: string,
    read: () => Promise<CachedLink | undefined>,
  ): Promise<StoredLink | undefined> {
    const end = beginRead(domainId, code);
    let found: CachedLink | undefined;
    try {
      found = await read();
      return found?.link;
    } finally {
      end(found);
    }
  }

  async function read(domainId: number, code: string, fresh: boolean): Promise<CachedLink | undefined> {
    const { beganMs, sighting } = await sight(domainId, code, fresh);
    onAnswered(fresh ? 'primary' : 'store');
    if (sighting === undefined) return undefined;
    // Nobody waits for a fill, so nobody would catch what it rejects with, and the next look-up fills again.
    if (cache !== undefined) afterAnswer(() => void cache.put(sighting).catch(() => {}));
    return { link: sighting.link, validUntilMs: beganMs + validForMs - sighting.lagMs };
  }

  async function askStore(domainId: number, code: string): Promise<CachedLink | undefined> {
    const turn = turns.enter();
    if (!(turn === true || (await turn))) {
      onAnswered('nobody');
      throw new StoreUnavailableError('Too many look-ups are waiting for the store.', { isBusy: true });
    }
    try {
      return await read(domainId, code, false);
    } finally {
      turns.leave();
    }
  }

  async function fly(domainId: number, code: string): Promise<CachedLink | undefined> {
    const cached = await cache?.get(domainId, code);
    if (cached !== undefined && clock.monotonicMs() < cached.validUntilMs) {
      onAnswered('cache');
      return cached;
    }
    try {
      return await askStore(domainId, code);
    } catch (error) {
      if (cached === undefined || !isAway(error)) throw error;
      onAnswered('unproven');
      return { link: cached.link, validUntilMs: Number.NEGATIVE_INFINITY };
    }
  }

  return {
    get waiting() {
      return turns.size + freshFlights.running;
    },

    async resolve(domainId, code) {
      if (!isPossibleCode(code)) {
        onAnswered('grammar');
        return undefined;
      }
      const key = keyOf(domainId, code);
      const inFlight = flights.get(key);
      if (inFlight !== undefined) return inFlight;
      const flight = watched(domainId, code, () => fly(domainId, code)).finally(() => flights.delete(key));
      flights.set(key, flight);
      return flight;
    },

    resolveFresh(domainId, code) {
      if (!isPossibleCode(code)) return this.resolve(domainId, code);
      const readIt = () => read(domainId, code, true);
      return freshFlights.join(keyOf(domainId, code), () => watched(domainId, code, readIt));
    },
  };
}

function turnsFor({ maxConcurrent = DEFAULT_MAX_CONCURRENT, maxQueued = DEFAULT_MAX_QUEUED }: ResolverOptions): Turns {
  return new Turns({ atOnce: maxConcurrent, queuedMax: maxQueued, waitMs: QUEUED_MS });
}

/**
 * Asks the store. A process that stood still meanwhile finds the answer waiting, however long ago it was true: it asks again.
 */
function inTime({ store, clock, validForMs }: Pick<ResolverOptions, 'store' | 'clock' | 'validForMs'>) {
  const lateAfterMs = Math.max(LEAST_LATE_MS, validForMs);
  return async (domainId: number, code: string, fresh: boolean) => {
    for (let asked = 0; asked < MOST_ASKED; asked += 1) {
      const beganMs = clock.monotonicMs();
      const sighting = await store.sight(domainId, code, { fresh });
      if (clock.monotonicMs() - beganMs < lateAfterMs) return { beganMs, sighting };
    }
    throw new StoreUnavailableError('What the store answered was too old when it was heard.');
  };
}

/** Whether the store could not be asked, however few did: where too many do, they are told to come again, and not what was true once. */
function isAway(error: unknown): boolean {
  return error instanceof StoreUnavailableError && !error.isBusy;
}
