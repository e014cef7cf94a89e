import RateLimiterRedis from 'rate-limiter-flexible/lib/RateLimiterRedis.js';
import { createScript, type Script } from './master.js';
import type { Masters } from './masters.js';

/** What a key has taken in all, and when its minute ends. */
export interface Counted {
  readonly used: number;
  readonly endsInMs: number;
}

export interface RedisCounters {
  /** Adds to what a key has taken of a limit in its present minute. Never rejects: undefined while Redis cannot tell. */
  count(limit: string, key: string, taken: number): Promise<Counted | undefined>;
}

/** For metrics. `bypassed`: there is no master to be asked. */
export interface RedisCountersObserver {
  counted?(outcome: 'counted' | 'failed' | 'bypassed'): void;
}

const PREFIX = 'lakh:rate';
const MINUTE_S = 60;

/** Counters of rate limits, which end by themselves. */
export function createRedisCounters(masters: Masters, { counted }: RedisCountersObserver = {}): RedisCounters {
  let script: Script | undefined;
  const limiter = new RateLimiterRedis({
    // All that it asks of a client for this.
    storeClient: {
      eval(text: string, { keys, arguments: args }: Evaluated) {
        if (script?.text !== text) script = createScript(text);
        const [key = ''] = keys;
        const master = masters.of(key);
        if (master === undefined) throw new Error(`${key} has no master`);
        return master.run(script, keys, args);
      },
    },
    useRedisPackage: true,
    keyPrefix: PREFIX,
    duration: MINUTE_S,
    // How much is too much is each server's to say.
    points: Number.MAX_SAFE_INTEGER,
  });

  return {
    async count(limit, key, taken) {
      if (masters.of(`${PREFIX}:${limit}:${key}`) === undefined) {
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

interface Evaluated {
  readonly keys: string[];
  readonly arguments: string[];
}
