import type { FactStore } from '@lakh/facts';
import type { Clock, InvalidationOutbox, LinkCache } from '@lakh/links';
import {
  createMysqlFacts,
  createMysqlLinkStore,
  createMysqlOutbox,
  type MysqlLinkStore,
  observed,
  Pool,
  parseDatabase,
  type StatementTimer,
} from '@lakh/mysql';
import type { HealthCheck, Logger, Registry } from '@lakh/process';
import { createRedisLinkCache, RedisConnection } from '@lakh/redis';
import type { SettingsOf } from '@lakh/settings';
import { createMysqlObserver } from './mysql-metrics.js';
import { createRedisObserver } from './redis-metrics.js';
import type { storageSettings } from './settings.js';

export interface ClusterStorageOptions {
  readonly settings: SettingsOf<typeof storageSettings>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
}

/** MySQL and Redis as a server of the distributed system uses them, with their metrics and health. */
export interface ClusterStorage {
  readonly pool: Pool;
  readonly store: MysqlLinkStore;
  readonly settings: FactStore;
  readonly outbox: InvalidationOutbox;
  /** Undefined when LAKH_REDIS is not set. */
  readonly cache: LinkCache | undefined;
  readonly timer: StatementTimer;
  readonly checks: { readonly database: HealthCheck; readonly redis?: HealthCheck };
  close(): Promise<void>;
}

/** Connects to nothing yet: connections are made when they are first needed. */
export function openClusterStorage(options: ClusterStorageOptions): ClusterStorage {
  const { settings, clock, log, registry } = options;
  const down = new Map<string, string>();
  const observer = createMysqlObserver(registry, log, down);
  const pool = new Pool(parseDatabase(settings.shards), { deadlineMs: settings.storeDeadlineMs, observer });
  const timer = observed(observer);
  const { redis, cache } = openRedis(options);
  return {
    pool,
    store: createMysqlLinkStore({ pool, clock, observer }),
    settings: createMysqlFacts({ pool, timer }),
    outbox: createMysqlOutbox({ pool, timer }),
    cache,
    timer,
    checks: {
      // Cached redirects and held ids go on without it for a while, so a database that is away degrades and no more.
      database: () =>
        down.size === 0
          ? { status: 'ok' }
          : { status: 'degraded', detail: [...down].map(([shard, reason]) => `${shard}: ${reason}`).join('; ') },
      ...(redis && {
        redis: () =>
          redis.state === 'up' ? { status: 'ok' } : { status: 'degraded', detail: `the cache is ${redis.state}` },
      }),
    },
    async close() {
      await redis?.close();
      pool.close();
    },
  };
}

function openRedis({ settings, log, registry }: ClusterStorageOptions): {
  readonly redis?: RedisConnection;
  readonly cache?: LinkCache;
} {
  if (settings.redis === undefined) return {};
  const observer = createRedisObserver(registry);
  const redis = new RedisConnection({
    url: settings.redis,
    deadlineMs: settings.l2DeadlineMs,
    log,
    changed: observer.changed,
  });
  return { redis, cache: createRedisLinkCache({ redis, ttlS: settings.l2TtlS, observer }) };
}
