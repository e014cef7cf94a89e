import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { askRedis, awaitRedis, followsMaster, type RedisPlanSpec, redisPlan } from './redis.js';
import type { ServerPlan } from './server.js';

const SLOTS = 16_384;
/** Long enough for a machine that is busy, short enough to wait for. */
const NODE_TIMEOUT_MS = 2_000;

export interface ClusterNode extends Pick<RedisPlanSpec, 'name' | 'dir' | 'port'> {
  /** Where the nodes speak to each other. */
  readonly busPort: number;
}

/** A node of a Cluster; alone until {@link formCluster}, and in it from then on, also after it was killed. */
export function clusterNodePlan({ busPort, ...place }: ClusterNode, password: string): ServerPlan {
  return redisPlan({
    ...place,
    password,
    args: [
      ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort)],
      ...['--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--repl-diskless-sync-delay', '0'],
    ],
  });
}

/** What a node that has ended knows of a Cluster, which may have had other ports. What it held has gone with it anyway. */
export function forgetCluster({ dir }: Pick<ClusterNode, 'dir'>): void {
  rmSync(join(dir, 'data', 'nodes.conf'), { force: true });
}

/** Makes one Cluster of nodes that run: the first half are masters, each of the others follows one. */
export async function formCluster(
  nodes: readonly ClusterNode[],
  password: string,
  signal?: AbortSignal,
): Promise<void> {
  const ask = async ({ port }: ClusterNode, command: string) => (await askRedis(port, password, command)) ?? '';
  const until = (what: string, holds: () => Promise<boolean>) => awaitRedis(what, holds, signal);
  const all = (text: string) => async () =>
    (await Promise.all(nodes.map((node) => ask(node, 'CLUSTER INFO')))).every((answer) => answer.includes(text));

  const masters = nodes.slice(0, nodes.length / 2);
  const firstSlot = (index: number) => Math.round((index * SLOTS) / masters.length);
  for (const [index, node] of nodes.entries()) {
    await ask(node, `CLUSTER SET-CONFIG-EPOCH ${index + 1}`);
    if (index < masters.length) {
      await ask(node, `CLUSTER ADDSLOTSRANGE ${firstSlot(index)} ${firstSlot(index + 1) - 1}`);
    }
    if (index > 0) await ask(nodes[0] as ClusterNode, `CLUSTER MEET 127.0.0.1 ${node.port} ${node.busPort}`);
  }
  await until('every node knows all', all(`cluster_known_nodes:${nodes.length}`));
  for (const [index, node] of nodes.slice(masters.length).entries()) {
    const id = /\r\n(\w+)\r\n/.exec(await ask(masters[index] as ClusterNode, 'CLUSTER MYID'))?.[1];
    await until(`${node.name} knows its master`, () =>
      ask(node, `CLUSTER REPLICATE ${id}`).then(
        (answer) => answer.startsWith('+OK'),
        () => false,
      ),
    );
  }
  await until('it serves', all('cluster_state:ok'));
  for (const node of nodes.slice(masters.length)) {
    await until(`${node.name} follows its master`, () => followsMaster(node.port, password));
  }
}
