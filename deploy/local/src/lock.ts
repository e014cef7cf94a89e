import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BusyError } from './errors.js';

const RETRY_MS = 10;

export interface LockOptions {
  readonly waitMs: number;
  /** What the holder is called in the error. */
  readonly what: string;
}

/**
 * Runs `work` while no other process of this machine runs one under the same name. The lock is a listening socket in Linux's
 * abstract namespace: the kernel frees it with its process, however that ends, so there is no stale lock to judge.
 * Throws {@link BusyError} when it is not had within `waitMs`.
 */
export async function withLock<T>(name: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + options.waitMs;
  for (;;) {
    const lock = createServer();
    try {
      lock.listen(`\0lakh-lock:${name}`);
      await once(lock, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (performance.now() > deadline) {
        throw new BusyError(`${options.what} has been at work for more than ${options.waitMs / 1000} s; try again`);
      }
      await sleep(RETRY_MS);
      continue;
    }
    // Whoever connects gets nothing; a lock is not a service.
    lock.on('connection', (socket) => socket.destroy());
    try {
      return await work();
    } finally {
      await once(lock.close(), 'close');
    }
  }
}
