import { setTimeout as sleep } from 'node:timers/promises';
import { StartFailedError, WrongStateError } from '../errors.js';
import { identified, type MariadbSpec, mariadbPlan, mariadbRow, mariadbSql, quoted } from './mariadb.js';
import type { ServerPlan } from './server.js';

const POLL_MS = 50;
/** Of what a replica has received and not applied yet, when it is promoted. */
const APPLY_DEADLINE_S = 10;
/** A frozen server does not answer; one that is well does so within milliseconds. */
export const ASK_DEADLINE_MS = 2_000;
const REPLICATION_USER = 'lakh_replication';

export interface ReplicatedSpec extends MariadbSpec {
  /** Unique among the servers that replicate each other. */
  readonly serverId: number;
  /**
   * Whether it is the primary that starts again: it keeps what no replica had acknowledged when it ended. Any other server gives that up,
   * because the one that was promoted meanwhile may not have it.
   */
  readonly isPrimary: boolean;
}

/**
 * A MariaDB that can be a primary or a replica (GTID, semi-synchronous). It starts read-only, whatever it was: {@link openPrimary} or
 * {@link followPrimary} say which it is to be, and it takes up by itself the replication that it had.
 */
export function replicatedMariadbPlan({ serverId, isPrimary, flags = [], ...spec }: ReplicatedSpec): ServerPlan {
  return mariadbPlan({ ...spec, flags: [...replicationFlags(serverId, isPrimary, spec.durable ?? true), ...flags] });
}

function replicationFlags(serverId: number, isPrimary: boolean, durable: boolean): string[] {
  return [
    `--server-id=${serverId}`,
    '--log-bin=binlog',
    '--relay-log=relay',
    '--log-slave-updates',
    '--binlog-format=ROW',
    `--sync-binlog=${durable ? 1 : 0}`,
    '--gtid-strict-mode=1',
    '--read-only=1',
    `--init-rpl-role=${isPrimary ? 'MASTER' : 'SLAVE'}`,
    '--rpl-semi-sync-slave-enabled=1',
    '--rpl-semi-sync-master-enabled=0',
    '--rpl-semi-sync-master-wait-point=AFTER_SYNC',
    // By default a primary without replicas acknowledges after 10 s what it alone has.
    '--rpl-semi-sync-master-timeout=86400000',
    // So long a replica that leaves a frozen primary tries to tell it so.
    '--rpl-semi-sync-slave-kill-conn-timeout=1',
    // Notices within seconds that the primary stands still.
    '--slave-net-timeout=4',
  ];
}

/** Where replicas find their primary, and as whom. */
export interface ReplicationSource {
  readonly port: number;
  readonly password: string;
}

/** What one server says of its place in a replication. */
export interface Replication {
  readonly isReadOnly: boolean;
  /** What it has written into its own binary log. */
  readonly position: string;
  /** Undefined for a server that follows nobody. */
  readonly following?: {
    readonly port: number;
    readonly isReceiving: boolean;
    readonly isApplying: boolean;
    /** What has arrived, applied or not. */
    readonly received: string;
    /** Undefined while it cannot be told. By the engine's own account, which takes a primary that is silent for one that has nothing to say. */
    readonly lagS: number | undefined;
    readonly delayS: number;
    /** Why it does not go on; empty where it does. */
    readonly error: string;
  };
}

/** Asks a server as root. */
export async function replicationOf(plan: ServerPlan, deadlineMs = ASK_DEADLINE_MS): Promise<Replication> {
  const [readOnly, position = ''] = (
    await mariadbSql(plan, 'SELECT @@global.read_only, @@global.gtid_current_pos', deadlineMs)
  )
    .trimEnd()
    .split('\t');
  const isReadOnly = readOnly !== '0';
  const row = await mariadbRow(plan, 'SHOW SLAVE STATUS', deadlineMs);
  if (row === undefined) return { isReadOnly, position };
  const { Seconds_Behind_Master: lag = 'NULL' } = row;
  return {
    isReadOnly,
    position,
    following: {
      port: Number(row.Master_Port),
      isReceiving: row.Slave_IO_Running === 'Yes',
      isApplying: row.Slave_SQL_Running === 'Yes',
      received: row.Gtid_IO_Pos ?? '',
      lagS: lag === 'NULL' ? undefined : Number(lag),
      delayS: Number(row.SQL_Delay),
      error: row.Last_IO_Error || row.Last_SQL_Error || '',
    },
  };
}

/** Lets a primary take writes. An acknowledgement does not wait for replicas yet: {@link awaitReplicas}. */
export async function openPrimary(plan: ServerPlan): Promise<void> {
  await mariadbSql(plan, 'SET GLOBAL read_only=0');
}

