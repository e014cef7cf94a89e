import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { openError } from './connection.js';
import { DataFileInvalidError } from './errors.js';

/**
 * Makes an empty file (mode 0600, from its first byte on) and its folder (mode 0700) when they are missing. Never opens one that
 * is there: closing it again would drop this process's locks on it.
 */
export function makeFile(file: string): void {
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
