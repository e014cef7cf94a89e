/**
 * The one connection of a process to its data file. Everything on it is synchronous, so a transaction is never interleaved
 * with another: what BEGIN starts ends before the event loop turns.
 */
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
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
   * Opens `file` for this process alone; makes it (mode 0600) and its folder (mode 0700) when missing. Changes nothing in it.
   *
   * locking_mode=EXCLUSIVE set before the first access keeps SQLite's own lock for as long as the connection lives, and later
   * the index of the WAL in memory. The lock is the kernel's: it ends with the process, also after kill -9, and is held
   * by one that is paused.
   *
   * @throws DataFileError of the reason
   */
  static open(file: string): Connection {
    makeFile(file);
    let db: Database.Database | undefined;
    try {
      // The wait lets one of two that start in the same instant win, instead of each refusing for the other's sake.
      db = new Database(file, { timeout: LOCK_WAIT_MS });
      const connection = new Connection(db);
      connection.pragma('locking_mode = EXCLUSIVE');
      connection.exec('BEGIN EXCLUSIVE; COMMIT;');
      return connection;
    } catch (error) {
      db?.close();
      throw openError(file, error);
    }
  }

  /** From here on a commit is an append to the log, synced before it returns (WAL, synchronous=FULL). */
  enterWal(): void {
    const mode = this.pragma('journal_mode = WAL');
    if (mode !== 'wal') throw new Error(`SQLite answered journal mode ${String(mode)} instead of wal`);
    this.exec('PRAGMA synchronous = FULL');
    this.exec('PRAGMA foreign_keys = OFF');
    // A checkpoint runs inside the commit that passes this many pages (4 MiB), and a log that grew is cut back after it.
    this.pragma('wal_autocheckpoint = 1000');
    this.pragma('journal_size_limit = 16777216');
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
      this.pragma('journal_mode = DELETE');
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

/**
 * Makes an empty file with its mode set from the first byte on. Never opens one that is there: closing it again would drop
 * this process's locks on it.
 */
function makeFile(file: string): void {
  const dir = dirname(file);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const size = sizeOf(file);
    if (!size && (sizeOf(`${file}-wal`) ?? 0) > 0) {
      // SQLite would discard the log, and with it every link that was not folded in yet.
      throw new DataFileInvalidError(
        `${file} is ${size === undefined ? 'missing' : 'empty'} although its log ${file}-wal has content: restore both from the same copy`,
      );
    }
    if (size === undefined) {
      const created = openSync(file, 'wx', 0o600);
      closeSync(created);
      const folder = openSync(dir, 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    }
    chmodSync(file, 0o600);
  } catch (error) {
    if (isExists(error)) return; // Another process was first; the lock decides between the two.
    throw openError(file, error);
  }
}

function isExists(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST' && (error as NodeJS.ErrnoException).syscall === 'open';
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
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
