import { join } from 'node:path';
import { UsageError } from '../errors.js';
import { launch } from './launch.js';
import { createLakhDatabase, type LakhAccounts } from './mariadb.js';
import { freePorts } from './ports.js';
import {
  awaitFollowing,
  awaitReplicas,
  createReplicationUser,
  followPrimary,
  openPrimary,
  promoteReplica,
  type ReplicationSource,
  replicatedMariadbPlan,
} from './replication.js';
import type { LocalServer } from './server.js';

export interface ReplicasSpec {
  /** Of all of them: each has a folder of its name there. */
  readonly dir: string;
  /** Beside the primary; 2 by default. */
  readonly replicas?: number;
  readonly accounts: LakhAccounts;
  readonly templateDir?: string;
  readonly durable?: boolean;
  /** More flags of every server, last. */
  readonly flags?: readonly string[];
}

/** A primary and its semi-synchronous replicas on loopback, and what their operator can do. For tests and benchmarks. */
export interface MariadbReplicas {
  /** `mysql-1` … in the order of their numbers; {@link MariadbReplicas.comeBack} replaces the one that it starts. */
  readonly servers: readonly LocalServer[];
  /** Who was made the primary last, running or not. `mysql-1` at first. */
  readonly primary: LocalServer;
  server(name: string): LocalServer;
  /**
   * Promotes a replica and has the others that run follow it, except the primary from before: that one may still take writes, as one does
   * that was cut off, until it is killed, closed or told to {@link MariadbReplicas.comeBack}.
   */
  promote(name: string): Promise<void>;
  /** Starts a server again, whether it runs or not, as a replica of the present primary; the primary itself as what it is. */
  comeBack(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** The password matters to nobody: all of it is on loopback, for the length of a test. */
const REPLICATION_PASSWORD = 'replicates';

/** Starts them, with the database `lakh` and its users; resolves when all replicas follow and an acknowledgement waits for one of them. */
export async function launchReplicas(spec: ReplicasSpec): Promise<MariadbReplicas> {
  const { replicas = 2, dir, templateDir = join(dir, 'template'), accounts } = spec;
  const ports = await freePorts(replicas + 1);
  const launchAs = (index: number, isPrimary: boolean): Promise<LocalServer> => {
    const name = `mysql-${index + 1}`;
    const { durable = true, flags = [] } = spec;
    const place = { name, dir: join(dir, name), port: ports[index] as number, templateDir };
    return launch(replicatedMariadbPlan({ ...place, serverId: index + 1, isPrimary, durable, flags }));
  };
  const started = await Promise.allSettled(ports.map((_, index) => launchAs(index, index === 0)));
  const servers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  let primaryIndex = 0;
  const indexOf = (name: string): number => {
    const index = servers.findIndex(({ plan }) => plan.name === name);
    if (index < 0)
      throw new UsageError(`no server ${name}; there are ${servers.map(({ plan }) => plan.name).join(', ')}`);
    return index;
  };
  const source = (): ReplicationSource => ({
    port: ports[primaryIndex] as number,
    password: REPLICATION_PASSWORD,
  });
  const at = (index: number): LocalServer => servers[index] as LocalServer;

  try {
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    const { plan } = at(0);
    await openPrimary(plan);
    await createReplicationUser(plan, REPLICATION_PASSWORD);
    await createLakhDatabase(plan, accounts);
    await Promise.all(servers.slice(1).map((server) => followPrimary(server.plan, source())));
    await awaitReplicas(plan, replicas);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    servers,
    get primary() {
      return at(primaryIndex);
    },
    server: (name) => at(indexOf(name)),
    async promote(name) {
      const [before, next] = [primaryIndex, indexOf(name)];
      await promoteReplica(at(next).plan);
      primaryIndex = next;
      const others = servers.filter((_, index) => index !== next && index !== before);
      // One that is down, or frozen, follows when it comes back.
      await Promise.allSettled(others.map(({ plan }) => followPrimary(plan, source())));
    },
    async comeBack(name) {
      const index = indexOf(name);
      const isPrimary = index === primaryIndex;
      // The end in order of a primary that was promoted away commits what nobody acknowledged.
      if (isPrimary) await at(index).stop();
      else if (at(index).isRunning) await at(index).signal('SIGKILL');
      servers[index] = await launchAs(index, isPrimary);
      if (!isPrimary) {
        await followPrimary(at(index).plan, source());
        return awaitFollowing(at(index).plan);
      }
      await openPrimary(at(index).plan);
      await awaitReplicas(at(index).plan, replicas > 0 ? 1 : 0);
    },
    stop,
  };
}
