import type { LinkCache, StoredLink } from '@lakh/links';
import { CHANGES_CHANNEL, encodeChange } from './change-feed.js';
import { isOfTheKey, type RedisConnection } from './connection.js';
import { type PutNewer, putNewer } from './put-newer.js';
import { createSeal, type Seal } from './seal.js';
import { jittered } from './ttl.js';
import { decodeLink, encodeLink, linkKey, maySupersede, type NoLink } from './value.js';

/** For metrics; called synchronously on the hot path. */
export interface RedisLinkCacheObserver {
  /** What is under the key and no link is taken for a miss. `bypassed`: not asked (breaker). */
  read?(outcome: 'hit' | 'miss' | NoLink | 'failed' | 'bypassed'): void;
  /** `kept`: the cache holds that version or a newer one. `no-key`: nothing can be sealed yet. */
  write?(outcome: 'stored' | 'kept' | 'failed' | 'bypassed' | 'no-key'): void;
}

export interface RedisLinkCacheOptions {
  /** The caller's to close. */
  readonly redis: RedisConnection;
  /** How long a value lives, ±10 %: the bound on staleness when everything else failed. */
  readonly ttlS: number;
  /**
   * 256 random bits that the servers of one database share: nothing is believed that was not put by who has them. Undefined while they are
   * not known, as where the database is away since the start: then a value is believed by its form, and nothing is put.
   */
  readonly sealKey: () => Uint8Array | undefined;
  readonly observer?: RedisLinkCacheObserver;
}

/**
 * L2. Never rejects: a Redis that is down, frozen or full of something else is a cache that misses. Each read is a command of its
 * own: that callers of one code share one flight is the resolver's to see to.
 */
export function createRedisLinkCache({ redis, ttlS, sealKey, observer = {} }: RedisLinkCacheOptions): LinkCache {
  const ttlMs = ttlS * 1_000;
  let knownSeal: Seal | undefined;
  const findSeal = (): Seal | undefined => {
    const key = knownSeal === undefined ? sealKey() : undefined;
    if (key !== undefined) knownSeal = createSeal(key);
    return knownSeal;
  };

  /** @returns whether it was stored: the cache holds that version or a newer one in any case */
  async function store(link: StoredLink, seal: Seal, message: PutNewer['message']): Promise<boolean> {
    const livesMs = jittered(ttlMs, Math.random());
    const value = encodeLink(link, seal, Date.now() + livesMs);
    const put = { key: linkKey(link.domainId, link.code), version: link.version, value, ttlMs: livesMs };
    const held = await redis.ask((commands) => putNewer(commands, { ...put, message }));
    if (held === undefined) return true;
    if (typeof decodeLink(link, held, seal, Date.now()) !== 'string' || !maySupersede(link, held)) return false;
    return (await redis.ask((commands) => putNewer(commands, { ...put, instead: held }))) === undefined;
  }

  async function write(link: StoredLink, isAsked: boolean, message?: PutNewer['message']): Promise<boolean> {
    const seal = findSeal();
    if (!isAsked || seal === undefined) {
      observer.write?.(isAsked ? 'no-key' : 'bypassed');
      return false;
    }
    try {
      // Not in the call below, which is not made, arguments and all, where nobody observes.
      const stored = await store(link, seal, message);
      observer.write?.(stored ? 'stored' : 'kept');
      return true;
    } catch {
      observer.write?.('failed');
      return false;
    }
  }

  return {
    get available() {
      return redis.state === 'up';
    },

    async get(domainId, code): Promise<StoredLink | undefined> {
      if (!redis.trusted) {
        observer.read?.('bypassed');
        return undefined;
      }
      let line: string | null;
      try {
        line = await redis.ask((commands) => commands.get(linkKey(domainId, code)));
      } catch (error) {
        observer.read?.(isOfTheKey(error) ? 'bad-value' : 'failed');
        return undefined;
      }
      if (line === null) {
        observer.read?.('miss');
        return undefined;
      }
      const found = decodeLink({ domainId, code }, line, findSeal(), Date.now());
      observer.read?.(typeof found === 'string' ? found : 'hit');
      return typeof found === 'string' ? undefined : found;
    },

    put: (link) => write(link, redis.trusted),

    // In quarantine too: it is over when what waited has been told, edits like deletes. Fills wait: what they bring may have been read
    // before a change that nobody has told of yet.
    announce: (link) => write(link, redis.answers, { channel: CHANGES_CHANNEL, text: encodeChange(link) }),
  };
}
