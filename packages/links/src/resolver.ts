import { isPossibleCode } from './alias.js';
import { StoreUnavailableError } from './errors.js';
import type { StoredLink } from './link.js';
import type { LinkCache, LinkStore } from './ports.js';

/** Who answered a look-up: the shared cache, the store, the grammar (the text cannot be a code), or nobody: too many wait for the store. */
export type AnsweredBy = 'cache' | 'store' | 'grammar' | 'nobody';

export interface ResolverOptions {
  readonly store: Pick<LinkStore, 'find'>;
  /** Undefined where there is no shared cache. */
  readonly cache?: LinkCache | undefined;
  /** Look-ups that may wait for the store at once; one more fails at once. Default 1,024. */
  readonly maxConcurrent?: number;
  /** Told of every look-up whose end is known; those that join another's flight are not counted, nor those that the store failed. */
  readonly onAnswered?: (by: AnsweredBy) => void;
  /**
   * Called as a read of a code begins; what it returns is called once with what the read found, nothing if it failed, before
   * anyone hears of it. For a cache that counts the age of a value from the moment at which it was certainly true.
   */
  readonly beginRead?: (domainId: number, code: string) => (found: StoredLink | undefined) => void;
  /** Runs work once the answer is on its way. Default `setImmediate`. */
  readonly afterAnswer?: (run: () => void) => void;
}

export interface ResolveOptions {
  /** Read-your-writes: past the caches and replicas, and past flights that may have left before the write. */
  readonly fresh?: boolean;
}

export interface Resolver {
  /**
   * The link or tombstone of a code; undefined when there is none. Rejects with {@link StoreUnavailableError} when the store
   * cannot be asked or too many others are asking. Whether the link may still redirect is for `outcomeOf` to say.
   */
  resolve(domainId: number, code: string, options?: ResolveOptions): Promise<StoredLink | undefined>;
  /** Look-ups that wait for the store now. */
  readonly waiting: number;
}

const DEFAULT_MAX_CONCURRENT = 1_024;

/**
 * Finds links: shared cache, then store, one flight a code however many ask. Nothing is remembered of codes that do not exist:
 * codes are guessable in advance, and a scan must not hide the link that is created a moment later. The cache is filled after
 * the answer, and keeps the newer version itself, so a flight that was overtaken by an edit or a delete does no harm.
 */
export function createResolver(options: ResolverOptions): Resolver {
  const { store, cache } = options;
  const maxConcurrent = options.maxConcurrent ?? DEFAULT_MAX_CONCURRENT;
  const onAnswered = options.onAnswered ?? (() => {});
  const afterAnswer = options.afterAnswer ?? ((run: () => void) => void setImmediate(run));
  const beginRead = options.beginRead ?? (() => () => {});
  const flights = new Map<string, Promise<StoredLink | undefined>>();
  let asking = 0;

  /** What `read` finds under the code, told to whoever watches reads. */
  async function watched(
    domainId: number,
    code: string,
    read: () => Promise<StoredLink | undefined>,
  ): Promise<StoredLink | undefined> {
    const end = beginRead(domainId, code);
    let found: StoredLink | undefined;
    try {
      found = await read();
      return found;
    } finally {
      end(found);
    }
  }

  async function askStore(domainId: number, code: string, fresh: boolean): Promise<StoredLink | undefined> {
    if (asking >= maxConcurrent) {
      onAnswered('nobody');
      throw new StoreUnavailableError('Too many look-ups are waiting for the store.');
    }
    asking += 1;
    try {
      const found = await store.find(domainId, code, { fresh });
      onAnswered('store');
      if (found !== undefined && cache?.available) {
        // Nobody waits for a fill, so nobody would catch what it rejects with, and the next look-up fills again.
        afterAnswer(() => void cache.put(found).catch(() => {}));
      }
      return found;
    } finally {
      asking -= 1;
    }
  }

  async function fly(domainId: number, code: string): Promise<StoredLink | undefined> {
    const cached = await cache?.get(domainId, code);
    if (cached === undefined) return askStore(domainId, code, false);
    onAnswered('cache');
    return cached;
  }

  return {
    get waiting() {
      return asking;
    },

    async resolve(domainId, code, { fresh = false } = {}) {
      if (!isPossibleCode(code)) {
        onAnswered('grammar');
        return undefined;
      }
      if (fresh) return watched(domainId, code, () => askStore(domainId, code, true));
      const key = `${domainId}:${code}`;
      const inFlight = flights.get(key);
      if (inFlight !== undefined) return inFlight;
      const flight = watched(domainId, code, () => fly(domainId, code)).finally(() => flights.delete(key));
      flights.set(key, flight);
      return flight;
    },
  };
}
