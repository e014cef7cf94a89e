/** The rows of the matrix: what is broken, for how long, and how it is healed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from './load.js';
import { MARIADB, type MatrixSystem, REDIRECT, REDIS, SHARD, type Topology } from './matrix-system.js';

export interface MatrixFault {
  readonly what: string;
  /** Plain where it is not said. */
  readonly topology?: Topology;
  /** Also in the short form. */
  readonly isShort?: true;
  /** Whether no request but those of the operations named may fail. Absent: what has to fail is not said here. */
  readonly mayFail?: readonly ('redirect' | 'create' | 'edit' | 'delete')[];
  /**
   * Breaks, lasts and heals. Resolves when everything that was broken is as it was. Times count from its call, or from when it tells the load of a
   * later beginning.
   */
  make(system: MatrixSystem, load: Load): Promise<void>;
}

/** Longer than anything that notices an outage takes, and than the bound of staleness. */
const LASTS_MS = 4_000;
/** Beyond what a replica may be behind and still be asked. */
const BEHIND_MS = 8_000;
/** Until a replica of Redis is in its master's place, with time to spare. */
const FAILOVER_MS = 8_000;
const CHANGES = ['create', 'edit', 'delete'] as const;
const ALL = ['redirect', ...CHANGES] as const;

const last = (system: MatrixSystem, ms = LASTS_MS) => sleep(ms, undefined, { signal: system.signal });

/** Who is hit, known when it is. */
type Choose = (system: MatrixSystem) => Promise<string>;

const always =
  (name: string): Choose =>
  async () =>
    name;

function killed(choose: Choose) {
  return async (system: MatrixSystem): Promise<void> => {
    const name = await choose(system);
    await system.stack.kill(name);
    await last(system);
    await system.stack.start(name);
  };
}

function frozen(choose: Choose) {
  return async (system: MatrixSystem): Promise<void> => {
    const name = await choose(system);
    await system.stack.kill(name, 'SIGSTOP');
    try {
      await last(system);
    } finally {
      await system.stack.kill(name, 'SIGCONT');
    }
  };
}

function configured(setting: string, broken: string, whole: string) {
  return async (system: MatrixSystem): Promise<void> => {
    await system.redis(['CONFIG', 'SET', setting, broken]);
    try {
      await last(system);
    } finally {
      await system.redis(['CONFIG', 'SET', setting, whole]);
    }
  };
}

/** `freeze`: what is on its way arrives when the wire is whole again, as TCP sends it again. */
function cut(wire: keyof MatrixSystem['wires'], kind: 'reset' | 'freeze') {
  return async (system: MatrixSystem): Promise<void> => {
    system.wires[wire].set({ kind });
    try {
      await last(system);
    } finally {
      system.wires[wire].set({ kind: 'pass' });
    }
  };
}

/** What it holds is as it was some seconds before, and its connections are new. */
async function restartedFromSnapshot(system: MatrixSystem): Promise<void> {
  await system.redis(['SAVE']);
  try {
    await last(system);
    await system.stack.kill(REDIS);
    await system.stack.start(REDIS);
    await last(system);
  } finally {
    system.forgetSnapshot();
  }
}

async function restarted(system: MatrixSystem): Promise<void> {
  await system.stack.kill(MARIADB, 'SIGTERM');
  const isGone = () => !system.stack.running().some(({ name }) => name === MARIADB);
  while (!isGone()) await sleep(50, undefined, { signal: system.signal });
  await system.stack.start(MARIADB);
}

async function readOnly(system: MatrixSystem): Promise<void> {
  await system.sql('SET GLOBAL read_only=1');
  try {
    await last(system);
  } finally {
    await system.sql('SET GLOBAL read_only=0');
  }
}

/** The database has room in its own files for a while: the fault begins when that is used up. */
async function diskFull(system: MatrixSystem, load: Load): Promise<void> {
  system.disk.fill();
  try {
    await load.growUntilRefused(system.signal);
    await last(system);
  } finally {
    system.disk.free();
  }
}

async function coldCaches(system: MatrixSystem): Promise<void> {
  await system.redis(['FLUSHALL']);
  for (const name of REDIRECT) await system.stack.kill(name);
  await system.stack.start(...REDIRECT);
}

/** Receives and acknowledges, and shows nothing new. */
async function lagging(system: MatrixSystem): Promise<void> {
  const name = await aReplica(system);
  await system.sql('STOP SLAVE SQL_THREAD', name);
  try {
    await last(system, BEHIND_MS);
  } finally {
    await system.sql('START SLAVE SQL_THREAD', name);
  }
}

