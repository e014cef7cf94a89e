import type { SharedCounters } from '@lakh/http';
import { ATTEMPT_LIMIT_MS, type Randomness } from '@lakh/id-range';
import type { ChangeFeed, Clock, LinkCache } from '@lakh/links';
import {
  createMysqlLinkStore,
  createMysqlOutbox,
  createMysqlReservations,
  type MysqlObserver,
  observed,
  openDatabase,
  proveRowsAreTaken,
} from '@lakh/mysql';
import { type HealthCheck, type Logger, type Registry, thisProcess } from '@lakh/process';
import {
  createRedisChangeFeed,
  createRedisCounters,
  createRedisLinkCache,
  longestLifeMs,
  Masters,
  RedisConnection,
} from '@lakh/redis';
import type { SettingsOf } from '@lakh/settings';
import { createZookeeperSession, formatZookeeperAddress, registerServer, type ZookeeperSession } from '@lakh/zookeeper';
import type { Backend } from '../backend.js';
import { startKeySweep } from '../key-sweep.js';
import type { clusterSettings } from '../settings.js';
import { SharedKeys } from '../shared-keys.js';
import { clusterOver } from './cluster-over.js';
import { createMysqlObserver, databaseHealth, exposeLags, exposeQueues, noTroubles } from './mysql-metrics.js';
import { loadKeys, prepareDatabase } from './prepare-database.js';
import { reachLinks } from './reach-links.js';
import { createRedisObserver } from './redis-metrics.js';
import { startRelay } from './relay-loop.js';
import { createZookeeperObserver } from './zookeeper-metrics.js';

type Known = SettingsOf<typeof clusterSettings> & { readonly namespace: string; readonly leaseAttemptMs: number };

/** Those of a program; what a program has no setting for, it does without. */
export type ClusterSettings = Pick<Known, 'database' | 'storeDeadlineMs'> & Partial<Known>;

export interface ClusterOptions {
  readonly settings: ClusterSettings;
  /** For one call to ZooKeeper, and for its connection. By default half of a lease's: what a frozen node takes of it leaves enough for finding one that answers. */
  readonly zookeeperDeadlineMs?: number;
  readonly clock?: Clock;
  /** In which order ZooKeeper's servers are tried. */
  readonly random?: Randomness;
  /** A server's; a tool has no metrics, and tells what fails by itself. */
  readonly observed?: { readonly log: Logger; readonly registry: Registry };
}

const DEFAULT_NAMESPACE = 'links';
const DEFAULT_LEASE_DEADLINE_MS = 3_000;
const DEFAULT_L2_TTL_S = 3_600;
/** A repair waits for longer than an attempt may take by this much: clocks run at rates that differ by far less. */
const SETTLE_FACTOR = 1.1;

