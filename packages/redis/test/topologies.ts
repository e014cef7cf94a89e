import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, type LocalServer, launch, redisPlan } from '@lakh/local';
import { createClient } from 'redis';
import { until } from './until.js';

/** Sends one command over a connection of its own. */
export async function command(port: number, ...args: string[]): Promise<unknown> {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } });
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}

async function untilInfo(port: number, section: string, text: string): Promise<void> {
  await until(async () => String(await command(port, 'INFO', section)).includes(text), `${port} says ${text}`);
}

export interface Topology {
  /** Masters first, then the replicas of each. */
  readonly servers: readonly LocalServer[];
  readonly url: string;
}

const REPLICATED = ['--repl-diskless-sync-delay', '0'];

/** A master, a replica, and a sentinel that needs nobody's agreement. */
export async function startSentinel(dir: string): Promise<Topology> {
  const [port, replicaPort, sentinelPort] = (await freePorts(3)) as [number, number, number];
  const replica = ['--replicaof', `127.0.0.1 ${port}`];
  const servers = await Promise.all([
    launch(redisPlan({ name: 'master', dir: join(dir, 'master'), port, args: REPLICATED })),
    launch(redisPlan({ name: 'replica', dir: join(dir, 'replica'), port: replicaPort, args: replica })),
  ]);
  await untilInfo(replicaPort, 'replication', 'master_link_status:up');
  const sentinelDir = join(dir, 'sentinel');
  mkdirSync(sentinelDir);
  const file = join(sentinelDir, 'sentinel.conf');
  const settings = [
    `port ${sentinelPort}`,
    'bind 127.0.0.1',
    `dir ${sentinelDir}`,
    `sentinel monitor main 127.0.0.1 ${port} 1`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 5000',
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  const plan = redisPlan({ name: 'sentinel', dir: sentinelDir, port: sentinelPort });
  // It keeps what it learns in its configuration, which belongs to whoever wrote it.
  servers.push(await launch({ ...plan, owner: undefined, command: ['redis-server', file, '--sentinel'] }));
  await untilInfo(sentinelPort, 'sentinel', 'slaves=1');
  return { servers, url: `redis+sentinel://127.0.0.1:${sentinelPort}/main` };
}

const MASTERS = 3;
const SLOT_STARTS = [0, 5_461, 10_923, 16_384] as const;

/** A Cluster of three masters, and replicas of the first so many. */
export async function startCluster(dir: string, replicas: number): Promise<Topology> {
  const count = MASTERS + replicas;
  const ports = await freePorts(2 * count);
  const nodes = ports.slice(0, count).map((port, i) => ({ port, busPort: ports[count + i]!, name: `node-${i}` }));
  const servers = await Promise.all(
    nodes.map(({ port, busPort, name }) => {
      const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000'];
      return launch(redisPlan({ name, dir: join(dir, name), port, args: [...args, ...REPLICATED] }));
    }),
  );
  const first = nodes[0]!.port;
  await Promise.all(
    nodes.map(async ({ port, busPort }, i) => {
      await command(port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
      if (i < MASTERS) {
        await command(port, 'CLUSTER', 'ADDSLOTSRANGE', String(SLOT_STARTS[i]), String(SLOT_STARTS[i + 1]! - 1));
      }
      if (i > 0) await command(first, 'CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
    }),
  );
  const knowsAll = async ({ port }: { port: number }) =>
    String(await command(port, 'CLUSTER', 'INFO')).includes(`cluster_known_nodes:${count}`);
  for (const node of nodes) await until(() => knowsAll(node), `${node.name} knows all nodes`);
  for (const [i, { port }] of nodes.slice(MASTERS).entries()) {
    const id = String(await command(nodes[i]!.port, 'CLUSTER', 'MYID'));
    await until(
      () =>
        command(port, 'CLUSTER', 'REPLICATE', id).then(
          () => true,
          () => false,
        ),
      'it knows its master',
    );
    await untilInfo(port, 'replication', 'master_link_status:up');
  }
  for (const { port } of nodes) {
    await until(
      async () => String(await command(port, 'CLUSTER', 'INFO')).includes('cluster_state:ok'),
      'the cluster is up',
    );
  }
  return { servers, url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}` };
}