/** The primary dies, a replica is made the primary, and the one from before comes back as a replica. */
async function promoted(system: MatrixSystem): Promise<void> {
  const [from, to] = await primaryAndReplica(system);
  await system.stack.kill(from);
  await last(system, 1_000);
  await system.stack.promote(to);
  await last(system);
  await system.stack.start(from);
}

async function switchedOver(system: MatrixSystem): Promise<void> {
  const [, to] = await primaryAndReplica(system);
  await system.stack.promote(to);
  await last(system);
}

/** The primary from before takes writes too, as one does that nobody told. */
async function twoWritable(system: MatrixSystem): Promise<void> {
  const [, replica] = await primaryAndReplica(system);
  await system.sql('SET GLOBAL read_only=0', replica);
  try {
    await last(system);
  } finally {
    await system.sql('SET GLOBAL read_only=1', replica);
  }
}

/** Who takes writes now, and one that does not. */
async function primaryAndReplica(system: MatrixSystem): Promise<readonly [string, string]> {
  const names = ['mysql-1', 'mysql-2', 'mysql-3'];
  const readOnly = await Promise.all(names.map((name) => system.sql('SELECT @@global.read_only', name)));
  const primary = readOnly.findIndex((answer) => answer.trim() === '0');
  return [names[primary] as string, names[primary === 0 ? 1 : 0] as string];
}

async function split(system: MatrixSystem): Promise<void> {
  await system.stack.reshard(SHARD);
  await last(system);
}

/** A master of Redis dies whose replica lacks the end of what it had, and is promoted. */
async function promotedBehind(system: MatrixSystem): Promise<void> {
  const { name, replica } = await redisMaster(system);
  await system.stack.kill(replica, 'SIGSTOP');
  try {
    await last(system, 1_000);
    await system.stack.kill(name);
  } finally {
    await system.stack.kill(replica, 'SIGCONT');
  }
  await last(system, FAILOVER_MS);
  await system.stack.start(name);
}

/** Frozen until another is in its place, which it does not know of when it goes on. */
async function masterFrozen(system: MatrixSystem): Promise<void> {
  const { name } = await redisMaster(system);
  await system.stack.kill(name, 'SIGSTOP');
  try {
    await last(system, FAILOVER_MS);
  } finally {
    await system.stack.kill(name, 'SIGCONT');
  }
}

async function redisMaster(system: MatrixSystem): Promise<{ readonly name: string; readonly replica: string }> {
  for (const { name, replica } of await system.redisMasters()) if (replica !== undefined) return { name, replica };
  throw new Error('no master of Redis has a replica');
}

/** The Galera node that has most of the servers' connections. */
const theNodeInUse: Choose = async (system) => {
  const counted = await Promise.all(
    ['mysql-1', 'mysql-2', 'mysql-3'].map(async (name) => {
      const count = await system.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE user='lakh'", name);
      return { name, count: Number(count) };
    }),
  );
  return counted.reduce((most, each) => (each.count > most.count ? each : most)).name;
};

const aReplica: Choose = async (system) => (await primaryAndReplica(system))[1];

