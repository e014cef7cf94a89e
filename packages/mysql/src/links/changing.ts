import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../wire/connection.js';
import { ER_LOCK_DEADLOCK, isRefusal } from '../wire/errors.js';
import type { PrimaryPool } from '../wire/primary-pool.js';

/** Of one change. On a cluster with several writable nodes, changes of one bucket that commit on two of them at once end so, one of each two. */
const MAX_ATTEMPTS = 10;
const LONGEST_PAUSE_MS = 20;

/**
 * `work` in a transaction; again, from its beginning, where the database ended it in favour of another, which has applied nothing of it. Within the
 * deadline of one.
 */
export async function changing<T>(pool: PrimaryPool, work: (session: Session) => Promise<T>): Promise<T> {
  const deadline = performance.now() + pool.deadlineMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pool.transaction(work, deadline - performance.now());
    } catch (error) {
      if (!isRefusal(error, ER_LOCK_DEADLOCK) || attempt === MAX_ATTEMPTS) throw error;
      const pauseMs = Math.random() * LONGEST_PAUSE_MS;
      if (performance.now() + pauseMs >= deadline) throw error;
      await sleep(pauseMs);
    }
  }
}
