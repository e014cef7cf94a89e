import type { MysqlLinkStore, MysqlObserver } from '@lakh/mysql';
import type { Logger, Registry } from '@lakh/process';
import { Counter, Gauge, Histogram } from 'prom-client';

const STATEMENT_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Why members do not serve, by name. */
export interface MemberTroubles {
  /** Does not answer. */
  readonly away: Map<string, string>;
  /** Answers, and refuses writes. */
  readonly readOnly: Map<string, string>;
}

/** Metrics and log lines of the database. `troubles` is kept up to date. */
export function createMysqlObserver(
  registry: Registry,
  log: Logger,
  { away, readOnly }: MemberTroubles,
): Required<MysqlObserver> {
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
    warning(member, message) {
      log.warn({ member }, message);
    },
  };
}

export function exposeQueues(registry: Registry, store: Pick<MysqlLinkStore, 'queued'>): void {
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