export const MATRIX = {
  none: { what: 'nothing, for comparison', mayFail: [], make: (system) => last(system) },
  'redis-killed': {
    what: 'Redis killed, and started again empty',
    mayFail: [],
    make: killed(always(REDIS)),
  },
  'redis-frozen': { what: 'Redis frozen', mayFail: [], make: frozen(always(REDIS)) },
  'redis-from-snapshot': {
    what: 'Redis killed, and started again from a snapshot taken seconds before',
    isShort: true,
    mayFail: [],
    make: restartedFromSnapshot,
  },
  'redis-too-few-replicas': {
    what: 'Redis refuses writes and serves reads (min-replicas-to-write)',
    isShort: true,
    mayFail: [],
    make: configured('min-replicas-to-write', '1', '0'),
  },
  'redis-out-of-memory': {
    what: 'Redis out of memory (maxmemory, noeviction)',
    mayFail: [],
    make: configured('maxmemory', '1', '0'),
  },
  'redis-cut-from-shorten': {
    what: 'only the shorten servers cut off from Redis',
    isShort: true,
    mayFail: [],
    make: cut('redisOfShorten', 'freeze'),
  },
  'redis-cut-from-redirect': {
    what: 'only the redirect servers cut off from Redis',
    mayFail: [],
    make: cut('redisOfRedirect', 'freeze'),
  },
  'primary-killed': { what: 'the database killed, and started again', mayFail: ALL, make: killed(always(MARIADB)) },
  'primary-frozen': { what: 'the database frozen', isShort: true, mayFail: ALL, make: frozen(always(MARIADB)) },
  'primary-restarted': { what: 'the database stopped and started', mayFail: ALL, make: restarted },
  'primary-read-only': {
    what: 'the database takes no writes (read_only)',
    mayFail: CHANGES,
    make: readOnly,
  },
  'primary-disk-full': {
    topology: 'smallDisk',
    what: 'the database’s disk full, and freed',
    mayFail: CHANGES,
    make: diskFull,
  },
  'primary-cut': { what: 'connections to the database reset', mayFail: ALL, make: cut('mariadb', 'reset') },
  'caches-cold': {
    what: 'Redis emptied and both redirect servers killed and started, at once',
    mayFail: ['redirect'],
    make: coldCaches,
  },
  'replica-killed': {
    topology: 'replicas',
    what: 'one of two replicas killed, and started again',
    mayFail: [],
    make: killed(aReplica),
  },
  'replica-frozen': { topology: 'replicas', what: 'one of two replicas frozen', mayFail: [], make: frozen(aReplica) },
  'replica-lagging': {
    topology: 'replicas',
    what: 'one of two replicas stands still',
    mayFail: [],
    make: lagging,
  },
  'standby-promoted': {
    topology: 'replicas',
    what: 'the primary killed, a replica promoted, the old primary back as a replica',
    mayFail: ALL,
    make: promoted,
  },
  'standby-switched': {
    topology: 'replicas',
    what: 'a replica promoted while the primary is well',
    mayFail: CHANGES,
    make: switchedOver,
  },
  'two-writable': {
    topology: 'replicas',
    what: 'a replica takes writes beside the primary',
    mayFail: ALL,
    make: twoWritable,
  },
  'galera-node-killed': {
    topology: 'galera',
    what: 'the Galera node in use, of three, killed and started again',
    mayFail: ALL,
    make: killed(theNodeInUse),
  },
  'galera-node-frozen': {
    topology: 'galera',
    what: 'the Galera node in use, of three, frozen until the others have gone on without it',
    mayFail: ALL,
    make: frozen(theNodeInUse),
  },
  'vttablet-killed': {
    topology: 'vitess',
    what: 'the primary’s tablet of one of two shards killed, and started again',
    mayFail: ALL,
    make: killed(always(SHARD)),
  },
  'vttablet-frozen': {
    topology: 'vitess',
    what: 'the primary’s tablet of one of two shards frozen, as one that nothing reaches',
    mayFail: ALL,
    make: frozen(always(SHARD)),
  },
  'vttablet-replica-killed': {
    topology: 'vitess',
    what: 'the only replica’s tablet of a shard killed, and started again',
    mayFail: [],
    make: killed(always('vttablet-3')),
  },
  'vtgate-killed': {
    topology: 'vitess',
    what: 'one of two vtgates killed, and started again',
    mayFail: ALL,
    make: killed(always('vtgate-1')),
  },
  'shard-split': {
    topology: 'vitess',
    what: 'one of two shards split in two',
    mayFail: ALL,
    make: split,
  },
  'sentinel-master-killed': {
    topology: 'sentinel',
    what: 'the master that sentinels watch killed, its replica behind',
    mayFail: [],
    make: promotedBehind,
  },
  'sentinel-master-frozen': {
    topology: 'sentinel',
    what: 'the master that sentinels watch frozen until another is in its place',
    mayFail: [],
    make: masterFrozen,
  },
  'cluster-master-killed': {
    topology: 'cluster',
    what: 'a master of a Redis Cluster killed, its replica behind',
    mayFail: [],
    make: promotedBehind,
  },
  'cluster-master-frozen': {
    topology: 'cluster',
    what: 'a master of a Redis Cluster frozen until another is in its place',
    mayFail: [],
    make: masterFrozen,
  },
} as const satisfies Readonly<Record<string, MatrixFault>>;

export type MatrixFaultName = keyof typeof MATRIX;

const isOfVitess = (name: MatrixFaultName): boolean => (MATRIX[name] as MatrixFault).topology === 'vitess';

export const ALL_FAULTS = Object.keys(MATRIX) as readonly MatrixFaultName[];
/** Where Vitess's programs are, or Go to build them. */
export const VITESS_FAULTS = ALL_FAULTS.filter(isOfVitess);
export const MATRIX_FAULTS = ALL_FAULTS.filter((name) => !isOfVitess(name));
