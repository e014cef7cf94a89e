import type { LinkCache, StoredLink } from '@lakh/links';
import { Breaker, type CacheState } from './breaker.js';
import { createConnection, type RedisConnection } from './client.js';
import { Deadlines } from './deadline.js';
import { putNewer } from './put-newer.js';
import { ttlMsOf } from './ttl.js';
import { parseRedisUrl } from './url.js';
import { decodeLink, encodeLink, linkKey } from './value.js';

/** The part of a pino logger that is used here. */
export interface RedisLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** For metrics; called synchronously on the hot path. */
export interface RedisLinkCacheObserver {
  /** `bad-value`: something under the key that is not a value of ours, taken for a miss. `bypassed`: not asked (breaker). */
  read?(outcome: 'hit' | 'miss' | 'bad-value' | 'failed' | 'bypassed'): void;
  /** `kept`: the cache holds that version or a newer one. */
  write?(outcome: 'stored' | 'kept' | 'failed' | 'bypassed'): void;
  state?(state: CacheState): void;
}

export interface RedisLinkCacheOptions {
  /** See `parseRedisUrl`. */
  readonly url: string;
  /** How long a value lives, ±10 %: the bound on staleness when everything else failed. */
  readonly ttlS: number;
  /** The longest that a read or write waits. Default 100. */
  readonly deadlineMs?: number;
  /** How long reads are bypassed after an outage. Default 2,000. */
  readonly quarantineMs?: number;
  readonly log?: RedisLog;
  readonly observer?: RedisLinkCacheObserver;
}

export interface RedisLinkCache extends LinkCache {
  readonly state: CacheState;
  /** Resolves once {@link LinkCache.available}, or with false after `timeoutMs`. */
  whenAvailable(timeoutMs: number): Promise<boolean>;
  /** Ends the connections, also to a frozen server. Settles within a second or so; reads then miss. */
  close(): Promise<void>;
}

const DEFAULT_DEADLINE_MS = 100;
const DEFAULT_QUARANTINE_MS = 2_000;
const PROBE_INTERVAL_MS = 1_000;
/** After a probe that failed. */
const PROBE_AGAIN_MS = 100;
/**
 * Calls that may be under way: 40,000 a second at the default deadline. More come only when answers do not, and would be
 * late themselves.
 */
const MAX_UNSETTLED = 4_096;

/**
 * Connects to Redis in the background and serves as L2. Never rejects: a cache that is down, frozen or full of
 * something else is a cache that misses.
 *
 * Reads of one turn of the event loop travel in one piece (the client pipelines them), and reads of one code share one flight.
 *
 * @throws InvalidRedisUrlError
 */
export function createRedisLinkCache(options: RedisLinkCacheOptions): RedisLinkCache {
  return new Cache(createConnection(parseRedisUrl(options.url)), options);
}

class Cache implements RedisLinkCache {
  readonly #connection: RedisConnection;
  readonly #ttlMs: number;
  readonly #deadlines: Deadlines;
  readonly #breaker: Breaker;
  readonly #observer: RedisLinkCacheObserver;
  readonly #flights = new Map<string, Promise<StoredLink | undefined>>();
  readonly #awaiting = new Set<() => void>();
  #probeTimer: NodeJS.Timeout | undefined;
  #probing = false;
  #closed = false;

  constructor(connection: RedisConnection, options: RedisLinkCacheOptions) {
    const {
      ttlS,
      deadlineMs = DEFAULT_DEADLINE_MS,
      quarantineMs = DEFAULT_QUARANTINE_MS,
      log,
      observer = {},
    } = options;
    this.#connection = connection;
    this.#ttlMs = ttlS * 1_000;
    this.#deadlines = new Deadlines(deadlineMs);
    this.#observer = observer;
    let lastError: unknown;
    this.#breaker = new Breaker({
      quarantineMs,
      nowMs: () => performance.now(),
      onChange: (state, reason) => {
        if (state === 'down') log?.warn({ state, reason, err: lastError }, 'redis is not asked');
        else log?.info({ state, reason }, state === 'up' ? 'redis is asked' : 'redis answers again, not read yet');
        observer.state?.(state);
        if (state === 'up') for (const resolve of [...this.#awaiting]) resolve();
      },
    });
    connection.open({
      ready: () => this.#probeSoon(0),
      lost: (error) => {
        lastError = error;
        this.#breaker.open('the connection was lost');
      },
    });
    this.#probeSoon(PROBE_AGAIN_MS);
  }

