import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@lakh/base';
import { type PrimaryPool, SqlFailure } from '@lakh/mysql';

export interface ReachOptions {
  readonly pool: PrimaryPool;
  /** Aborted when the server is told to stop. */
  readonly signal: AbortSignal;
}

const retryMs = backoff({ firstMs: 100, capMs: 1_000, random: Math.random });

/** `Backend.reachLinks`, over MySQL. A pool that knows that its server is away refuses at once, looks for it by itself, and says so. */
export async function reachLinks({ pool, signal }: ReachOptions): Promise<void> {
  for (let attempt = 1; !(await answers(pool)) && pool.available; attempt += 1) {
    await sleep(retryMs(attempt), undefined, { signal });
  }
}

async function answers(pool: PrimaryPool): Promise<boolean> {
  try {
    await pool.run((session) => session.query('SELECT 1'));
    return true;
  } catch (error) {
    if (error instanceof SqlFailure) return false;
    throw error;
  }
}
