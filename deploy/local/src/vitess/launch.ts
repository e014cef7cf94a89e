import { join } from 'node:path';
import { launch } from '../servers/launch.js';
import { freePorts } from '../servers/ports.js';
import type { LocalServer, ServerPlan } from '../servers/server.js';
import { zookeeperEnsemble } from '../servers/zookeeper.js';
import { VitessControl } from './control.js';
import {
  createTabletDatabase,
  followShard,
  tabletDatabasePlan,
  type VitessSettings,
  vtctldPlan,
  vtgatePlan,
  vttabletPlan,
} from './plans.js';

export interface LocalVitessSpec {
  readonly dir: string;
  /** Where Vitess's programs are. */
  readonly programs: string;
  readonly vschemaFile: string;
  readonly accounts: { readonly password: string; readonly migratePassword: string };
  /** Ranges of keyspace ids, a primary each; `-80` and `80-` by default. */
  readonly shards?: readonly string[];
  /** Of each shard, beside its primary; none by default. */
  readonly replicas?: number;
  /** 1 by default. */
  readonly gates?: number;
  /** How each server is started, where it is not as planned. */
  readonly around?: (plan: ServerPlan) => ServerPlan;
}

export interface LocalTablet {
  readonly tablet: LocalServer;
  readonly database: LocalServer;
}

/** Its primary. */
export interface LocalShard extends LocalTablet {
  readonly replicas: readonly LocalTablet[];
}

/** A keyspace of Lakh's on loopback, for tests and benchmarks. */
export interface LocalVitess {
  readonly gates: readonly LocalServer[];
  readonly control: VitessControl;
  /** Those that have traffic, by their ranges. */
  readonly shards: ReadonlyMap<string, LocalShard>;
  /** Puts a tablet before a MariaDB that somebody else keeps, which has a binary log of rows: the only shard of a keyspace. */
  adopt(keyspace: string, plan: ServerPlan, database: string): Promise<void>;
  /** Starts shards for the parts of a range, and moves what it has there. */
  split(from: string, to: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** The password matters to nobody: all of it is on loopback, for the length of a test. */
const PASSWORD = 'among-vitess';
const FIRST_UID = 101;
const ADOPTED_UID = 99;

export async function launchVitess(spec: LocalVitessSpec): Promise<LocalVitess> {
  const {
    dir,
    programs,
    vschemaFile,
    accounts,
    shards = ['-80', '80-'],
    replicas: replicaCount = 0,
    gates: gateCount = 1,
    around = (plan) => plan,
  } = spec;
  const running: LocalServer[] = [];
  const byShard = new Map<string, LocalShard>();
  const started = async (plan: ServerPlan): Promise<LocalServer> => {
    const server = await launch(around(plan));
    running.unshift(server);
    return server;
  };
  const stop = async (): Promise<void> => {
    for (const server of running.splice(0)) await server.stop();
  };
  try {
    const [plan] = (await zookeeperEnsemble({ dir, nodes: 1 })).plans;
    if (plan === undefined) throw new Error('no ZooKeeper');
    const topology = `127.0.0.1:${plan.port}`;
    await started(plan);
    const settings: VitessSettings = { programs, topology, password: PASSWORD };
    const [port = 0, httpPort = 0, ...rest] = await freePorts(2 + 3 * gateCount);
    await started(vtctldPlan({ ...settings, name: 'vtctld', dir: join(dir, 'vtctld'), port, httpPort }));
    const control = new VitessControl({ ...settings, port, dir: join(dir, 'vtctldclient'), vschemaFile });
    await control.createKeyspace(shards);

    const startShard = shardStarter({ dir, settings, control, replicas: replicaCount, started, byShard });
    for (const shard of shards) await startShard(shard);
    await control.applyVschema();
    const gates: LocalServer[] = [];
    for (let i = 0; i < gateCount; i += 1) {
      const [port = 0, httpPort = 0, rpcPort = 0] = rest.slice(3 * i);
      const name = `vtgate-${i + 1}`;
      gates.push(
        await started(vtgatePlan({ ...settings, name, dir: join(dir, name), port, httpPort, rpcPort, accounts })),
      );
    }
    return {
      gates,
      control,
      shards: byShard,
      async adopt(keyspace, plan, database) {
        await control.createKeyspace(['-'], keyspace);
        await createTabletDatabase(plan, PASSWORD, database);
        const [port = 0, httpPort = 0] = await freePorts(2);
        const place = { name: `vttablet-${keyspace}`, dir: join(dir, `vttablet-${keyspace}`), port, httpPort };
        const served = { shard: '-', keyspace, database, databasePort: plan.port };
        await started(vttabletPlan({ ...settings, ...place, ...served, uid: ADOPTED_UID }));
        await control.makePrimary(ADOPTED_UID);
      },
      async split(from, to) {
        await control.createKeyspace(to);
        for (const shard of to) await startShard(shard);
        await control.reshard({ from, to });
        const had = byShard.get(from);
        byShard.delete(from);
        for (const { tablet } of had === undefined ? [] : [had, ...had.replicas]) await tablet.stop();
        await control.forgetShard(from);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface ShardStarter {
  readonly dir: string;
  readonly settings: VitessSettings;
  readonly control: VitessControl;
  /** Of each shard. */
  readonly replicas: number;
  readonly started: (plan: ServerPlan) => Promise<LocalServer>;
  readonly byShard: Map<string, LocalShard>;
}

/** Starts the tablets of one shard after another, with their MariaDBs. */
function shardStarter({ dir, settings, control, replicas: replicaCount, started, byShard }: ShardStarter) {
  let uid = FIRST_UID;
  const startTablet = async (shard: string, primary?: LocalTablet): Promise<LocalTablet> => {
    const mine = uid++;
    const [databasePort = 0, port = 0, httpPort = 0] = await freePorts(3);
    const place = (name: string) => ({ name: `${name}-${mine}`, dir: join(dir, `${name}-${mine}`), uid: mine });
    const templateDir = join(dir, 'template');
    const isReplica = primary !== undefined;
    const database = await started(
      tabletDatabasePlan({ ...place('mysql'), port: databasePort, templateDir, isReplica }),
    );
    await createTabletDatabase(database.plan, PASSWORD);
    if (isReplica) await followShard(database.plan, primary.database.plan, PASSWORD);
    const tablet = await started(
      vttabletPlan({ ...settings, ...place('vttablet'), shard, databasePort, port, httpPort }),
    );
    if (!isReplica) await control.makePrimary(mine);
    return { tablet, database };
  };
  return async (shard: string): Promise<void> => {
    const primary = await startTablet(shard);
    const replicas: LocalTablet[] = [];
    for (let i = 0; i < replicaCount; i += 1) replicas.push(await startTablet(shard, primary));
    byShard.set(shard, { ...primary, replicas });
  };
}
