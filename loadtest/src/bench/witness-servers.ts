import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate, openShards, parseShards } from '@lakh/links-mysql';
import {
  createLakhDatabase,
  freePorts,
  type LocalServer,
  mariadbPlan,
  zookeeperEnsemble,
  zookeeperLastEntry,
  zookeeperMode,
} from '@lakh/local';
import { launchFor, onGeneratorCore } from './node-server.js';
import type { Bench } from './setting.js';

const NODES = 3;
const WHOLE_WITHIN_MS = 30_000;
const POLL_MS = 20;
/** The ensemble's log has stood still for this long: nobody leases any more. */
const STILL_MS = 500;

/** A ZooKeeper of three nodes and a MariaDB, as durable as in production, all on the generator's core. */
export interface WitnessServers {
  readonly nodes: readonly LocalServer[];
  /** `h1:p1,h2:p2,h3:p3/chroot` */
  readonly zookeeper: string;
  readonly mysqlUrl: string;
}

export async function startWitnesses(bench: Bench): Promise<WitnessServers> {
  const [port] = (await freePorts(1)) as [number];
  const mariadb = mariadbPlan({ name: 'mariadb', dir: join(bench.dir, 'mariadb'), port });
  await launchFor(bench, onGeneratorCore(bench, mariadb));
  const accounts = { password: randomBytes(16).toString('hex'), migratePassword: randomBytes(16).toString('hex') };
  await createLakhDatabase(mariadb, accounts);
  const mysqlUrl = `mysql://lakh_migrate:${accounts.migratePassword}@127.0.0.1:${port}/lakh`;
  const shards = openShards(parseShards(mysqlUrl));
  try {
    for (const pool of shards.all) await migrate(pool);
  } finally {
    for (const pool of shards.all) pool.close();
  }
  const { plans, connectString } = await zookeeperEnsemble({ dir: bench.dir, nodes: NODES });
  const nodes = await Promise.all(plans.map((plan) => launchFor(bench, onGeneratorCore(bench, plan))));
  return { nodes, zookeeper: `${connectString}/lakh`, mysqlUrl };
}

/** Waits until one node leads and the others follow; resolves with the one that leads. */
export async function leaderOf({ nodes }: WitnessServers): Promise<LocalServer> {
  const deadline = performance.now() + WHOLE_WITHIN_MS;
  for (;;) {
    const modes = await Promise.all(nodes.map(({ plan }) => zookeeperMode(plan.port)));
    const leader = nodes[modes.indexOf('leader')];
    if (leader !== undefined && modes.filter((mode) => mode === 'follower').length === NODES - 1) return leader;
    if (performance.now() > deadline) throw new Error(`the ensemble is not whole again: ${modes.join(', ')}`);
    await sleep(POLL_MS);
  }
}

/** The number of the last entry of the ensemble's log, once nothing has been added for a while. */
export async function lastEntryAtRest(servers: WitnessServers): Promise<bigint> {
  const leader = await leaderOf(servers);
  const deadline = performance.now() + WHOLE_WITHIN_MS;
  let last: bigint | undefined;
  let since = performance.now();
  while (last === undefined || performance.now() - since < STILL_MS) {
    const now = await zookeeperLastEntry(leader.plan.port);
    if (now !== last) since = performance.now();
    last = now;
    if (performance.now() > deadline) throw new Error('leases do not come to rest');
    await sleep(POLL_MS);
  }
  return last;
}
