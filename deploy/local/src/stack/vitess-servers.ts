import { join } from 'node:path';
import { UsageError, WrongStateError } from '../errors.js';
import { VitessControl } from '../vitess/control.js';
import { tabletUid } from '../vitess/plans.js';
import { boundsOf, halvesOf } from '../vitess/ranges.js';
import { tabletDatabaseSteps } from './database.js';
import { furtherServers } from './layout.js';
import { migrateDatabase } from './migrate.js';
import { vitessSettings } from './plans.js';
import { isAlive } from './processes.js';
import type { Session } from './session.js';
import { databaseKind, numberOf, type ProcessRecord, recordsOf, type StackState, type VitessState } from './state.js';
import { type StartStep, together } from './together.js';
import { vitessOf } from './vitess-plan.js';

/** Starts Vitess over MariaDBs and ZooKeepers that run: the topology, the tablets, the layout, and last who is connected to. */
export async function startVitess(session: Session, isMigrating: boolean, signal?: AbortSignal): Promise<void> {
  const state = session.read();
  const steps = (role: 'vtctld' | 'vtgate'): StartStep[] => recordsOf(state, role).map((record) => ({ record }));
  await together(session, steps('vtctld'), signal);
  const control = vitessControl(session);
  await control.createKeyspace(Object.values(vitessOf(state).shards));
  await startTablets(session, recordsOf(state, 'vttablet'), signal);
  await control.applyVschema();
  await together(session, steps('vtgate'), signal);
  if (isMigrating) await migrateDatabase(session.context, signal ?? new AbortController().signal);
}

/** What its operator does; `vtctld` has to run. */
function vitessControl(session: Session): VitessControl {
  const { context, report } = session;
  const state = session.read();
  const [vtctld] = recordsOf(state, 'vtctld');
  if (vtctld === undefined) throw new Error('a stack without a vtctld');
  return new VitessControl({
    ...vitessSettings(context, state),
    port: vtctld.port,
    dir: join(context.dir, vtctld.name),
    vschemaFile: join(context.root, 'deploy', 'vitess', 'vschema.json'),
    report,
  });
}

async function startTablets(session: Session, tablets: readonly ProcessRecord[], signal?: AbortSignal): Promise<void> {
  const control = vitessControl(session);
  const { replicas } = vitessOf(session.read());
  const steps = (areReplicas: boolean) => tablets.filter(({ name }) => name in replicas === areReplicas);
  await together(
    session,
    steps(false).map((record) => ({
      record,
      whenReady: (ended) => control.makePrimary(tabletUid(record.name), ended),
    })),
    signal,
  );
  await together(
    session,
    steps(true).map((record) => ({ record })),
    signal,
  );
}

/**
 * The verb `reshard`, with the stack's lock held: a primary and a replica, each a tablet and a MariaDB, for each half of a shard take what it has, and it
 * ends. Its data stay until the stack is wiped.
 */
export async function reshardStack(session: Session, name: string | undefined): Promise<void> {
  const state = session.read();
  if (databaseKind(state) !== 'vitess') {
    throw new UsageError(`reshard needs shards (up --db vitess); this stack's database is ${databaseKind(state)}`);
  }
  const { name: tablet } = name === undefined ? widest(state) : session.record(name);
  const from = vitessOf(state).shards[tablet];
  if (from === undefined) throw new UsageError(`${tablet} is no tablet: a shard is split by its tablet's name`);
  const idle = state.processes.find(
    ({ role, process }) => ['vtctld', 'vttablet', 'mysql'].includes(role) && !(process && isAlive(process)),
  );
  if (idle !== undefined) throw new WrongStateError(`${idle.name} is not running: start it first`);
  const to = halvesOf(from);
  const databases = await furtherServers(state, 'mysql', 2 * to.length);
  const tablets = await furtherServers(
    { ...state, processes: [...state.processes, ...databases] },
    'vttablet',
    2 * to.length,
  );
  const names = tablets.map((record) => record.name);
  const added = {
    shards: Object.fromEntries(names.map((each, i) => [each, to[i % to.length] as string])),
    replicas: Object.fromEntries(names.slice(to.length).map((each, i) => [each, names[i] as string])),
  };
  await session.mutate((current, write) => write(withShards(current, [...databases, ...tablets], added)));
  try {
    await together(session, tabletDatabaseSteps(session, databases));
    await vitessControl(session).createKeyspace(to);
    await startTablets(session, tablets);
    await vitessControl(session).reshard({ from, to });
  } catch (error) {
    session.report(`the split of ${from} did not end; ${names.join(', ')} stay as they are`);
    throw error;
  }
  await retire(session, from);
}

/** Ends what had the shard, which has no traffic any more. */
async function retire(session: Session, shard: string): Promise<void> {
  const { shards, replicas } = vitessOf(session.read());
  const tablets = Object.keys(shards).filter((name) => shards[name] === shard);
  // Replicas first: one that loses its primary looks for it.
  tablets.sort((a, b) => Number(b in replicas) - Number(a in replicas));
  const ended = tablets.flatMap((tablet) => [tablet, `mysql-${numberOf(tablet)}`]);
  for (const name of ended) await session.stop(name);
  await vitessControl(session).forgetShard(shard);
  await session.mutate((current, write) => write(withoutServers(current, ended)));
  session.report(`${shard} is split; ${ended.join(', ')} have ended`);
}

function widest(state: StackState): ProcessRecord {
  const { shards, replicas } = vitessOf(state);
  const width = ({ name }: ProcessRecord): number => {
    const { start, end } = boundsOf(shards[name] ?? '-');
    return end - start;
  };
  const [first, ...others] = recordsOf(state, 'vttablet').filter(({ name }) => !(name in replicas));
  if (first === undefined) throw new Error('a keyspace without tablets');
  return others.reduce((best, each) => (width(each) > width(best) ? each : best), first);
}

function withShards(
  state: StackState,
  added: readonly ProcessRecord[],
  { shards, replicas }: Pick<VitessState, 'shards' | 'replicas'>,
): StackState {
  const vitess = vitessOf(state);
  return {
    ...state,
    processes: [...state.processes, ...added],
    database: {
      kind: 'vitess',
      vitess: {
        ...vitess,
        shards: { ...vitess.shards, ...shards },
        replicas: { ...vitess.replicas, ...replicas },
      },
    },
  };
}

function withoutServers(state: StackState, names: readonly string[]): StackState {
  const vitess = vitessOf(state);
  const left = (all: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
  return {
    ...state,
    processes: state.processes.filter(({ name }) => !names.includes(name)),
    database: {
      kind: 'vitess',
      vitess: { ...vitess, shards: left(vitess.shards), replicas: left(vitess.replicas) },
    },
  };
}
