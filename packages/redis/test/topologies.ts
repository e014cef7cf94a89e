import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, type LocalServer, launch, redisPlan } from '@lakh/local';
import { until } from '@lakh/testkit';
import { createClient } from 'redis';

/** Sends one command over a connection of its own. */
export async function command(at: number | Door, ...args: string[]): Promise<unknown> {
  const { port, password } = typeof at === 'number' ? { port: at, password: undefined } : at;
  const client = createClient({
    socket: { host: '127.0.0.1', port, reconnectStrategy: false },
    ...(password && { password }),
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}

/** A port without TLS, and what is asked for there. */
interface Door {
  readonly port: number;
  readonly password: string | undefined;
}

async function untilInfo(at: Door, section: string, text: string): Promise<void> {
  await until(async () => String(await command(at, 'INFO', section)).includes(text), `${at.port} says ${text}`);
}

export interface Topology {
  /** Masters first, then the replicas of each, then the sentinel. */
  readonly servers: readonly LocalServer[];
  readonly url: string;
}

export interface Demands {
  /** With them the servers speak TLS among each other, and the URL's ports are those of TLS. */
  readonly tlsArgs?: readonly string[];
  readonly password?: string;
  readonly sentinelPassword?: string;
  /** A line of its configuration. */
  readonly sentinelUser?: string;
}

function dataArgs({ password, tlsArgs }: Demands, tlsPort: number): string[] {
  return [
    ...['--repl-diskless-sync-delay', '0'],
    ...(password === undefined ? [] : ['--requirepass', password, '--masterauth', password]),
    ...(tlsArgs === undefined
      ? []
      : ['--tls-port', String(tlsPort), '--tls-replication', 'yes', '--tls-cluster', 'yes', ...tlsArgs]),
  ];
}

/** A master, a replica, and a sentinel that needs nobody's agreement. */
export async function startSentinel(dir: string, demands: Demands = {}): Promise<Topology> {
  const ports = await freePorts(6);
  const [port, replicaPort, sentinelPort, ...tlsPorts] = ports as [number, number, number, number, number, number];
  const [masterAt, replicaAt, sentinelAt] = demands.tlsArgs === undefined ? ports : tlsPorts;
  const { password, sentinelPassword } = demands;
  const replica = ['--replicaof', `127.0.0.1 ${masterAt}`, ...dataArgs(demands, replicaAt as number)];
  mkdirSync(dir, { recursive: true });
  const servers = await Promise.all([
    launch(redisPlan({ name: 'master', dir: join(dir, 'master'), port, args: dataArgs(demands, masterAt as number) })),
    launch(redisPlan({ name: 'replica', dir: join(dir, 'replica'), port: replicaPort, args: replica })),
  ]);
  await untilInfo({ port: replicaPort, password }, 'replication', 'master_link_status:up');
  const sentinelDir = join(dir, 'sentinel');
  mkdirSync(sentinelDir);
  const file = join(sentinelDir, 'sentinel.conf');
  const settings = [
    `port ${sentinelPort}`,
    'bind 127.0.0.1',
    `dir ${sentinelDir}`,
    ...(demands.tlsArgs === undefined ? [] : [`tls-port ${sentinelAt}`, 'tls-replication yes', lines(demands.tlsArgs)]),
    ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
    ...(demands.sentinelUser === undefined ? [] : [demands.sentinelUser]),
    `sentinel monitor main 127.0.0.1 ${masterAt} 1`,
    ...(password === undefined ? [] : [`sentinel auth-pass main ${password}`]),
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 5000',
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  const plan = redisPlan({ name: 'sentinel', dir: sentinelDir, port: sentinelPort });
  // It keeps what it learns in its configuration, which belongs to whoever wrote it.
  servers.push(await launch({ ...plan, owner: undefined, command: ['redis-server', file, '--sentinel'] }));
  await untilInfo({ port: sentinelPort, password: sentinelPassword }, 'sentinel', 'slaves=1');
  return { servers, url: `redis+sentinel://127.0.0.1:${sentinelAt}/main` };
}

/** Arguments as a file has them. */
function lines(args: readonly string[]): string {
  return args.join(' ').replaceAll(' --', '\n').replace(/^--/, '');
}

const MASTERS = 3;
const SLOT_STARTS = [0, 5_461, 10_923, 16_384] as const;

/** A Cluster of three masters, and replicas of the first so many. */
export async function startCluster(
  dir: string,
  { replicas, ...demands }: Demands & { readonly replicas: number },
): Promise<Topology> {
  const count = MASTERS + replicas;
  const ports = await freePorts(3 * count);
  const { password } = demands;
  const nodes = ports.slice(0, count).map((port, i) => ({
    port,
    password,
    busPort: ports[count + i] as number,
    at: ports[demands.tlsArgs === undefined ? i : 2 * count + i] as number,
    name: `node-${i}`,
  }));
  mkdirSync(dir, { recursive: true });
  const servers = await Promise.all(
    nodes.map(({ port, busPort, at, name }) => {
      const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000'];
      return launch(redisPlan({ name, dir: join(dir, name), port, args: [...args, ...dataArgs(demands, at)] }));
    }),
  );
  const first = nodes[0] as (typeof nodes)[number];
  await Promise.all(
    nodes.map(async (node, i) => {
      await command(node, 'CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
      if (i < MASTERS) {
        await command(node, 'CLUSTER', 'ADDSLOTSRANGE', String(SLOT_STARTS[i]), String(SLOT_STARTS[i + 1]! - 1));
      }
      if (i > 0) await command(first, 'CLUSTER', 'MEET', '127.0.0.1', String(node.at), String(node.busPort));
    }),
  );
  const clusterInfo = async (node: Door) => String(await command(node, 'CLUSTER', 'INFO'));
  for (const node of nodes) {
    await until(async () => (await clusterInfo(node)).includes(`cluster_known_nodes:${count}`), 'it knows all nodes');
  }
  for (const [i, node] of nodes.slice(MASTERS).entries()) {
    const id = String(await command(nodes[i] as Door, 'CLUSTER', 'MYID'));
    const follows = () => command(node, 'CLUSTER', 'REPLICATE', id).then(Boolean, () => false);
    await until(follows, 'it knows its master');
    await untilInfo(node, 'replication', 'master_link_status:up');
  }
  for (const node of nodes) {
    await until(async () => (await clusterInfo(node)).includes('cluster_state:ok'), 'the cluster is up');
  }
  return { servers, url: `redis+cluster://${nodes.map(({ at }) => `127.0.0.1:${at}`).join(',')}` };
}
