/**
 * The one connection of a process to its data file. Everything on it is synchronous, so a transaction is never interleaved
 * with another: what BEGIN starts ends before the event loop turns.
 */
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { CodedError } from '@lakh/base';
import Database from 'libsql';
import { DataDirInUseError, DataDirUnusableError, DataFileError, DataFileInvalidError } from './errors.js';

/** What is bound and read: no booleans, no blobs. Rows come as arrays, in the order of the statement's columns. */
export type SqlValue = string | number | null;
export type Row = readonly SqlValue[];

/** A prepared statement. One array a call: spreading parameters costs an allocation more. */
export interface Statement {
  run(parameters: readonly SqlValue[]): { readonly changes: number };
  get(parameters: readonly SqlValue[]): Row | undefined;
  all(parameters: readonly SqlValue[]): readonly Row[];
}

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

/** The classes in which a port reports that nothing was applied, or that a commit may have been. */
export interface PortErrors {
  readonly unavailable: ErrorClass;
  readonly unknown: ErrorClass;
}

/** SQLite's symbolic code (`SQLITE_CONSTRAINT_UNIQUE`), or undefined for anything that SQLite did not throw. */
export function sqliteCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}

/** An error that is an answer already (it has a code of ours), as opposed to one that the driver threw. */
function isAnswer(error: unknown): error is Error {
  return error instanceof CodedError;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const LOCK_WAIT_MS = 200;

export class Connection {
  readonly #db: Database.Database;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  #open = true;

  private constructor(db: Database.Database) {
    this.#db = db;
    this.#begin = this.prepare('BEGIN IMMEDIATE');
    this.#commit = this.prepare('COMMIT');
    this.#rollback = this.prepare('ROLLBACK');
  }

  /**
   * Opens `file` for this process alone, and its log with it. Changes nothing in it.
   *
   * locking_mode=EXCLUSIVE set before the first access keeps SQLite's own lock for as long as the connection lives, and later
   * the index of the WAL in memory. The lock is the kernel's: it ends with the process, also after kill -9, and is held
   * by one that is paused.
   *
   * @throws DataFileError of the reason
   */
  static open(file: string): Connection {
    let db: Database.Database | undefined;
    try {
      // The wait lets one of two that start in the same instant win, instead of each refusing for the other's sake.
      db = new Database(file, { timeout: LOCK_WAIT_MS });
      const connection = new Connection(db);
      connection.pragma('locking_mode = EXCLUSIVE');
      connection.exec('PRAGMA synchronous = FULL');
      connection.exec('BEGIN EXCLUSIVE; COMMIT;');
      return connection;
    } catch (error) {
      db?.close();
      throw openError(file, error);
    }
  }

  /** Reads `file` as it is, without a lock and without its log. */
  static peek(file: string): Connection {
    return new Connection(new Database(`${pathToFileURL(realpathSync(file)).href}?immutable=1`));
  }

  /** From here on a commit is an append to the log, synced before it returns (WAL, synchronous=FULL). */
  enterWal(): void {
    const mode = this.pragma('journal_mode = WAL');
    if (mode !== 'wal') throw new Error(`SQLite answered journal mode ${String(mode)} instead of wal`);
    // The first read is what makes the log.
    this.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get([]);
    this.exec('PRAGMA foreign_keys = OFF');
    // A checkpoint runs inside the commit that passes this many pages (4 MiB), and a log that grew is cut back after it.
    this.pragma('wal_autocheckpoint = 1000');
    this.pragma('journal_size_limit = 16777216');
  }

  /** Folds the log into the file and removes it: from here on a commit is in the file itself. */
  leaveWal(): void {
    const mode = this.pragma('journal_mode = DELETE');
    if (mode !== 'delete') throw new Error(`SQLite answered journal mode ${String(mode)} instead of delete`);
  }

  prepare(sql: string): Statement {
    const statement = this.#db.prepare(sql);
    return (statement.reader ? statement.raw() : statement) as unknown as Statement;
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** The first column of the first row that the pragma answers. */
  pragma(source: string): SqlValue | undefined {
    return this.prepare(`PRAGMA ${source}`).get([])?.[0];
  }

  /**
   * Runs `body` in one durable transaction: when this returns, its changes survive a power cut.
   *
   * @throws what `body` throws if that has a code of ours; `errors.unavailable` when the transaction was rolled back;
   *   `errors.unknown` when COMMIT itself failed: its frames may be in the log already, and a crash could bring them back
   */
  write<T>(errors: PortErrors, body: () => T): T {
    this.#assertOpen(errors);
    let result: T;
    try {
      this.#begin.run([]);
      result = body();
    } catch (error) {
      this.#rollbackIfOpen();
      if (isAnswer(error)) throw error;
      throw new errors.unavailable(`the data file refused a write: ${messageOf(error)}`, { cause: error });
    }
    try {
      this.#commit.run([]);
    } catch (error) {
      this.#rollbackIfOpen();
      throw new errors.unknown(`the data file's commit failed: ${messageOf(error)}`, { cause: error });
    }
    return result;
  }

  /**
   * As {@link write}, and in the file itself when this returns: a copy of the file that lacks its log has it too. A checkpoint that
   * fails is `errors.unknown`: what was committed stands, and must not be built on.
   */
  writeThrough<T>(errors: PortErrors, body: () => T): T {
    const result = this.write(errors, body);
    try {
      this.checkpoint();
    } catch (error) {
      throw new errors.unknown(`a commit did not reach the data file itself: ${messageOf(error)}`, { cause: error });
    }
    return result;
  }

  /** Copies the whole log into the file, and syncs both. */
  checkpoint(): void {
    const [busy, logged, copied] = this.prepare('PRAGMA wal_checkpoint(FULL)').get([]) ?? [];
    if (busy !== 0 || logged !== copied) {
      throw new Error(`SQLite copied ${String(copied)} of ${String(logged)} pages of its log (busy ${String(busy)})`);
    }
  }

  /** Runs `body`, which only reads; what SQLite throws becomes `errors.unavailable`. */
  read<T>(errors: PortErrors, body: () => T): T {
    this.#assertOpen(errors);
    try {
      return body();
    } catch (error) {
      if (isAnswer(error)) throw error;
      throw new errors.unavailable(`the data file could not be read: ${messageOf(error)}`, { cause: error });
    }
  }

  /** False once a failed statement took its whole transaction with it (disk full, I/O error). */
  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * Folds the log into the file, so that at rest there is one file to copy, and gives up the lock. The driver itself lets go
   * only when the last statement has been collected; leaving WAL and EXCLUSIVE does it now.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.leaveWal();
      this.pragma('locking_mode = NORMAL');
      this.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get([]);
    } finally {
      this.#db.close();
    }
  }

  /** Lets go of the handle and leaves the file as it is: for a file that turned out not to be ours. */
  abandon(): void {
    this.#open = false;
    this.#db.close();
  }

  #rollbackIfOpen(): void {
    try {
      if (this.#db.inTransaction) this.#rollback.run([]);
    } catch {
      // The caller throws the error that led here; SQLite has ended the transaction, or will refuse the next BEGIN.
    }
  }

  #assertOpen(errors: PortErrors): void {
    if (!this.#open) throw new errors.unavailable('the data file is closed');
  }
}

/** @returns the named error for what opening or migrating `file` threw */
export function openError(file: string, error: unknown): DataFileError {
  if (error instanceof DataFileError) return error;
  const code = sqliteCode(error);
  const options = { cause: error };
  if (code?.startsWith('SQLITE_BUSY') || code?.startsWith('SQLITE_LOCKED')) {
    return new DataDirInUseError(
      `${file} is in use by another process: stop that one first, or give this one another LAKH_DATA_DIR`,
      options,
    );
  }
  if (code?.startsWith('SQLITE_NOTADB') || code?.startsWith('SQLITE_CORRUPT')) {
    return new DataFileInvalidError(
      `${file} is not a SQLite file or is damaged (${messageOf(error)}); it was left as it is: restore it from a copy`,
      options,
    );
  }
  return new DataDirUnusableError(`${file} cannot be opened: ${messageOf(error)}`, options);
}
