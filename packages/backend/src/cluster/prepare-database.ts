import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@lakh/base';
import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import { checkSchema, migrate, type Pool } from '@lakh/mysql';
import type { Logger } from '@lakh/process';

export interface PrepareOptions {
  readonly pool: Pool;
  /** Otherwise the schema is only looked at. */
  readonly mayMigrate: boolean;
  readonly log: Pick<Logger, 'info' | 'warn'> | undefined;
  /** Aborted when the server is told to stop. */
  readonly signal: AbortSignal;
}

const retryMs = backoff({ firstMs: 200, capMs: 5_000, random: Math.random });

/** `Backend.prepare`, over MySQL. */
export async function prepareDatabase({ pool, mayMigrate, log, signal }: PrepareOptions): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const applied = mayMigrate ? await migrate(pool) : await checkSchema(pool).then(() => []);
      if (applied.length > 0) log?.info({ shard: pool.name, applied }, 'schema migrated');
      return;
    } catch (error) {
      if (!isPassing(error)) throw error;
      const retryInMs = Math.round(retryMs(attempt));
      log?.warn({ err: error, attempt, retryInMs }, 'the database cannot be asked yet');
      await sleep(retryInMs, undefined, { signal });
    }
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof StoreUnavailableError || error instanceof StoreOutcomeUnknownError;
}
