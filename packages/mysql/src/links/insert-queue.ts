import { setTimeout as sleep } from 'node:timers/promises';
import {
  type InsertOutcome,
  insertedNew,
  insertMet,
  type NewLink,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
} from '@lakh/links';
import { Coalescer } from '../wire/coalescer.js';
import {
  ER_DUP_ENTRY,
  ER_LOCK_DEADLOCK,
  isEngineFailure,
  isRefusal,
  isRowFailure,
  SqlFailure,
  storeError,
} from '../wire/errors.js';
import type { PrimaryPool } from '../wire/primary-pool.js';
import type { StatementTimer } from '../wire/timing.js';
import { asStoredRecord, INSERT_HEAD, insertIdOf, keyOf, type LinkRow, rowValues, selectRows } from './rows.js';

/**
 * Statements for the same rows at most: each round settles at least one row that was in conflict, and a second one is only
 * needed when somebody claims one of the batch's codes within milliseconds.
 */
const MAX_ROUNDS = 6;
/** While a shard's primary is changed or a shard is split, statements fail for moments. */
const RESEND_AFTER_MS = 100;

export interface InsertQueueOptions {
  readonly kind: 'insert' | 'insert_alias';
  readonly pool: PrimaryPool;
  readonly timer: StatementTimer;
  readonly maxInFlight: number;
  readonly maxRows: number;
  /** Of one statement; a single row may exceed it. */
  readonly maxBytes: number;
  /** Rows that may wait beside those under way; one more is refused at once. */
  readonly maxQueued: number;
}

/** Columns, not row objects: this is the hot path of creates. Index i is the same row in each. */
class InsertBatch {
  readonly openedAtMs = performance.now();
  readonly links: NewLink[] = [];
  readonly values: string[] = [];
  readonly resolve: ((outcome: InsertOutcome) => void)[] = [];
  readonly reject: ((error: unknown) => void)[] = [];
  bytes = INSERT_HEAD.length;
  get size(): number {
    return this.values.length;
  }
}

/**
 * Coalesces inserts into multi-row statements. A statement is atomic, so when a row of it meets an existing code nothing was
 * stored: the codes are read, each row in conflict is settled by what it met, and the others go again. A row whose
 * values the server refuses is found by halving, and fails alone.
 */
export class InsertQueue {
  readonly #options: InsertQueueOptions;
  readonly #coalescer: Coalescer<InsertBatch>;

