import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { openError } from './connection.js';
import { DataFileInvalidError } from './errors.js';

export type Warn = (fields: object, message: string) => void;

const UNCHANGEABLE: readonly string[] = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EROFS'];
const NOT_PRIVATE =
  'others than its owner may reach the data file, and its mode cannot be changed to 600: see that only who should is in its group';

/**
 * Makes an empty file (mode 0600, from its first byte on) and its folder (mode 0700) when they are missing. Never opens one that
 * is there: closing it again would drop this process's locks on it. One that is another's, and ours to read and write, stays as it is.
 */
export function makeFile(file: string, warn: Warn): void {
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
    keepPrivate(file, warn);
  } catch (error) {
    if (isExists(error)) return; // Another process was first; the lock decides between the two.
    throw openError(file, error);
  }
}

/** Only its owner may change a file's mode, and not every file system has modes: on a volume that a group shares, others are let in by intent. */
function keepPrivate(file: string, warn: Warn): void {
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o177) === 0) return;
  try {
    chmodSync(file, 0o600);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!UNCHANGEABLE.includes(code)) throw error;
    warn({ file, mode: mode.toString(8), why: code }, NOT_PRIVATE);
  }
}

function isExists(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST' && (error as NodeJS.ErrnoException).syscall === 'open';
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}
