import { chmodSync, chownSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError, WrongStateError } from '../errors.js';
import { galeraPosition } from '../servers/galera.js';
import { createLakhDatabase } from '../servers/mariadb.js';
import { barredTo, ownerOf } from '../servers/owner.js';
import {
  awaitFollowing,
  awaitReplicas,
  createReplicationUser,
  followPrimary,
  openPrimary,
  type ReplicationSource,
} from '../servers/replication.js';
import { createTabletDatabase, followShard } from '../vitess/plans.js';
import { primaryNumber, primaryOf } from './database-plan.js';
import { migrateDatabase } from './migrate.js';
import { databaseSetting } from './plans.js';
import { isAlive } from './processes.js';
import { DATABASE_FILE, MIGRATE_DATABASE_FILE, stackPasswords, writeSecret } from './secrets.js';
import type { Session } from './session.js';
import { databaseKind, numberOf, type ProcessRecord, recordsOf, type StackState } from './state.js';
import { type StartStep, together } from './together.js';

/** What starts the stack's database whole: its servers, Lakh's users, and the schema unless told not to. */
export async function databaseSteps(session: Session, isMigrating: boolean): Promise<readonly StartStep[]> {
  const state = session.read();
  const servers = recordsOf(state, 'mysql');
  const prepare = async (record: ProcessRecord, signal: AbortSignal): Promise<void> => {
    await createLakhDatabase(session.plan(record), stackPasswords(session.context.dir));
    if (isMigrating) await migrateDatabase(session.context, signal);
  };
  if (databaseKind(state) === 'vitess') {
    return tabletDatabaseSteps(session, servers);
  }
  if (databaseKind(state) === 'galera') {
    const first = await furthestNode(session);
    const others = servers.filter(({ name }) => name !== first.name);
    return [
      {
        record: first,
        async whenReady(signal) {
          await prepare(first, signal);
          // One after the other: a node that is still joining cannot hand on what it has.
          for (const record of others) await together(session, [{ record }], signal);
        },
      },
    ];
  }
  const primary = primaryOf(state);
  const replicas = servers.filter(({ name }) => name !== primary.name);
  return [
    {
      record: primary,
      async whenReady(signal) {
        const plan = session.plan(primary);
        await openPrimary(plan);
        if (replicas.length > 0) {
          await createReplicationUser(plan, replicationSource(session).password);
          const follows = async (record: ProcessRecord): Promise<void> => {
            await followPrimary(session.plan(record), replicationSource(session));
          };
          await together(
            session,
            replicas.map((record) => ({ record, whenReady: () => follows(record) })),
            signal,
          );
          await awaitReplicas(plan, replicas.length);
        }
        await prepare(primary, signal);
      },
    },
  ];
}

/** MariaDBs of tablets, replicas once their primary is there. */
export function tabletDatabaseSteps(session: Session, servers: readonly ProcessRecord[]): readonly StartStep[] {
  const state = session.read();
  const { vitess: password } = stackPasswords(session.context.dir);
  const isReplica = ({ name }: ProcessRecord) => primaryNumber(state, name) !== undefined;
  return servers
    .filter((record) => !isReplica(record))
    .map((primary) => ({
      record: primary,
      async whenReady(signal) {
        const plan = session.plan(primary);
        await createTabletDatabase(plan, password);
        const replicas = servers.filter(({ name }) => primaryNumber(state, name) === numberOf(primary.name));
        const follows = (record: ProcessRecord) => async (): Promise<void> => {
          const replica = session.plan(record);
          await createTabletDatabase(replica, password);
          await followShard(replica, plan, password);
        };
        await together(
          session,
          replicas.map((record) => ({ record, whenReady: follows(record) })),
          signal,
        );
      },
    }));
}

/** What servers and `lakh` are given to find the database, and the user that changes tables. */
export function writeDatabaseSecrets({ context }: Session, state: StackState): void {
  const { password, migratePassword } = stackPasswords(context.dir);
  writeSecret(context.dir, DATABASE_FILE, `${databaseSetting(state, ['lakh', password], context.detours)}\n`);
  const migrating = databaseSetting(state, ['lakh_migrate', migratePassword]);
  writeSecret(context.dir, MIGRATE_DATABASE_FILE, `${migrating}\n`);
}

/** Whom the replicas follow now. */
export function replicationSource(session: Session): ReplicationSource {
  const { port } = primaryOf(session.read());
  return { port, password: stackPasswords(session.context.dir).replication };
}

/** What a server that was started again by itself has to be told: of replicas, which place it has. */
export async function settleServer(session: Session, name: string): Promise<void> {
  const state = session.read();
  const record = session.record(name);
  if (record.role !== 'mysql' || databaseKind(state) !== 'replicas') return;
  const plan = session.plan(record);
  const primary = primaryOf(state);
  const running = recordsOf(state, 'mysql').filter(({ process }) => process && isAlive(process));
  if (name !== primary.name) {
    await followPrimary(plan, replicationSource(session));
    if (running.some((other) => other.name === primary.name)) return awaitFollowing(plan);
    session.report(`${name} waits for its primary: ${primary.name} does not run`);
    return;
  }
  await openPrimary(plan);
  const replicas = running.length - 1;
  if (replicas === 0) session.report(`${name} acknowledges nothing before a replica runs`);
  await awaitReplicas(plan, Math.min(replicas, 1));
}

/**
 * The order in which servers are to be started: of a Galera cluster of which no node runs, first the one that has come furthest.
 *
 * @throws WrongStateError where the cluster would begin again without what that one has
 */
export async function inStartOrder(session: Session, names: readonly string[]): Promise<readonly string[]> {
  const state = session.read();
  const nodes = databaseKind(state) === 'galera' ? recordsOf(state, 'mysql') : [];
  const isCluster = nodes.some(({ process }) => process && isAlive(process));
  if (isCluster || !nodes.some(({ name }) => names.includes(name))) return names;
  const furthest = await furthestNode(session);
  if (names.includes(furthest.name)) return [furthest.name, ...names.filter((name) => name !== furthest.name)];
  throw new WrongStateError(
    `no node of the cluster runs, and ${furthest.name} has come furthest: start it first, or with the others`,
  );
}

/** The node that has everything the others have; when all have ended, the cluster must begin again with it. */
async function furthestNode(session: Session): Promise<ProcessRecord> {
  const nodes = recordsOf(session.read(), 'mysql');
  const positions = await Promise.all(nodes.map((record) => galeraPosition(session.plan(record))));
  const furthest = nodes[positions.indexOf(Math.max(...positions))];
  if (furthest === undefined) throw new Error('a cluster without nodes');
  return furthest;
}

/**
 * Galera's nodes run as a user of their own and see the whole file system: they have to be able to come to their folders. The stack's own
 * folder is opened to their group, which may enter it and not look around.
 *
 * @throws UsageError where a folder above it is closed to them
 */
export function openFolderFor(state: StackState, dir: string): void {
  const owner = ownerOf(dir, 'mysql');
  if (databaseKind(state) !== 'galera' || owner === undefined) return;
  const barred = barredTo(owner, dirname(dir));
  if (barred !== undefined) {
    throw new UsageError(`Galera runs as the user mysql, who cannot enter ${barred}: choose another --dir`);
  }
  chownSync(dir, 0, owner.gid);
  chmodSync(dir, 0o710);
}
