import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStorage } from '@lakh/backend';
import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import { checkSchema, migrate } from '@lakh/mysql';
import type { Logger } from '@lakh/process';

export interface PrepareOptions {
  readonly storage: Pick<ClusterStorage, 'pool'>;
  readonly settings: { readonly migrate: 'auto' | 'never' };
  readonly log: Logger;
  /** Aborted when the server is told to stop. */
  readonly signal: AbortSignal;
}

const RETRY_FIRST_MS = 100;
const RETRY_CAP_MS = 5_000;

/**
 * Brings the schema up to date (or checks that it is). Tries for as long as the database is away and the server is not told to stop; everything else that goes wrong is final.
 */
export async function prepareDatabase(options: PrepareOptions): Promise<void> {
  const { storage, settings, log, signal } = options;
  const { pool } = storage;
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (settings.migrate === 'never') await checkSchema(pool);
      else {
        const applied = await migrate(pool);
        if (applied.length > 0) log.info({ shard: pool.name, applied }, 'schema migrated');
      }
      return;
    } catch (error) {
      if (!isPassing(error)) throw error;
      const retryInMs = Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
      log.warn({ err: error, attempt, retryInMs: Math.round(retryInMs) }, 'the database cannot be asked yet');
      await sleep(retryInMs, undefined, { signal });
    }
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof StoreUnavailableError || error instanceof StoreOutcomeUnknownError;
}
