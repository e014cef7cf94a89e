import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import { type Connection, sqliteCode } from './connection.js';

export const LINK_ERRORS = { unavailable: StoreUnavailableError, unknown: StoreOutcomeUnknownError };

/**
 * Rows in one commit. A row costs 4–6 µs here and the event loop stands still meanwhile, so a full batch takes 3 ms on top of
 * its one sync to disk.
 */
const MAX_BATCH_ROWS = 512;

/** Rows that may wait for a commit; beyond it they are refused at once. */
export const MAX_WAITING_ROWS = 16_384;

interface Waiting<Item, Outcome> {
  readonly item: Item;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/**
 * Group commit: a commit costs a sync of the disk however many rows it holds, so rows wait for the end of the event loop's
 * turn (every request that the turn read has been parsed by then) and share one transaction. Each row is a statement of its
 * own: in SQLite a statement that violates a constraint undoes itself and leaves its transaction standing, so a bad
 * row fails alone.
 */
export class GroupCommit<Item, Outcome> {
  readonly #connection: Connection;
  readonly #write: (item: Item) => Outcome;
  readonly #nameOf: (item: Item) => string;
  #waiting: Waiting<Item, Outcome>[] = [];
  #isScheduled = false;

  /** `write` writes one row, in the transaction of them all; `nameOf` says in an error which. */
  constructor(connection: Connection, write: (item: Item) => Outcome, nameOf: (item: Item) => string) {
    this.#connection = connection;
    this.#write = write;
    this.#nameOf = nameOf;
  }

  add(item: Item): Promise<Outcome> {
    if (!this.#connection.isOpen) return Promise.reject(new StoreUnavailableError('the data file is closed'));
    if (this.#waiting.length >= MAX_WAITING_ROWS) {
      return Promise.reject(new StoreUnavailableError(`${MAX_WAITING_ROWS} rows are waiting to be written already`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#commitBatch();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#commitBatch());
  }

  #commitBatch(): void {
    this.#isScheduled = false;
    const batch = this.#waiting.length <= MAX_BATCH_ROWS ? this.#waiting : this.#waiting.slice(0, MAX_BATCH_ROWS);
    this.#waiting = this.#waiting.length <= MAX_BATCH_ROWS ? [] : this.#waiting.slice(MAX_BATCH_ROWS);
    if (this.#waiting.length > 0) this.#schedule();
    if (batch.length === 0) return;
    // A row's own refusal is kept beside the outcomes: the others are committed all the same.
    const results: (Outcome | Error)[] = [];
    try {
      this.#connection.write(LINK_ERRORS, () => {
        for (const { item } of batch) results.push(this.#writeOrRefuse(item));
      });
    } catch (error) {
      for (const each of batch) each.reject(error);
      return;
    }
    for (const [index, each] of batch.entries()) {
      const result = results[index]!;
      if (result instanceof Error) each.reject(result);
      else each.resolve(result);
    }
  }

  #writeOrRefuse(item: Item): Outcome | Error {
    try {
      return this.#write(item);
    } catch (error) {
      // What the driver could not bind, or a constraint refused, is this row's fault. A full disk or an I/O error is not, and
      // may have ended the transaction: what follows would be outside of it.
      const ownFault = sqliteCode(error)?.startsWith('SQLITE_CONSTRAINT') ?? true;
      if (!ownFault || !this.#connection.inTransaction) throw error;
      return new StoreUnavailableError(`the data file refused ${this.#nameOf(item)}`, { cause: error });
    }
  }
}
