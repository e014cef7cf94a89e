import { join } from 'node:path';
import { UsageError } from '../errors.js';
import { type GaleraPorts, galeraPlan } from './galera.js';
import { launch } from './launch.js';
import { createLakhDatabase, type LakhAccounts } from './mariadb.js';
import { freePorts } from './ports.js';
import type { LocalServer } from './server.js';

export interface GaleraClusterSpec {
  /** Of all nodes; the user `mysql` must be able to enter it. */
  readonly dir: string;
  /** 3 by default. */
  readonly nodes?: number;
  readonly accounts: LakhAccounts;
  readonly durable?: boolean;
  /** More flags of every node, last. */
  readonly flags?: readonly string[];
}

/** A Galera cluster on loopback: every node takes writes. For tests and benchmarks. */
export interface GaleraCluster {
  /** `mysql-1` … in the order of their numbers; {@link GaleraCluster.rejoin} replaces the one that it starts. */
  readonly nodes: readonly LocalServer[];
  node(name: string): LocalServer;
  /** Starts a node again, whether it runs or not; resolves when it takes part in what the others do. */
  rejoin(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the first node and lets the others join it (6–8 s), with the database `lakh` and its users. */
export async function launchGalera(spec: GaleraClusterSpec): Promise<GaleraCluster> {
  const { nodes: count = 3, dir, accounts } = spec;
  const free = await freePorts(count * 4);
  const places = Array.from({ length: count }, (_, index) => {
    const [port, group, part, whole] = free.slice(index * 4) as [number, number, number, number];
    return { name: `mysql-${index + 1}`, port, ports: { group, part, whole } satisfies GaleraPorts };
  });
  const launchAs = (index: number, isFirst: boolean): Promise<LocalServer> => {
    const { durable = true, flags = [] } = spec;
    const place = places[index] as (typeof places)[number];
    const all = places.map(({ name, ports: { group } }) => ({ name, group }));
    const template = { templateDir: join(dir, 'template') };
    return launch(
      galeraPlan({ dir: join(dir, place.name), ...place, nodes: all, isFirst, durable, flags, ...template }),
    );
  };
  const first = await launchAs(0, true);
  const nodes = [first];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    await createLakhDatabase(first.plan, accounts);
    // Side by side the second donor would be a node that is still joining.
    for (let index = 1; index < count; index++) nodes.push(await launchAs(index, false));
  } catch (error) {
    await stop();
    throw error;
  }
  const indexOf = (name: string): number => {
    const index = nodes.findIndex(({ plan }) => plan.name === name);
    if (index < 0) throw new UsageError(`no node ${name}; there are ${nodes.map(({ plan }) => plan.name).join(', ')}`);
    return index;
  };
  return {
    nodes,
    node: (name) => nodes[indexOf(name)] as LocalServer,
    async rejoin(name) {
      const index = indexOf(name);
      await nodes[index]?.stop();
      nodes[index] = await launchAs(index, false);
    },
    stop,
  };
}