  constructor(options: InsertQueueOptions) {
    this.#options = options;
    this.#coalescer = new Coalescer({
      maxInFlight: options.maxInFlight,
      open: () => new InsertBatch(),
      send: (batch) => this.#write(batch, Array.from(batch.values.keys()), 1),
    });
  }

  get queued(): number {
    return this.#coalescer.queued;
  }

  insert(link: NewLink): Promise<InsertOutcome> {
    const { pool, maxQueued, maxRows, maxBytes } = this.#options;
    if (!pool.available)
      return Promise.reject(new StoreUnavailableError(`${pool.name} is away: ${pool.unavailableReason}`));
    if (pool.writeRefusal !== '')
      return Promise.reject(new StoreUnavailableError(`${pool.name} takes no rows: ${pool.writeRefusal}`));
    if (this.queued >= maxQueued) {
      return Promise.reject(new StoreUnavailableError(`${this.queued} inserts wait for ${pool.name} already`));
    }
    let values: string;
    try {
      values = rowValues(link);
    } catch (error) {
      return Promise.reject(
        new StoreUnavailableError(`the link cannot be stored: ${(error as Error).message}`, { cause: error }),
      );
    }
    const batch = this.#coalescer.batch((open) => open.size < maxRows && open.bytes + values.length < maxBytes);
    batch.links.push(link);
    batch.values.push(values);
    batch.bytes += values.length + 1;
    return new Promise((resolve, reject) => {
      batch.resolve.push(resolve);
      batch.reject.push(reject);
      this.#coalescer.added();
    });
  }

  /** Settles the batch's `rows`; never rejects. */
  async #write(batch: InsertBatch, rows: readonly number[], round: number): Promise<void> {
    const { pool, timer, kind } = this.#options;
    try {
      const sql =
        INSERT_HEAD + (rows.length === batch.size ? batch.values : rows.map((i) => batch.values[i])).join(',');
      const remainingMs = this.#remainingMs(batch);
      const { affectedRows } = await timer(kind, rows.length, () =>
        pool.run((session) => session.query(sql, true), remainingMs),
      );
      if (affectedRows !== rows.length) {
        throw new StoreOutcomeUnknownError(`the database stored ${affectedRows} of ${rows.length} rows`);
      }
      for (const i of rows) batch.resolve[i]?.(insertedNew(batch.links[i] as NewLink));
    } catch (error) {
      await this.#recover(batch, rows, round, error).catch((failure: unknown) => {
        const told = storeError(failure);
        for (const i of rows) batch.reject[i]?.(told); // those settled already stay as they are
      });
    }
  }

  /** What can be done about a statement that failed as a whole; throws what is to be told to those rows otherwise. */
  async #recover(batch: InsertBatch, rows: readonly number[], round: number, error: unknown): Promise<void> {
    if (isRefusal(error, ER_DUP_ENTRY) && round <= MAX_ROUNDS) {
      for (const part of await this.#settleConflicts(batch, rows)) await this.#write(batch, part, round + 1);
    } else if (isRefusal(error, ER_LOCK_DEADLOCK) && round <= MAX_ROUNDS) {
      await this.#write(batch, rows, round + 1);
    } else if (isRowFailure(error) && rows.length > 1) {
      const middle = rows.length >> 1;
      await this.#write(batch, rows.slice(0, middle), round);
      await this.#write(batch, rows.slice(middle), round);
    } else if (isEngineFailure(error) && round === 1) {
      await this.#resend(batch, rows, error);
    } else {
      throw error;
    }
  }

  /**
   * Once more, after an answer that leaves open what was stored, on which shard: rows that are there are met by their own ids. What cannot be read now
   * stays as unknown as it was.
   */
  async #resend(batch: InsertBatch, rows: readonly number[], error: SqlFailure): Promise<void> {
    await sleep(RESEND_AFTER_MS);
    const parts = await this.#settleConflicts(batch, rows).catch(() => {
      throw error;
    });
    for (const part of parts) await this.#write(batch, part, 2);
  }

  /** Settles the rows whose codes exist, and gives the others in parts in which no code comes twice. */
  async #settleConflicts(batch: InsertBatch, rows: readonly number[]): Promise<readonly (readonly number[])[]> {
    const links = rows.map((i) => batch.links[i] as NewLink);
    const existing = await this.#options.pool.read((session) => selectRows(session, links), this.#remainingMs(batch));
    const seen = new Set<string>();
    const first: number[] = [];
    const repeated: number[] = [];
    for (const i of rows) {
      const link = batch.links[i] as NewLink;
      const key = keyOf(link.domainId, link.code);
      const met = existing.get(key);
      if (met) settleMet(batch, i, met);
      else if (seen.has(key)) repeated.push(i);
      else {
        seen.add(key);
        first.push(i);
      }
    }
    return [first, repeated].filter((part) => part.length > 0);
  }

  #remainingMs(batch: InsertBatch): number {
    const remainingMs = batch.openedAtMs + this.#options.pool.deadlineMs - performance.now();
    if (remainingMs <= 0) throw new SqlFailure('unsent', 'the deadline passed before the rows could be sent');
    return remainingMs;
  }
}

function settleMet(batch: InsertBatch, i: number, met: LinkRow): void {
  try {
    batch.resolve[i]?.(insertMet(batch.links[i] as NewLink, asStoredRecord(met), insertIdOf(met)));
  } catch (error) {
    batch.reject[i]?.(error);
  }
}