/** The account with which replicas log in. */
export async function createReplicationUser(primary: ServerPlan, password: string): Promise<void> {
  await mariadbSql(
    primary,
    `CREATE OR REPLACE USER '${REPLICATION_USER}'@'%' ${identified(password)};
     GRANT REPLICATION SLAVE ON *.* TO '${REPLICATION_USER}'@'%'`,
  );
}

/**
 * Makes a server the replica of another one: a new one, one that followed somebody else, and a primary from before. What such a one
 * alone has makes the replication stop with an error, unless it was killed in between (a shutdown commits what waits for an acknowledgement)
 * and started again as no primary.
 */
export async function followPrimary(plan: ServerPlan, source: ReplicationSource): Promise<void> {
  await mariadbSql(
    plan,
    `SET GLOBAL read_only=1;
     SET GLOBAL rpl_semi_sync_master_enabled=0;
     STOP SLAVE;
     CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${source.port}, MASTER_USER='${REPLICATION_USER}',
       MASTER_PASSWORD=${quoted(source.password)}, MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos, MASTER_DEMOTE_TO_SLAVE=1;
     START SLAVE`,
  );
}

/**
 * Resolves once a replica receives and applies.
 *
 * @throws StartFailedError when it does not within `deadlineMs`, with its own reason: it may have what its primary lacks
 */
export async function awaitFollowing(plan: ServerPlan, deadlineMs = 10_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const { following } = await replicationOf(plan);
    if (following?.isReceiving && following.isApplying && following.error === '') return;
    if (performance.now() > deadline) {
      throw new StartFailedError(
        `${plan.name} does not follow its primary: ${following?.error || 'it says no reason'}`,
      );
    }
    await sleep(POLL_MS);
  }
}

/** From now on a commit is acknowledged only when a replica has it. Waits for `replicas` first: without one, no commit would end. */
export async function awaitReplicas(primary: ServerPlan, replicas: number, deadlineMs = 20_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const [, attached] = (await mariadbSql(primary, "SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'"))
      .trim()
      .split('\t');
    if (Number(attached) >= replicas) break;
    if (performance.now() > deadline) {
      throw new StartFailedError(`${attached} of ${replicas} replicas follow ${primary.name} after ${deadlineMs} ms`);
    }
    await sleep(POLL_MS);
  }
  await mariadbSql(primary, 'SET GLOBAL rpl_semi_sync_master_enabled=1');
}

/** Takes the writes from a primary that still answers: its commits that are under way end, no other begins. */
export async function closePrimary(plan: ServerPlan, deadlineMs = ASK_DEADLINE_MS): Promise<void> {
  await mariadbSql(plan, 'SET GLOBAL read_only=1', deadlineMs);
}

/**
 * Makes a replica the primary, as an operator does: it applies what it has received, and takes writes. Nobody else is asked or told.
 *
 * @throws WrongStateError where it follows nobody, or does not get to the end of what it has received
 */
export async function promoteReplica(plan: ServerPlan): Promise<void> {
  const isReplica = (await replicationOf(plan)).following !== undefined;
  if (isReplica) await mariadbSql(plan, 'STOP SLAVE IO_THREAD; START SLAVE SQL_THREAD');
  const { following } = await replicationOf(plan);
  if (following === undefined) throw new WrongStateError(`${plan.name} is no replica`);
  const { received, delayS } = following;
  const waitS = APPLY_DEADLINE_S + delayS;
  const wait = `SELECT MASTER_GTID_WAIT(${quoted(received)}, ${waitS})`;
  const answer = (await mariadbSql(plan, wait, (waitS + APPLY_DEADLINE_S) * 1_000)).trim();
  if (answer !== '0') {
    const why = (await replicationOf(plan)).following?.error;
    throw new WrongStateError(`${plan.name} has not applied ${received} after ${waitS} s${why ? `: ${why}` : ''}`);
  }
  await mariadbSql(
    plan,
    'STOP SLAVE; RESET SLAVE ALL; SET GLOBAL rpl_semi_sync_master_enabled=1; SET GLOBAL read_only=0',
  );
}

/** Has a replica stay so far behind its primary; 0 ends that. */
export async function delayReplica(plan: ServerPlan, delayS: number): Promise<void> {
  await mariadbSql(plan, `STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=${delayS}; START SLAVE`);
}

/** A replica goes on receiving, and acknowledging, and shows nothing new. */
export async function stopApplying(plan: ServerPlan): Promise<void> {
  await mariadbSql(plan, 'STOP SLAVE SQL_THREAD');
}

export async function startApplying(plan: ServerPlan): Promise<void> {
  await mariadbSql(plan, 'START SLAVE SQL_THREAD');
}