  get state(): CacheState {
    return this.#breaker.state;
  }

  get available(): boolean {
    return this.#breaker.state === 'up';
  }

  get(domainId: number, code: string): Promise<StoredLink | undefined> {
    if (this.#breaker.state !== 'up' || this.#deadlines.unsettled >= MAX_UNSETTLED) {
      this.#observer.read?.('bypassed');
      return Promise.resolve(undefined);
    }
    const key = linkKey(domainId, code);
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    const flight = this.#read(key, domainId, code).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }

  async put(link: StoredLink): Promise<boolean> {
    const { state } = this.#breaker;
    // Only invalidations go through in quarantine: what refills it then may have been read before the change it would hide.
    const bypassed = state === 'down' || (state === 'quarantine' && link.state !== 'deleted');
    if (bypassed || this.#deadlines.unsettled >= MAX_UNSETTLED) {
      this.#observer.write?.('bypassed');
      return false;
    }
    const ttlMs = ttlMsOf(link, this.#ttlMs, Date.now(), Math.random());
    if (ttlMs === undefined) return true;
    const key = linkKey(link.domainId, link.code);
    // A read that is under way may carry the older value: nobody who asks from now on joins it.
    this.#flights.delete(key);
    try {
      const stored = await this.#deadlines.race(
        putNewer(this.#connection.commands, key, link.version, encodeLink(link), ttlMs),
      );
      this.#flights.delete(key);
      this.#breaker.record(true);
      this.#observer.write?.(stored ? 'stored' : 'kept');
      return true;
    } catch (error) {
      this.#breaker.record(isOfTheKey(error));
      this.#observer.write?.('failed');
      return false;
    }
  }

  whenAvailable(timeoutMs: number): Promise<boolean> {
    if (this.available) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#awaiting.delete(settle);
        resolve(this.available);
      };
      const timer = setTimeout(settle, timeoutMs);
      this.#awaiting.add(settle);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#probeTimer);
    this.#breaker.open('closed');
    for (const resolve of [...this.#awaiting]) resolve();
    await this.#connection.close();
  }

  async #read(key: string, domainId: number, code: string): Promise<StoredLink | undefined> {
    let line: string | null;
    try {
      line = await this.#deadlines.race(this.#connection.commands.get(key));
    } catch (error) {
      const badValue = isOfTheKey(error);
      this.#breaker.record(badValue);
      this.#observer.read?.(badValue ? 'bad-value' : 'failed');
      return undefined;
    }
    this.#breaker.record(true);
    const link = line === null ? undefined : decodeLink(domainId, code, line);
    this.#observer.read?.(link !== undefined ? 'hit' : line === null ? 'miss' : 'bad-value');
    return link;
  }

  #probeSoon(delayMs: number): void {
    if (this.#closed || this.#probing) return;
    clearTimeout(this.#probeTimer);
    this.#probeTimer = setTimeout(() => void this.#probe(), delayMs);
    this.#probeTimer.unref();
  }

  async #probe(): Promise<void> {
    this.#probing = true;
    const { commands, probeKeys } = this.#connection;
    const answers = await Promise.allSettled(probeKeys.map((key) => this.#deadlines.race(commands.get(key))));
    this.#probing = false;
    if (this.#closed) return;
    const succeeded = answers.every((answer) => answer.status === 'fulfilled' || isOfTheKey(answer.reason));
    this.#breaker.recordProbe(succeeded);
    this.#probeSoon(succeeded ? PROBE_INTERVAL_MS : PROBE_AGAIN_MS);
  }
}

/** The server answered, and refused this key or this write: a wrong type, no memory left, disk trouble. It still serves reads. */
function isOfTheKey(error: unknown): boolean {
  return error instanceof Error && /^(WRONGTYPE|OOM|MISCONF|NOREPLICAS) /.test(error.message);
}
