import { CodedError } from '@lakh/base';
import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';

/** `LAKH_DATABASE` is malformed, or names files that cannot be used. Never carries what was written there: passwords. */
export class InvalidDatabaseError extends CodedError {
  readonly code = 'invalid_database';
}

/** The server is older than what Lakh is written for, or its settings cannot hold what Lakh stores. */
export class DatabaseUnsupportedError extends CodedError {
  readonly code = 'database_unsupported';
}

/**
 * How a statement failed:
 * - `unsent`: it never left this process;
 * - `refused`: the server answered with an error, `errno`;
 * - `lost`: it was sent and no answer came, because the connection broke or the deadline passed.
 */
export type SqlFailureKind = 'unsent' | 'refused' | 'lost';

/** What the connection tells its callers inside this package; {@link storeError} makes the domain's error of it. */
export class SqlFailure extends Error {
  readonly kind: SqlFailureKind;
  /** The server's error number, 0 when it said nothing. */
  readonly errno: number;
  /** Whether the statement would have made something durable by itself. */
  readonly commits: boolean;
  /** `message` holds no data of any row; the server's own words may, and are kept apart for those who know they do not. */
  readonly serverMessage: string;
  constructor(
    kind: SqlFailureKind,
    message: string,
    details: { readonly errno?: number; readonly commits?: boolean; readonly serverMessage?: string } = {},
  ) {
    super(message);
    this.name = 'SqlFailure';
    this.kind = kind;
    this.errno = details.errno ?? 0;
    this.commits = details.commits ?? false;
    this.serverMessage = details.serverMessage ?? message;
  }
}

export const ER_DUP_FIELDNAME = 1060;
export const ER_DUP_KEYNAME = 1061;
export const ER_DUP_ENTRY = 1062;
export const ER_NO_SUCH_TABLE = 1146;
export const ER_LOCK_WAIT_TIMEOUT = 1205;
export const ER_LOCK_DEADLOCK = 1213;

/** Errors of one row's values: too long, out of range, null, of a wrong type or character set, check constraint. */
const ROW_ERRNOS = new Set([1048, 1138, 1264, 1265, 1292, 1364, 1366, 1406, 3819, 4025]);

/**
 * Answers after which a statement that commits by itself has certainly changed nothing. Whatever is not listed counts as
 * unknown: 1053, 1317 and 1927 (the server ended the statement at some point), 1180 (an error during the commit itself).
 */
const NOTHING_APPLIED_ERRNOS = new Set([
  ...ROW_ERRNOS,
  ER_DUP_ENTRY,
  ER_LOCK_DEADLOCK,
  ER_LOCK_WAIT_TIMEOUT,
  1021, // disk full
  1030, // error from the storage engine
  1037, // out of memory
  1040, // too many connections
  1041, // out of resources
  1044, // no right to the database
  1045, // access denied
  1046, // no database selected
  1047, // Galera: not ready (no quorum)
  1049, // unknown database
  1054, // unknown column
  1064, // syntax
  1114, // table full, which is how a full disk looks without a binlog
  1129, // host blocked
  1142, // no right to the table
  1143, // no right to the column
  ER_NO_SUCH_TABLE,
  1153, // packet too large
  1203, // too many connections of this user
  1206, // too many locks
  1226, // the user's resource limit
  1290, // read_only
  1792, // read-only transaction
  1836, // read-only mode
]);

/**
 * Refusals of a write that the next one would meet too: the server is read-only, its disk is full, it has no quorum, or the user
 * may write no more for now.
 */
const NO_WRITES_ERRNOS = new Set([1021, 1030, 1047, 1114, 1226, 1290, 1792, 1836]);

/** How a vtgate says that a shard cannot be reached, is being switched, or failed in a way of its own: unknown error, internal error. */
const ENGINE_ERRNOS = new Set([1105, 1815]);

/** The server answered, and what is behind it did not; a write may have been applied, on some shards or on all. */
export function isEngineFailure(error: unknown): error is SqlFailure {
  return error instanceof SqlFailure && error.kind === 'refused' && ENGINE_ERRNOS.has(error.errno);
}

/** The state of the server, not the write, made it refuse; `failure` is of a write. */
export function isNotWritable(failure: SqlFailure): boolean {
  return failure.kind === 'refused' && NO_WRITES_ERRNOS.has(failure.errno);
}

/** The values of a row, not the state of the server, made it refuse. */
export function isRowFailure(error: unknown): error is SqlFailure {
  return error instanceof SqlFailure && error.kind === 'refused' && ROW_ERRNOS.has(error.errno);
}

export function isRefusal(error: unknown, ...errnos: readonly number[]): error is SqlFailure {
  return error instanceof SqlFailure && error.kind === 'refused' && errnos.includes(error.errno);
}

/** Whether the failed statement may have been applied nevertheless. */
export function mayBeApplied(failure: SqlFailure): boolean {
  if (!failure.commits || failure.kind === 'unsent') return false;
  return failure.kind === 'lost' || !NOTHING_APPLIED_ERRNOS.has(failure.errno);
}

/** The domain's error for a failure of the database; anything else is passed through as it is. */
export function storeError(error: unknown): unknown {
  if (error instanceof DatabaseUnsupportedError) return new StoreUnavailableError(error.message, { cause: error });
  if (!(error instanceof SqlFailure)) return error;
  return mayBeApplied(error)
    ? new StoreOutcomeUnknownError(`the database did not say whether it stored the change: ${error.message}`, {
        cause: error,
      })
    : new StoreUnavailableError(`the database cannot be used now: ${error.message}`, { cause: error });
}
