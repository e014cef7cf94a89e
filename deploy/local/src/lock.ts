import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SYSTEM_PATH } from './config.js';
import { BusyError } from './errors.js';

/** flock's own statuses are below those of sysexits.h. */
const TAKEN = 75;

export interface LockOptions {
  readonly waitMs: number;
  /** What the holder is called in the error. */
  readonly what: string;
}

/**
 * Runs `work` while no other process runs one under the same file, which should be where others cannot open it: whoever can may hold it.
 * Node.js has no flock(2); flock(1) locks what this process has opened, and ends. The kernel frees it with this process, however that
 * ends, so there is no stale lock to judge. Throws {@link BusyError} when it is not had within `waitMs`.
 */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  for (;;) {
    const fd = openSync(file, 'a', 0o600);
    try {
      await lock(fd, options);
      // What was waited for may have been removed meanwhile, and another file locked in its place.
      if (statSync(file, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return await work();
    } finally {
      closeSync(fd);
    }
  }
}

async function lock(fd: number, { waitMs, what }: LockOptions): Promise<void> {
  const args = ['--exclusive', '--conflict-exit-code', String(TAKEN), '--timeout', String(waitMs / 1000), '3'];
  // In a session of its own: a Ctrl-C here is this process's to judge.
  const child = spawn('flock', args, {
    env: { PATH: SYSTEM_PATH },
    stdio: ['ignore', 'ignore', 'ignore', fd],
    detached: true,
  });
  const [code] = await once(child, 'exit');
  if (code === TAKEN) throw new BusyError(`${what} has been at work for more than ${waitMs / 1000} s; try again`);
  if (code !== 0) throw new Error(`flock ended with ${code}`);
}
