import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinkCache } from '@lakh/links';
import { freePorts, type LocalServer, launch, redisPlan } from '@lakh/local';
import {
  createRedisLinkCache,
  parseRedisUrl,
  RedisConnection,
  type RedisLinkCacheOptions,
  type RedisOptions,
  type RedisState,
} from '../src/index.js';
import { until } from './until.js';

export { until };

export const SEAL_KEY = new Uint8Array(32).fill(7);

export interface RunningRedis {
  readonly server: LocalServer;
  readonly url: string;
  dispose(): Promise<void>;
}

/** A Redis of its own in a folder of its own. */
export async function startRedis(args: readonly string[] = []): Promise<RunningRedis> {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-redis-'));
  const [port] = await freePorts(1);
  const server = await launch(redisPlan({ name: 'redis', dir, port: port!, args }));
  return {
    server,
    url: `redis://127.0.0.1:${port}`,
    async dispose() {
      await server.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

export interface TestCache extends LinkCache {
  readonly state: RedisState;
  /** Outcomes of reads and writes, as `read hit`, `write kept` …, and of states, as `state up`. */
  readonly seen: Map<string, number>;
  /** Resolves once it is available, or with false after `timeoutMs`. */
  whenAvailable(timeoutMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** A link cache over a connection of its own. */
export function openCache({
  url,
  ...options
}: Omit<RedisOptions, 'changed' | 'target'> &
  Pick<RedisLinkCacheOptions, 'ttlS'> &
  Partial<Pick<RedisLinkCacheOptions, 'sealKey'>> & { readonly url: string }): TestCache {
  const seen = new Map<string, number>();
  const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
  const redis = new RedisConnection({
    ...options,
    target: parseRedisUrl(url),
    changed: (state) => count(`state ${state}`),
  });
  const cache = createRedisLinkCache({
    redis,
    ttlS: options.ttlS,
    sealKey: options.sealKey ?? (() => SEAL_KEY),
    observer: { read: (outcome) => count(`read ${outcome}`), write: (outcome) => count(`write ${outcome}`) },
  });
  return {
    get available() {
      return cache.available;
    },
    get state() {
      return redis.state;
    },
    seen,
    get: cache.get,
    put: cache.put,
    announce: cache.announce,
    whenAvailable: (timeoutMs) =>
      until(() => cache.available, 'the cache is available', timeoutMs).then(
        () => true,
        () => false,
      ),
    close: () => redis.close(),
  };
}
