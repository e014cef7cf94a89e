import RateLimiterRedis from 'rate-limiter-flexible/lib/RateLimiterRedis.js';
import type { RedisConnection } from './connection.js';

/** What a key has taken in all, and when its minute ends. */
export interface Counted {
  readonly used: number;
  readonly endsInMs: number;
}

export interface RedisCounters {
  /** Adds to what a key has taken of a limit in its present minute. Never rejects: undefined while Redis cannot tell. */
  count(limit: string, key: string, taken: number): Promise<Counted | undefined>;
}

/** For metrics. `bypassed`: not asked (breaker). */
export interface RedisCountersObserver {
  counted?(outcome: 'counted' | 'failed' | 'bypassed'): void;
}

const PREFIX = 'lakh:rate';
const MINUTE_S = 60;

/** Counters of rate limits, which end by themselves. After an outage they are as good as new: in quarantine they are used too. */
export function createRedisCounters(redis: RedisConnection, { counted }: RedisCountersObserver = {}): RedisCounters {
  const limiter = new RateLimiterRedis({
    // All that it asks of a client for this.
    storeClient: { eval: (script: string, options: Script) => redis.ask((commands) => commands.eval(script, options)) },
    useRedisPackage: true,
    keyPrefix: PREFIX,
    duration: MINUTE_S,
    // How much is too much is each server's to say.
    points: Number.MAX_SAFE_INTEGER,
  });

  return {
    async count(limit, key, taken) {
      if (!redis.answers) {
        counted?.('bypassed');
        return undefined;
      }
      try {
        const { consumedPoints, msBeforeNext } = await limiter.penalty(`${limit}:${key}`, taken);
        counted?.('counted');
        return { used: consumedPoints, endsInMs: msBeforeNext };
      } catch {
        counted?.('failed');
        return undefined;
      }
    },
  };
}

interface Script {
  readonly keys: string[];
  readonly arguments: string[];
}
