import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  createLakhDatabase,
  freePorts,
  GENEROUS_LIMITS,
  type LocalServer,
  mariadbPlan,
  type ServerPlan,
  zookeeperEnsemble,
} from '@lakh/local';
import { launchIn } from '../launch.js';
import { httpServerPlan, onGeneratorCore } from './http-server.js';
import type { Bench, Surroundings } from './setting.js';

/** One of Lakh's own programs, answering. */
export interface LakhServer {
  readonly url: string;
  readonly adminUrl: string;
  readonly server: LocalServer;
}

/** One of ours, and how to start it again over what it has. */
export interface Ours {
  readonly name: string;
  /** In one line: what exactly runs. */
  readonly what: string;
  readonly running: LakhServer;
  start(nodeArgs: readonly string[]): Promise<LakhServer>;
}

/** The databases of a bench, on the generator's core: what is measured is one core of Lakh. */
export interface Databases {
  readonly mariadb: ServerPlan;
  /** `mysql://user:password@host:port/database` of a user that may also migrate. */
  readonly mysqlUrl: string;
  /** `host:port,…/chroot` */
  readonly zookeeper: string;
  readonly zookeeperNodes: readonly LocalServer[];
}

/** Room for what a bench writes, so that it measures inserts and not a buffer pool of 16 MB; durability as it is. */
export const MARIADB_FLAGS = [
  '--innodb-buffer-pool-size=256M',
  '--innodb-log-file-size=256M',
  '--innodb-log-buffer-size=16M',
];

type LakhProgram = 'standalone' | 'shorten' | 'redirect';

/** A private MariaDB, and a ZooKeeper of so many nodes for servers to lease from. */
export async function startDatabases(
  bench: Bench,
  nodes: number,
  moreFlags: readonly string[] = [],
): Promise<Databases> {
  const [port] = (await freePorts(1)) as [number];
  const mariadb = mariadbPlan({
    name: 'mariadb',
    dir: join(bench.dir, 'mariadb'),
    port,
    flags: [...MARIADB_FLAGS, ...moreFlags],
  });
  await launchIn(bench.scope, onGeneratorCore(bench, mariadb));
  const accounts = { password: randomBytes(16).toString('hex'), migratePassword: randomBytes(16).toString('hex') };
  await createLakhDatabase(mariadb, accounts);
  const mysqlUrl = `mysql://lakh_migrate:${accounts.migratePassword}@127.0.0.1:${port}/lakh`;
  const { plans, connectString } = await zookeeperEnsemble({ dir: bench.dir, nodes });
  const zookeeperNodes = await Promise.all(plans.map((plan) => launchIn(bench.scope, onGeneratorCore(bench, plan))));
  return { mariadb, mysqlUrl, zookeeper: `${connectString}/lakh`, zookeeperNodes };
}

/** Starts `program` as its users do, with default settings except addresses, folders, limits (all load comes from one address) and `env`; `name` is its folder. */
export async function startLakh(
  around: Surroundings,
  program: LakhProgram,
  options: {
    readonly databases?: Databases;
    readonly nodeArgs?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<LakhServer> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const { databases, nodeArgs = [], env } = options;
  const plan = httpServerPlan(around, {
    name: `lakh-${program}`,
    command: [process.execPath, ...nodeArgs, join(around.root, 'services', program, 'dist', 'main.js')],
    port,
    probe: [adminPort, '/healthz/ready'],
    env: {
      LAKH_LISTEN: `127.0.0.1:${port}`,
      LAKH_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      LAKH_LOG_LEVEL: 'warn',
      // One core for ours, as for the rivals.
      LAKH_WORKERS: '1',
      // Nothing is in flight when one is ended.
      LAKH_DRAIN_TIMEOUT_MS: '0',
      ...GENEROUS_LIMITS,
      ...(program === 'standalone' ? { LAKH_DATA_DIR: join(around.dir, 'lakh-data') } : {}),
      ...(databases ? { LAKH_DATABASE: databases.mysqlUrl } : {}),
      ...(program === 'shorten' && databases ? { LAKH_ZOOKEEPER: databases.zookeeper } : {}),
      ...env,
    },
  });
  const server = await launchIn(around.scope, plan);
  return { url: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${adminPort}`, server };
}
