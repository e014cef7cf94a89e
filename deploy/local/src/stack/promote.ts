import { UsageError, WrongStateError } from '../errors.js';
import { mariadbSql, quoted } from '../servers/mariadb.js';
import {
  awaitFollowing,
  closePrimary,
  followPrimary,
  promoteReplica,
  type Replication,
  replicationOf,
} from '../servers/replication.js';
import type { ServerPlan } from '../servers/server.js';
import { replicationSource } from './database.js';
import { primaryOf } from './database-plan.js';
import { isAlive } from './processes.js';
import type { Session } from './session.js';
import { databaseKind, type ProcessRecord, recordsOf } from './state.js';

/** For a replica to receive the rest from a primary that takes no more writes. */
const CATCH_UP_S = 10;

/**
 * The verb `promote`, with the stack's lock held: the replica takes the writes, the others follow it, and so does the primary from before
 * where it answers.
 */
export async function promoteServer(session: Session, name: string): Promise<void> {
  const state = session.read();
  if (databaseKind(state) !== 'replicas') {
    throw new UsageError(
      `promote needs a primary and replicas (up --db replicas); this stack's database is ${databaseKind(state)}`,
    );
  }
  const chosen = session.record(name);
  const before = primaryOf(state);
  if (chosen.role !== 'mysql') throw new UsageError(`${name} is no server of the database`);
  if (name === before.name) {
    const isUp = isRunning(before) ? '' : ', and is not running: start it, or promote another';
    throw new WrongStateError(`${name} is the primary already${isUp}`);
  }
  if (!isRunning(chosen)) throw new WrongStateError(`${name} is not running: start it first`);
  const others = recordsOf(state, 'mysql').filter(
    (record) => record.name !== name && record.name !== before.name && isRunning(record),
  );

  const closed = isRunning(before) ? await close(session, before, chosen) : false;
  await requireMost(session, chosen, others);
  await promoteReplica(session.plan(chosen));
  await session.mutate((current, write) => write({ ...current, database: { kind: 'replicas', primary: name } }));
  session.report(`${name} is the primary`);
  for (const record of closed ? [before, ...others] : others) {
    // As it is planned now: the primary from before is one no longer.
    const plan = session.plan(record);
    await followPrimary(plan, replicationSource(session));
    await awaitFollowing(plan);
    session.report(`${record.name} follows ${name}`);
  }
  if (!closed) session.report(`${before.name} follows once it is ${isRunning(before) ? 'restarted' : 'started'}`);
}

const isRunning = ({ process }: ProcessRecord): boolean => process !== undefined && isAlive(process);

/** Takes the writes from a primary that answers, and lets the replica receive the rest. False where it does not answer. */
async function close(session: Session, before: ProcessRecord, chosen: ProcessRecord): Promise<boolean> {
  let last: Replication;
  try {
    await closePrimary(session.plan(before));
    last = await replicationOf(session.plan(before));
  } catch {
    session.report(`${before.name} does not answer: it may take writes when it does again`);
    return false;
  }
  const wait = `SELECT MASTER_GTID_WAIT(${quoted(last.position)}, ${CATCH_UP_S})`;
  const answer = await mariadbSql(session.plan(chosen), wait);
  if (answer.trim() === '0') return true;
  await mariadbSql(session.plan(before), 'SET GLOBAL read_only=0');
  throw new WrongStateError(
    `${chosen.name} is behind: after ${CATCH_UP_S} s it has not applied what ${before.name} has`,
  );
}

/** @throws WrongStateError where another replica has received what this one has not, and what may have been acknowledged */
async function requireMost(session: Session, chosen: ProcessRecord, others: readonly ProcessRecord[]): Promise<void> {
  const mine = await received(session.plan(chosen));
  for (const other of others) {
    const theirs = await received(session.plan(other));
    if (theirs > mine)
      throw new WrongStateError(`${other.name} has received more than ${chosen.name}: promote ${other.name}`);
  }
}

/** The number of the last transaction that a replica has got; all are of one domain. */
async function received(plan: ServerPlan): Promise<number> {
  const { following, position } = await replicationOf(plan);
  const sequence = (gtid: string): number => Number(/^0-\d+-(\d+)$/.exec(gtid)?.[1] ?? 0);
  return Math.max(sequence(following?.received ?? ''), sequence(position));
}
