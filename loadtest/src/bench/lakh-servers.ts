import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  createLakhDatabase,
  freePorts,
  type LocalServer,
  mariadbPlan,
  type ServerPlan,
  zookeeperEnsemble,
} from '@lakh/local';
import { launchFor, nodeServerPlan, onGeneratorCore } from './node-server.js';
import type { Bench } from './setting.js';

/** One of Lakh's own programs, answering. */
export interface LakhServer {
  readonly url: string;
  readonly adminUrl: string;
  readonly server: LocalServer;
}

/** The databases of a bench, on the generator's core: what is measured is one core of Lakh. */
export interface Databases {
  readonly mariadb: ServerPlan;
  /** `mysql://user:password@host:port/database` of a user that may also migrate. */
  readonly mysqlUrl: string;
  /** `host:port,…/chroot`; only with ZooKeeper. */
  readonly zookeeper: string | undefined;
  readonly zookeeperNodes: readonly LocalServer[];
}

/** Room for what a bench writes, so that it measures inserts and not a buffer pool of 16 MB; durability as it is. */
const MARIADB_FLAGS = ['--innodb-buffer-pool-size=256M', '--innodb-log-file-size=256M', '--innodb-log-buffer-size=16M'];
/** L1 entries outlive the run: what is measured is a hit, not the refill (at the default of 5 s, ten thousand codes are 2,000 refills a second). */
const L1_TTL_MS = 3_600_000;

export type LakhProgram = 'standalone' | 'shorten' | 'redirect';

/** A private MariaDB, and a ZooKeeper of so many nodes where servers are to lease from it. */
export async function startDatabases(bench: Bench, nodes: number): Promise<Databases> {
  const [port] = (await freePorts(1)) as [number];
  const mariadb = mariadbPlan({ name: 'mariadb', dir: join(bench.dir, 'mariadb'), port, flags: MARIADB_FLAGS });
  await launchFor(bench, onGeneratorCore(bench, mariadb));
  const accounts = { password: randomBytes(16).toString('hex'), migratePassword: randomBytes(16).toString('hex') };
  await createLakhDatabase(mariadb, accounts);
  const mysqlUrl = `mysql://lakh_migrate:${accounts.migratePassword}@127.0.0.1:${port}/lakh`;
  if (nodes === 0) return { mariadb, mysqlUrl, zookeeper: undefined, zookeeperNodes: [] };
  const { plans, connectString } = await zookeeperEnsemble({ dir: bench.dir, nodes });
  const zookeeperNodes = await Promise.all(plans.map((plan) => launchFor(bench, onGeneratorCore(bench, plan))));
  return { mariadb, mysqlUrl, zookeeper: `${connectString}/lakh`, zookeeperNodes };
}

/** Starts `program` as its users do, with default settings except addresses, folders and {@link L1_TTL_MS}; `name` is its folder. */
export async function startLakh(
  bench: Bench,
  program: LakhProgram,
  options: { readonly databases?: Databases; readonly nodeArgs?: readonly string[] } = {},
): Promise<LakhServer> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const { databases, nodeArgs = [] } = options;
  const plan = nodeServerPlan(bench, {
    name: `lakh-${program}`,
    program: `services/${program}/dist/main.js`,
    args: [],
    nodeArgs,
    port,
    probe: `${adminUrl}/healthz/ready`,
    env: {
      LAKH_LISTEN: `127.0.0.1:${port}`,
      LAKH_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      LAKH_LOG_LEVEL: 'warn',
      ...(program === 'standalone' ? { LAKH_DATA_DIR: join(bench.dir, 'lakh-data') } : {}),
      ...(program === 'shorten' ? {} : { LAKH_L1_TTL_MS: String(L1_TTL_MS) }),
      ...(databases ? { LAKH_SHARDS: databases.mysqlUrl } : {}),
      ...(program === 'shorten' && databases?.zookeeper ? { LAKH_ZOOKEEPER: databases.zookeeper } : {}),
    },
  });
  return { url: `http://127.0.0.1:${port}`, adminUrl, server: await launchFor(bench, plan) };
}
