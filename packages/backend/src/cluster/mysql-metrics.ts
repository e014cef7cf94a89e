import type { Database, MemberRole, MysqlLinkStore, MysqlObserver, PrimaryPool } from '@lakh/mysql';
import type { CheckResult, HealthCheck, Logger, Registry } from '@lakh/process';
import { Counter, Gauge, Histogram } from 'prom-client';

const STATEMENT_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Why members do not serve, by name. */
export interface MemberTroubles {
  /** Does not answer. */
  readonly away: Map<string, string>;
  /** Answers, and refuses writes. */
  readonly readOnly: Map<string, string>;
  /** Of several members: does not say what it is. */
  readonly silent: Map<string, string>;
  /** Why no member is written to; empty while one is. */
  noPrimary: string;
  /** Of several members the one that is written to, or that is waited for; undefined where there is one member, or none is known yet. */
  primary: string | undefined;
}

export const noTroubles = (): MemberTroubles => ({
  away: new Map(),
  readOnly: new Map(),
  silent: new Map(),
  noPrimary: '',
  primary: undefined,
});

/**
 * A database that is away is so for all servers alike, and mostly for moments, so it degrades and no more: a balancer that took all of them out would
 * have nobody left who says why. One that takes no rows matters to those alone who send some, and takes them until somebody acts.
 */
export function databaseHealth(
  { away, readOnly, silent, noPrimary, primary }: MemberTroubles,
  writes: boolean,
  takesLinks = false,
): ReturnType<HealthCheck> {
  const told = (members: Map<string, string>) => [...members].map((member) => member.join(': ')).join('; ');
  if (noPrimary !== '') return { status: writes ? 'down' : 'degraded', detail: noPrimary };
  // Of a keyspace it may be one shard of many.
  if (readOnly.size > 0)
    return { status: takesLinks ? 'degraded' : 'down', detail: `takes no rows: ${told(readOnly)}` };
  const gone = new Map([...silent, ...away]);
  if (gone.size === 0) return { status: 'ok' };
  const detail = [...gone].map(([member, why]) => `${member === primary ? 'the primary ' : ''}${member}: ${why}`);
  return { status: 'degraded', detail: detail.join('; ') };
}

/** Whether links can be looked up there: all of them where the primary answers, what replicas have where it does not. */
export function databaseSource(
  { silent, noPrimary, primary }: MemberTroubles,
  pool: Pick<PrimaryPool, 'available' | 'reader'>,
): CheckResult {
  const isSilent = primary !== undefined && silent.has(primary);
  if (pool.available && noPrimary === '' && !isSilent) return { status: 'ok' };
  return { status: pool.reader?.() === undefined ? 'down' : 'degraded' };
}

/** Metrics and log lines of the database. `troubles` is kept up to date. */
export function createMysqlObserver(
  registry: Registry,
  log: Logger,
  troubles: MemberTroubles,
): Required<MysqlObserver> {
  const { away, readOnly } = troubles;
  const registers = [registry];
  const duration = new Histogram({
    name: 'lakh_store_statement_duration_seconds',
    help: 'Time of a statement or transaction, its wait for a connection included.',
    labelNames: ['kind', 'outcome'],
    buckets: STATEMENT_BUCKETS_S,
    registers,
  });
  const batch = new Histogram({
    name: 'lakh_store_batch_rows',
    help: 'Rows that share one statement.',
    labelNames: ['kind'],
    buckets: BATCH_BUCKETS,
    registers,
  });
  const unknown = new Counter({
    name: 'lakh_store_unknown_outcomes_total',
    help: 'Statements whose answer never came and that may have been applied.',
    labelNames: ['kind'],
    registers,
  });
  const available = new Gauge({
    name: 'lakh_store_available',
    help: '1 while the member answers.',
    labelNames: ['member'],
    registers,
  });

  const writable = new Gauge({
    name: 'lakh_store_writable',
    help: '1 while the member takes rows.',
    labelNames: ['member'],
    registers,
  });
  const writesRefused = new Counter({
    name: 'lakh_store_writes_refused_total',
    help: 'Statements refused because the database takes no writes, by its error number.',
    labelNames: ['member', 'errno'],
    registers,
  });

  return {
    statement(kind, rows, durationMs, outcome) {
      duration.observe({ kind, outcome }, durationMs / 1000);
      batch.observe({ kind }, rows);
      if (outcome === 'unknown') unknown.inc({ kind });
    },
    availability(member, isAvailable, reason) {
      available.set({ member }, isAvailable ? 1 : 0);
      if (isAvailable) away.delete(member);
      else away.set(member, reason);
      log[isAvailable ? 'info' : 'warn'](
        { member, reason },
        isAvailable ? 'the database answers' : 'the database is away',
      );
    },
    writeRefused: (member, errno) => writesRefused.inc({ member, errno }),
    writability(member, isWritable, reason) {
      writable.set({ member }, isWritable ? 1 : 0);
      if (isWritable) readOnly.delete(member);
      else readOnly.set(member, reason);
      log[isWritable ? 'info' : 'error'](
        { member, reason },
        isWritable ? 'the database takes rows again' : 'the database answers, and takes no rows',
      );
    },
    ...memberObserver(registry, log, troubles),
    warning(member, message) {
      log.warn({ member }, message);
    },
  };
}

