/** Who is master of what, by asking a sentinel or a node of the Cluster. */
import type { HostPort } from '@lakh/settings';
import type { Node } from './node.js';
import { type Shard, SLOTS, shardOfAll } from './slots.js';

/** What one of those that can be asked says. */
export interface Topology {
  readonly shards: readonly Shard[];
  /** Who else can be asked. */
  readonly nodes: readonly HostPort[];
}

/** @throws Error where the sentinel knows no master of that name */
export async function askSentinel(sentinel: Node, name: string): Promise<Topology> {
  const answer = await sentinel.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]);
  const [host, port] = Array.isArray(answer) ? answer : [];
  const node = hostPortOf(host, port, undefined);
  if (node === undefined) throw new Error(`the sentinel knows no master ${name}`);
  return { shards: [shardOfAll(node)], nodes: [] };
}

/** @throws Error where the node belongs to no Cluster, or to one that nothing was given to yet */
export async function askCluster(node: Node, asked: HostPort): Promise<Topology> {
  const topology = readSlots(await node.sendCommand(['CLUSTER', 'SLOTS']), asked);
  if (topology.shards.length === 0) throw new Error('the node has a part in no Cluster');
  return topology;
}

/**
 * An answer to `CLUSTER SLOTS`: `[first, last, [host, port, …] of the master, [host, port, …] of a replica …]` a range.
 *
 * @param asked what a host that is left out means
 */
export function readSlots(answer: unknown, asked: HostPort): Topology {
  const shards = new Map<string, { address: HostPort; ranges: [number, number][] }>();
  const nodes = new Map<string, HostPort>();
  for (const range of arrayOf(answer)) {
    const [first, last, ...servers] = arrayOf(range);
    const addresses = servers.map((server) => {
      const [host, port] = arrayOf(server);
      return hostPortOf(host, port, asked.host);
    });
    for (const address of addresses) if (address) nodes.set(keyOf(address), address);
    const [master] = addresses;
    if (master === undefined || !isRange(first, last)) continue;
    const shard = shards.get(keyOf(master)) ?? { address: master, ranges: [] };
    shards.set(keyOf(master), shard);
    shard.ranges.push([first as number, last as number]);
  }
  return { shards: sorted(shards), nodes: sorted(nodes) };
}

/** In an order that does not depend on who is asked. */
function sorted<T>(byKey: ReadonlyMap<string, T>): T[] {
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

function isRange(first: unknown, last: unknown): boolean {
  return Number.isInteger(first) && Number.isInteger(last) && Number(first) >= 0 && Number(last) < SLOTS;
}

/** A node that does not know its own name leaves it out, or says `?`. */
function hostPortOf(host: unknown, port: unknown, missing: string | undefined): HostPort | undefined {
  const name = host === null || host === '' || host === '?' || host === undefined ? missing : String(host);
  const number = Number(port);
  return name !== undefined && number > 0 && number < 65_536 ? { host: name, port: number } : undefined;
}

function keyOf({ host, port }: HostPort): string {
  return `${host}:${port}`;
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
