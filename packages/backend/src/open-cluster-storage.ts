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
import { createRedisLinkCache, type RedisLinkCache } from '@lakh/redis';
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
  const cache = openCache(options);
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
      ...(cache && {
        redis: () =>
          cache.available ? { status: 'ok' } : { status: 'degraded', detail: `the cache is ${cache.state}` },
      }),
    },
    async close() {
      await cache?.close();
      pool.close();
    },
  };
}

function openCache({ settings, log, registry }: ClusterStorageOptions): RedisLinkCache | undefined {
  if (settings.redis === undefined) return undefined;
  return createRedisLinkCache({
    url: settings.redis,
    ttlS: settings.l2TtlS,
    deadlineMs: settings.l2DeadlineMs,
    log,
    observer: createRedisObserver(registry),
  });
}
