import type { LinkCache, StoredLink } from '@lakh/links';
import { CHANGES_CHANNEL, encodeChange } from './change-feed.js';
import { isOfTheKey, type RedisConnection } from './connection.js';
import { putNewer } from './put-newer.js';
import { jittered } from './ttl.js';
import { decodeLink, encodeLink, linkKey } from './value.js';

/** For metrics; called synchronously on the hot path. */
export interface RedisLinkCacheObserver {
  /** `bad-value`: something under the key that is not a value of ours, taken for a miss. `bypassed`: not asked (breaker). */
  read?(outcome: 'hit' | 'miss' | 'bad-value' | 'failed' | 'bypassed'): void;
  /** `kept`: the cache holds that version or a newer one. */
  write?(outcome: 'stored' | 'kept' | 'failed' | 'bypassed'): void;
}

export interface RedisLinkCacheOptions {
  /** The caller's to close. */
  readonly redis: RedisConnection;
  /** How long a value lives, ±10 %: the bound on staleness when everything else failed. */
  readonly ttlS: number;
  readonly observer?: RedisLinkCacheObserver;
}

/**
 * L2. Never rejects: a Redis that is down, frozen or full of something else is a cache that misses. Each read is a command of its
 * own: that callers of one code share one flight is the resolver's to see to.
 */
export function createRedisLinkCache({ redis, ttlS, observer = {} }: RedisLinkCacheOptions): LinkCache {
  const ttlMs = ttlS * 1_000;

  async function bypassed(): Promise<boolean> {
    observer.write?.('bypassed');
    return false;
  }

  async function write(link: StoredLink, message?: Parameters<typeof putNewer>[5]): Promise<boolean> {
    const livesMs = jittered(ttlMs, Math.random());
    const key = linkKey(link.domainId, link.code);
    try {
      const value = encodeLink(link);
      const stored = await redis.ask((commands) => putNewer(commands, key, link.version, value, livesMs, message));
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
      const link = line === null ? undefined : decodeLink(domainId, code, line);
      observer.read?.(link !== undefined ? 'hit' : line === null ? 'miss' : 'bad-value');
      return link;
    },

    put: (link) => (redis.trusted ? write(link) : bypassed()),

    // In quarantine too: it is over when what waited has been told, edits like deletes. Fills wait: what they bring may have been read
    // before a change that nobody has told of yet.
    announce: (link) =>
      redis.answers ? write(link, { channel: CHANGES_CHANNEL, text: encodeChange(link) }) : bypassed(),
  };
}
