import { ATTEMPT_LIMIT_MS, type Randomness } from '@lakh/id-range';
import type { Clock } from '@lakh/links';
import {
  createMysqlChangeLog,
  createMysqlLinkStore,
  createMysqlReservations,
  type MysqlObserver,
  observed,
  openDatabase,
  openLanes,
  proveRowsAreTaken,
} from '@lakh/mysql';
import { type HealthCheck, type Logger, type Registry, thisProcess } from '@lakh/process';
import type { SettingsOf } from '@lakh/settings';
import { createZookeeperSession, formatZookeeperAddress, registerServer, type ZookeeperSession } from '@lakh/zookeeper';
import type { Backend } from '../backend.js';
import { startKeySweep } from '../key-sweep.js';
import type { clusterSettings } from '../settings.js';
import { SharedKeys } from '../shared-keys.js';
import { clusterOver } from './cluster-over.js';
import { keepCopy } from './keep-copy.js';
import { createMysqlObserver, databaseHealth, databaseSource, exposeDatabase, noTroubles } from './mysql-metrics.js';
import { openRedis, type RedisOfCluster } from './open-redis.js';
import { loadKeys, prepareDatabase } from './prepare-database.js';
import { reachLinks } from './reach-links.js';
import { createZookeeperObserver } from './zookeeper-metrics.js';

type Known = SettingsOf<typeof clusterSettings> & {
  readonly namespace: string;
  readonly leaseAttemptMs: number;
  readonly l1TtlMs: number;
};

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
/** A repair waits for longer than an attempt may take by this much: clocks run at rates that differ by far less. */
const SETTLE_FACTOR = 1.1;

/** A distributed system over real wires. Connects to nothing yet: MySQL and Redis are connected to when they are first asked. */
export function openCluster(options: ClusterOptions): Backend {
  const { settings, clock = { nowMs: Date.now }, observed: told } = options;
  const { namespace = DEFAULT_NAMESPACE, leaseDeadlineMs = DEFAULT_LEASE_DEADLINE_MS } = settings;
  const troubles = noTroubles();
  const observer: MysqlObserver = told === undefined ? {} : createMysqlObserver(told.registry, told.log, troubles);
  const timer = observed(observer);
  const wires = {
    members: settings.database,
    deadlineMs: settings.storeDeadlineMs,
    // Who leases nothing makes no links, and goes on where the database takes none.
    ...(settings.zookeeper && { proof: proveRowsAreTaken }),
    observer,
  };
  const pool = openDatabase(wires);
  const lanes = openLanes(pool, wires);
  const links = createMysqlLinkStore({ pool, lanes, clock, observer });
  if (told) exposeDatabase(told.registry, links, pool);
  const changeLog = createMysqlChangeLog({ pool, lanes, timer });
  const reservations = createMysqlReservations({ pool, lanes, timer });
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
  const redis = openRedis({ settings, log: changeLog, keys, observed: told });
  const addresses = [settings.zookeeper ? formatZookeeperAddress(settings.zookeeper) : [], pool.name].flat();
  const ofDatabase = () => databaseHealth(troubles, settings.zookeeper !== undefined, links.available);
  return {
    name: `${addresses.join(' and ')}, namespace ${namespace}`,
    ...over,
    links,
    reservations,
    ...sharedBy(redis),
    keys,
    get checks() {
      return {
        database: ofDatabase,
        ...redis?.checks,
        // Issuing goes on from held ranges without it; the check of the ids says for how long.
        ...(session && {
          zookeeper: degradedWhile(() => (zookeeper().state === 'connected' ? '' : zookeeper().state)),
        }),
      };
    },
    sources: [() => databaseSource(troubles, pool), ...(redis === undefined ? [] : [redis.source])],
    prepare(signal) {
      lanes.follow();
      return prepareDatabase({ pool, mayMigrate: settings.migrate !== 'never', keys, log: told?.log, signal });
    },
    loadKeys: (signal) => loadKeys({ keys, log: told?.log, signal }),
    reachLinks(signal) {
      lanes.follow();
      return reachLinks({ pool, signal });
    },
    register: (serverId, facts) => {
      const described = { ...thisProcess(serverId), pid: process.pid, startedAt: new Date().toISOString(), ...facts };
      return registerServer(zookeeper(), serverId, described);
    },
    relay: () => keepCopy({ keeper: redis?.keeper, changeLog, clock, log: told?.log }),
    sweep: (restoreMs) => startKeySweep({ reservations, links, restoreMs, clock, log: told?.log }),
    async close() {
      await session?.close();
      await redis?.close();
      lanes.close();
      pool.close();
    },
  };
}

function sharedBy(redis: RedisOfCluster | undefined) {
  return {
    cache: redis?.keeper.cache,
    hasten: redis?.keeper.hasten,
    changes: redis?.changes,
    counters: redis?.counters,
    busyCodes: redis?.busyCodes,
    isCacheProven: () => redis?.isProven() ?? false,
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