/** A distributed system over real wires. Connects to nothing yet: MySQL and Redis are connected to when they are first asked. */
export function openCluster(options: ClusterOptions): Backend {
  const { settings, clock = { nowMs: Date.now }, observed: told } = options;
  const { namespace = DEFAULT_NAMESPACE, leaseDeadlineMs = DEFAULT_LEASE_DEADLINE_MS } = settings;
  const l2TtlMs = (settings.l2TtlS ?? DEFAULT_L2_TTL_S) * 1_000;
  const troubles = noTroubles();
  const observer: MysqlObserver = told === undefined ? {} : createMysqlObserver(told.registry, told.log, troubles);
  const timer = observed(observer);
  const pool = openDatabase({
    members: settings.database,
    deadlineMs: settings.storeDeadlineMs,
    // Who leases nothing makes no links, and goes on where the database takes none.
    ...(settings.zookeeper && { proof: proveRowsAreTaken }),
    observer,
  });
  const links = createMysqlLinkStore({ pool, clock, observer });
  if (told) {
    exposeQueues(told.registry, links);
    exposeLags(told.registry, pool);
  }
  const outbox = createMysqlOutbox({ pool, timer });
  const reservations = createMysqlReservations({ pool, timer });
  const zookeeperDeadlineMs = options.zookeeperDeadlineMs ?? Math.ceil(leaseDeadlineMs / 2);
  let session: ZookeeperSession | undefined;
  const zookeeper = (): ZookeeperSession => {
    session ??= openSession(options, zookeeperDeadlineMs);
    return session;
  };
  const over = clusterOver({
    namespace,
    zookeeper,
    connectWaitMs: zookeeperDeadlineMs,
    database: pool,
    timer,
    settleMs: Math.ceil((settings.leaseAttemptMs ?? ATTEMPT_LIMIT_MS) * SETTLE_FACTOR),
  });

  const keys = new SharedKeys(over.facts);
  const { redis, masters, cache, changes, counters } = openRedis(options, keys);
  const addresses = [settings.zookeeper ? formatZookeeperAddress(settings.zookeeper) : [], pool.name].flat();
  return {
    name: `${addresses.join(' and ')}, namespace ${namespace}`,
    ...over,
    links,
    reservations,
    cache,
    changes,
    counters,
    outbox,
    keys,
    get checks() {
      return {
        database: () => databaseHealth(troubles, settings.zookeeper !== undefined),
        ...(redis && { redis: degradedWhile(() => (redis.state === 'up' ? '' : `the cache is ${redis.state}`)) }),
        // Issuing goes on from held ranges without it; the check of the ids says for how long.
        ...(session && {
          zookeeper: degradedWhile(() => (zookeeper().state === 'connected' ? '' : zookeeper().state)),
        }),
      };
    },
    prepare: (signal) =>
      prepareDatabase({ pool, mayMigrate: settings.migrate !== 'never', keys, log: told?.log, signal }),
    loadKeys: (signal) => loadKeys({ keys, log: told?.log, signal }),
    reachLinks: (signal) => reachLinks({ pool, signal }),
    register: (serverId, facts) => {
      const described = { ...thisProcess(serverId), pid: process.pid, startedAt: new Date().toISOString(), ...facts };
      return registerServer(zookeeper(), serverId, described);
    },
    relay: () => startRelay({ outbox, store: links, cache, clock, keptForMs: longestLifeMs(l2TtlMs), log: told?.log }),
    sweep: () => startKeySweep({ reservations, links, clock, log: told?.log }),
    async close() {
      await session?.close();
      await redis?.close();
      await masters?.close();
      pool.close();
    },
  };
}

/** `why` is empty while nothing is wrong. */
function degradedWhile(why: () => string): HealthCheck {
  return () => {
    const detail = why();
    return detail === '' ? { status: 'ok' } : { status: 'degraded', detail };
  };
}

function openSession(
  { settings: { zookeeper, zookeeperAuth }, random, observed: told }: ClusterOptions,
  deadlineMs: number,
): ZookeeperSession {
  if (zookeeper === undefined) throw new Error('no ZooKeeper is named, and the witnesses need one');
  return createZookeeperSession({
    ...zookeeper,
    deadlineMs,
    ...(told && { log: told.log, observe: createZookeeperObserver(told.registry) }),
    ...(random && { random }),
    ...(zookeeperAuth === undefined ? {} : { auth: { scheme: 'digest', credential: zookeeperAuth } }),
  });
}

function openRedis(
  { settings, observed: told }: ClusterOptions,
  keys: SharedKeys,
): {
  readonly redis?: RedisConnection;
  readonly masters?: Masters;
  readonly cache?: LinkCache;
  readonly changes?: ChangeFeed;
  readonly counters?: SharedCounters;
} {
  const { redis: target, l2TtlS = DEFAULT_L2_TTL_S, l2DeadlineMs } = settings;
  if (target === undefined) return {};
  const observer = told && createRedisObserver(told.registry);
  const sealKey = () => keys.find('values in the shared cache');
  const redis = new RedisConnection({
    target,
    ...(l2DeadlineMs === undefined ? {} : { deadlineMs: l2DeadlineMs }),
    ...(told && { log: told.log }),
    ...(observer && { changed: observer.changed }),
  });
  const masters = new Masters({ target, deadlineMs: l2DeadlineMs, log: told?.log });
  return {
    redis,
    masters,
    cache: createRedisLinkCache({ redis, ttlS: l2TtlS, sealKey, ...(observer && { observer }) }),
    changes: createRedisChangeFeed({
      masters,
      ...(told && { log: told.log }),
      ...(observer && { hearing: observer.hearing }),
    }),
    counters: createRedisCounters(masters, observer && { counted: observer.counted }),
  };
}
