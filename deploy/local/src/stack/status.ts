import { httpProbe } from '../probe.js';
import { replicationOf } from '../servers/replication.js';
import type { ServerRole } from '../servers/server.js';
import { isAlive } from './processes.js';
import { type RedisRole, redisRoleOf } from './redis.js';
import type { Session } from './session.js';
import { databaseKind, extraPort, type ProcessRecord, redisKind } from './state.js';
import { vitessOf } from './vitess-plan.js';

/** `starting` is also what a process is that runs and does not answer: frozen, or with nothing left to serve. */
export type ProcessState = 'starting' | 'ready' | 'draining' | 'exited';

export interface ProcessStatus {
  readonly name: string;
  readonly role: ServerRole;
  /** The server's own; null when it has ended. */
  readonly pid: number | null;
  readonly url: string;
  readonly adminUrl: string | null;
  readonly state: ProcessState;
  /** Of a tablet: which range of keyspace ids it has. */
  readonly shard?: string;
  /** Of a server that replicates: what it is now by its own word, be it that two say the same. Of a tablet what its MariaDB is to be. */
  readonly databaseRole?: DatabaseRole;
  /** Of one of several Redises: what it is now by its own word. */
  readonly redisRole?: RedisRole;
}

/** `stray`: it neither takes writes nor follows anybody. */
export type DatabaseRole = 'primary' | 'replica' | 'stray';

export interface StackStatus {
  readonly processes: readonly ProcessStatus[];
}

/** Asks every process at once; about a second when one does not answer. */
export async function statusOf(session: Session, records: readonly ProcessRecord[]): Promise<StackStatus> {
  return {
    processes: await Promise.all(
      records.map(async (record) => {
        const { name, role, process } = record;
        const state = await stateOf(session, record);
        const pid = state === 'exited' || process === undefined ? null : process.pid;
        const place = state === 'ready' ? await placeOf(session, record) : {};
        const urls = { url: urlOf(record), adminUrl: adminUrlOf(record) };
        return { name, role, pid, ...urls, state, ...tabletOf(session, record), ...place };
      }),
    ),
  };
}

function tabletOf(session: Session, { name, role }: ProcessRecord): Pick<ProcessStatus, 'shard' | 'databaseRole'> {
  if (role !== 'vttablet') return {};
  const { shards, replicas } = vitessOf(session.read());
  const shard = shards[name];
  return { ...(shard !== undefined && { shard }), databaseRole: name in replicas ? 'replica' : 'primary' };
}

async function placeOf(
  session: Session,
  record: ProcessRecord,
): Promise<Pick<ProcessStatus, 'databaseRole' | 'redisRole'>> {
  if (record.role === 'redis' && redisKind(session.read()) !== 'single') {
    const redisRole = await redisRoleOf(session, record);
    return redisRole === undefined ? {} : { redisRole };
  }
  if (record.role !== 'mysql' || !['replicas', 'vitess'].includes(databaseKind(session.read()))) return {};
  try {
    const { isReadOnly, following } = await replicationOf(session.plan(record));
    return { databaseRole: following ? 'replica' : isReadOnly ? 'stray' : 'primary' };
  } catch {
    return {}; // It has just ended, or hangs; its state says so the next time.
  }
}

async function stateOf(session: Session, record: ProcessRecord): Promise<ProcessState> {
  const { process, role, isDraining } = record;
  if (process === undefined || !isAlive(process)) return 'exited';
  if (isDraining) return 'draining';
  if (role === 'shorten' || role === 'redirect') {
    const answer = await httpProbe(extraPort(record, 0), '/healthz/ready');
    if (!isAlive(process)) return 'exited';
    if (answer?.status === 200) return 'ready';
    return answer !== undefined && isDrainingBody(answer.body) ? 'draining' : 'starting';
  }
  const isReady = await session.plan(record).ready();
  if (!isAlive(process)) return 'exited';
  return isReady ? 'ready' : 'starting';
}

/** A server that somebody else told to end says so itself. */
function isDrainingBody(body: string): boolean {
  try {
    return (JSON.parse(body) as { status?: unknown } | null)?.status === 'draining';
  } catch {
    return false;
  }
}

const SCHEMES: Readonly<Record<ServerRole, string>> = {
  gateway: 'http',
  shorten: 'http',
  redirect: 'http',
  zookeeper: 'zookeeper',
  mysql: 'mysql',
  redis: 'redis',
  vtctld: 'grpc',
  vttablet: 'grpc',
  vtgate: 'mysql',
};

function urlOf({ role, port }: ProcessRecord): string {
  return `${SCHEMES[role]}://127.0.0.1:${port}`;
}

const isOfVitess = (role: ServerRole): boolean => role === 'vtctld' || role === 'vttablet' || role === 'vtgate';

function adminUrlOf(record: ProcessRecord): string | null {
  return SCHEMES[record.role] === 'http' || isOfVitess(record.role) ? `http://127.0.0.1:${extraPort(record, 0)}` : null;
}