/** What there is to tell where the database has several members. */
function memberObserver(
  registry: Registry,
  log: Logger,
  troubles: MemberTroubles,
): Required<Pick<MysqlObserver, 'role' | 'primary' | 'primaryProblem'>> {
  const registers = [registry];
  const roles = new Gauge({
    name: 'lakh_store_member_role',
    help: '1 for what each of several members is now.',
    labelNames: ['member', 'role'],
    registers,
  });
  const promotions = new Counter({
    name: 'lakh_store_promotions_total',
    help: 'Times that another member took the place of the primary.',
    registers,
  });
  const roleOf = new Map<string, MemberRole>();
  /** The primary, while it does not answer. */
  let missed: string | undefined;

  return {
    role(member, role, reason) {
      const before = roleOf.get(member);
      if (before !== undefined) roles.remove({ member, role: before });
      roleOf.set(member, role);
      roles.set({ member, role }, 1);
      if (role === 'away') troubles.silent.set(member, reason);
      else troubles.silent.delete(member);
      // Whether it takes rows was asked of it as the primary.
      if (role !== 'primary') troubles.readOnly.delete(member);
      const isBack = member === missed && role !== 'away';
      if (role === 'away' && member === troubles.primary) missed = member;
      else if (isBack) missed = undefined;
      const what = isBack
        ? 'the primary of the database answers again'
        : member === missed
          ? 'the primary of the database does not answer'
          : 'a member of the database';
      log[role === 'away' || role === 'rival' ? 'warn' : 'info']({ member, role, before, reason }, what);
    },
    primary(member, before) {
      troubles.primary = member;
      missed = undefined;
      if (before !== undefined) promotions.inc();
      log[before === undefined ? 'info' : 'warn']({ member, before }, 'the primary of the database');
    },
    primaryProblem(problem) {
      troubles.noPrimary = problem;
      log[problem === '' ? 'info' : 'error'](
        { problem },
        problem === '' ? 'the database has a primary' : 'the database is written to nowhere',
      );
    },
  };
}

/** What is asked of it when metrics are. */
export function exposeDatabase(
  registry: Registry,
  store: Pick<MysqlLinkStore, 'queued'>,
  database: Pick<Database, 'lags'>,
): void {
  exposeQueues(registry, store);
  exposeLags(registry, database);
}

/** How far replicas are behind, where there are any. */
function exposeLags(registry: Registry, database: Pick<Database, 'lags'>): void {
  new Gauge({
    name: 'lakh_store_replica_lag_seconds',
    help: 'How far a replica may be behind the primary at most, as far as beats prove it.',
    labelNames: ['member'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [member, lagMs] of database.lags()) this.set({ member }, lagMs / 1000);
    },
  });
}

function exposeQueues(registry: Registry, store: Pick<MysqlLinkStore, 'queued'>): void {
  new Gauge({
    name: 'lakh_store_queued_rows',
    help: 'Rows and codes that wait for a statement to carry them.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const [kind, rows] of Object.entries(store.queued)) this.set({ kind }, rows);
    },
  });
}
