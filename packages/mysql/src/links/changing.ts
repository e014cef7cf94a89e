import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../wire/connection.js';
import { ER_LOCK_DEADLOCK, isRefusal } from '../wire/errors.js';
import type { PrimaryPool } from '../wire/primary-pool.js';

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

/**
 * `work` in a transaction; again, from its beginning, where the database ended it in favour of another, which has applied nothing of it: on a cluster
 * with several writable nodes that is how changes of one bucket end that commit on two of them at once, one of each two. Within the deadline of one call.
 */
export async function changing<T>(pool: PrimaryPool, work: (session: Session) => Promise<T>): Promise<T> {
  const deadline = performance.now() + pool.deadlineMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pool.transaction(work, deadline - performance.now());
    } catch (error) {
      const pauseMs = Math.random() * Math.min(FIRST_PAUSE_MS * attempt, LONGEST_PAUSE_MS);
      if (!isRefusal(error, ER_LOCK_DEADLOCK) || performance.now() + pauseMs >= deadline) throw error;
      await sleep(pauseMs);
    }
  }
}
