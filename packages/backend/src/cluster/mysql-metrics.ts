import type { MysqlLinkStore, MysqlObserver } from '@lakh/mysql';
import type { Logger, Registry } from '@lakh/process';
import { Counter, Gauge, Histogram } from 'prom-client';

const STATEMENT_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Why shards do not serve, by name. */
export interface ShardTroubles {
  /** Does not answer. */
  readonly away: Map<string, string>;
  /** Answers, and refuses writes. */
  readonly readOnly: Map<string, string>;
}

/** Metrics and log lines of the database. `troubles` is kept up to date. */
export function createMysqlObserver(
  registry: Registry,
  log: Logger,
  { away, readOnly }: ShardTroubles,
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
    help: '1 while the shard answers.',
    labelNames: ['shard'],
    registers,
  });

  const writable = new Gauge({
    name: 'lakh_store_writable',
    help: '1 while the shard takes rows.',
    labelNames: ['shard'],
    registers,
  });
  const writesRefused = new Counter({
    name: 'lakh_store_writes_refused_total',
    help: 'Statements refused because the database takes no writes, by its error number.',
    labelNames: ['shard', 'errno'],
    registers,
  });

  return {
    statement(kind, rows, durationMs, outcome) {
      duration.observe({ kind, outcome }, durationMs / 1000);
      batch.observe({ kind }, rows);
      if (outcome === 'unknown') unknown.inc({ kind });
    },
    availability(shard, isAvailable, reason) {
      available.set({ shard }, isAvailable ? 1 : 0);
      if (isAvailable) away.delete(shard);
      else away.set(shard, reason);
      log[isAvailable ? 'info' : 'warn'](
        { shard, reason },
        isAvailable ? 'the database answers' : 'the database is away',
      );
    },
    writeRefused: (shard, errno) => writesRefused.inc({ shard, errno }),
    writability(shard, isWritable, reason) {
      writable.set({ shard }, isWritable ? 1 : 0);
      if (isWritable) readOnly.delete(shard);
      else readOnly.set(shard, reason);
      log[isWritable ? 'info' : 'error'](
        { shard, reason },
        isWritable ? 'the database takes rows again' : 'the database answers, and takes no rows',
      );
    },
    warning(shard, message) {
      log.warn({ shard }, message);
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
