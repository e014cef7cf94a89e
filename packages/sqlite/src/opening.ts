/**
 * Whether a data file is what its last process left, or a copy of one that was open.
 *
 * While a file is open its last commits are in the log beside it alone. A process that is killed leaves both, and SQLite makes
 * them one again. A copy of a live file is another matter: alone it lacks its log, and with it the two are of different moments.
 * Nothing in either tells, so the file itself says (table `opened`) that it is open, and which files on disk it and its log are:
 *
 *   no row         closed: everything is in the file. A log beside it is of another time or place
 *   file           about to enter or to leave WAL: everything that was acknowledged is in the file
 *   file and log   open: whole only together with that log, which is never empty
 *
 * Each of these is in the file itself, synced, before what it vouches for begins, and not before what it vouches for is over:
 *
 *   open    row with the file, in rollback mode → WAL → row with the log, which puts the first frames there → checkpoint
 *   close   checkpoint → row without the log → checkpoint → rollback mode, which removes the log → no row
 *
 * The first page, which whoever copies reads first, says too whether the file is open (`application_id`): what was closed by the time that the
 * copy came to the row was not when it began.
 *
 * A file on disk is known by its inode and the time of its birth: a copy has others, a rename and a restart keep them. What this
 * cannot tell is a copy that was made while the file was closed, a snapshot of the whole file system, and a copy that was written into
 * the very file it was made from.
 */
import { realpathSync, statSync } from 'node:fs';
import { Connection, sqliteCode } from './connection.js';
import { type DataFileError, DataFileInvalidError, RestoreNeededError } from './errors.js';
import { APPLICATION_ID, checkAll, inspect, OPEN_APPLICATION_ID, OPENED_SINCE } from './schema.js';

/** What a file says of itself; `older` than the table that says it. */
type Said = { readonly file: string; readonly log: string | null } | 'closed' | 'older';

/**
 * Why the file must not be used as it is; a RestoreNeededError ends with `lakh restore`. Looks at the file without its log, and
 * touches neither: to be asked before SQLite opens the file for good, which writes whatever log it finds into it.
 *
 * @throws as `inspect`
 */
export function reasonToRefuse(file: string): DataFileError | undefined {
  // A process that ended in the middle of a commit outside WAL: only once SQLite has undone it the file can be asked.
  if (sizeOf(`${realpathSync(file)}-journal`) > 0) return undefined;
  let alone: Connection | undefined;
  try {
    alone = Connection.peek(file);
    inspect(alone, file);
    return judge(file, read(alone));
  } catch (error) {
    // Not a database, or one in the middle of a checkpoint, which its log completes: opening it will tell.
    if (sqliteCode(error) === undefined) throw error;
    return undefined;
  } finally {
    alone?.abandon();
  }
}

/**
 * The same of a file that is open, its log included.
 *
 * @param hadLog whether there was a log before SQLite opened the file, which makes one
 */
export function reasonToRefuseOpen(connection: Connection, file: string, hadLog: boolean): DataFileError | undefined {
  const said = read(connection);
  if (said !== 'older') return said === 'closed' ? undefined : judge(file, said);
  // Only releases before the table left such a file: when they were killed or copied.
  const isTorn = !hadLog && connection.pragma('journal_mode') === 'wal';
  return isTorn ? lost(file, 'was not closed, and its log is missing') : undefined;
}

/** Whether there is a log beside `file` with anything in it. */
export function hasLog(file: string): boolean {
  return sizeOf(logOf(file)) > 0;
}

/** Takes a closed file, or the one that this process or a killed one had open, into WAL, and makes it say so. */
export function enter(connection: Connection, file: string): void {
  if (read(connection) === 'closed') say(connection, identityOf(file));
  connection.enterWal();
  own(connection, file);
}

/** Writes whatever log came with a copy into it. @throws DataFileInvalidError when that makes no whole of the two */
export function foldCopy(connection: Connection, file: string): void {
  connection.leaveWal();
  checkAll(connection, file);
}

/** As {@link enter}, for a copy: it says that it is one, wherever it is taken, until {@link own} is called. */
export function enterCopy(connection: Connection): void {
  say(connection, 'a copy');
  connection.enterWal();
}

/** Which file is open; undefined: none is. */
function say(connection: Connection, file: string | undefined): void {
  connection.exec('BEGIN; DELETE FROM opened;');
  if (file !== undefined) connection.prepare('INSERT INTO opened (file) VALUES (?)').run([file]);
  connection.exec(`PRAGMA application_id = ${file === undefined ? APPLICATION_ID : OPEN_APPLICATION_ID}; COMMIT;`);
}

/** From here on the file that is open is no copy any more. */
export function own(connection: Connection, file: string): void {
  connection.prepare('UPDATE opened SET file = ?, log = ?').run([identityOf(file), identityOf(file, logOf(file))]);
  connection.checkpoint();
  if (!hasLog(file)) throw new Error(`${logOf(file)} is empty after a commit to it`);
}

/** Takes the file out of WAL, so that it is one file that has everything, and says so before its log is gone. */
export function leaveWal(connection: Connection): void {
  if (typeof read(connection) === 'object') {
    connection.checkpoint();
    connection.exec('UPDATE opened SET log = NULL');
    connection.checkpoint();
  }
  connection.leaveWal();
}

/** Makes the file say that it is closed, which it then is. */
export function leave(connection: Connection): void {
  leaveWal(connection);
  say(connection, undefined);
}

function judge(file: string, said: Said): DataFileError | undefined {
  const log = logOf(file);
  if (said === 'older') return undefined;
  if (said === 'closed') {
    if (!hasLog(file)) return undefined;
    return new DataFileInvalidError(
      `${file} was closed and has everything, and the log ${log} beside it is of another time: SQLite would write it into the file, so move it away`,
    );
  }
  if (!isSame(said.file, file)) return lost(file, 'is a copy, made while the data file was open');
  if (said.log === null) return undefined;
  if (!hasLog(file)) return lost(file, `was not closed, and its log ${log} is missing or empty`);
  return isSame(said.log, log) ? undefined : lost(file, `was not closed, and ${log} is not the log it had`);
}

function lost(file: string, why: string): RestoreNeededError {
  return new RestoreNeededError(
    `${file} ${why}: it cannot know what has been issued since; run lakh restore on it first (docs/runbooks/restored_backup.md)`,
  );
}

function read(connection: Connection): Said {
  if (Number(connection.pragma('user_version')) < OPENED_SINCE) return 'older';
  const row = connection.prepare('SELECT file, log FROM opened').get([]);
  if (row !== undefined) return { file: row[0] as string, log: row[1] as string | null };
  return Number(connection.pragma('application_id')) === OPEN_APPLICATION_ID
    ? { file: 'unknown', log: null }
    : 'closed';
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** SQLite keeps the log beside the file that a link leads to. */
function logOf(file: string): string {
  return `${realpathSync(file)}-wal`;
}

/**
 * A file as its inode and, where the file system knows it, the time of its birth: the inode of a file that was removed is soon
 * another's. A birth that is not known may be told as the last change, which a data file that has been written to shows.
 */
function identityOf(file: string, path = file): string {
  const { birthtimeNs, ctimeNs } = statSync(file, { bigint: true });
  const born = statSync(path, { bigint: true });
  return birthtimeNs > 0n && birthtimeNs !== ctimeNs ? `${born.ino} ${born.birthtimeNs}` : `${born.ino}`;
}

function isSame(said: string, path: string): boolean {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  const [inode, bornNs] = said.split(' ');
  return inode === `${ino}` && (bornNs === undefined || birthtimeNs === 0n || bornNs === `${birthtimeNs}`);
}
