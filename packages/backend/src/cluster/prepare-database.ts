import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@lakh/base';
import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import { checkSchema, type MigrateOptions, migrate, type PrimaryPool } from '@lakh/mysql';
import type { Logger } from '@lakh/process';
import type { SharedKeys } from '../shared-keys.js';

export interface PrepareOptions {
  readonly pool: PrimaryPool;
  /** Otherwise the schema is only looked at. */
  readonly mayMigrate: boolean;
  readonly keys: SharedKeys;
  readonly log: Pick<Logger, 'info' | 'warn'> | undefined;
  /** Aborted when the server is told to stop. */
  readonly signal: AbortSignal;
}

const retryMs = backoff({ firstMs: 200, capMs: 5_000, random: Math.random });

/** `Backend.prepare`, over MySQL. */
export async function prepareDatabase({ pool, mayMigrate, keys, log, signal }: PrepareOptions): Promise<void> {
  const onProgress: MigrateOptions['onProgress'] = (migration, progress) =>
    log?.info({ database: pool.name, migration, ...progress }, 'the schema is being migrated');
  for (let attempt = 1; ; attempt += 1) {
    try {
      const applied = mayMigrate ? await migrate(pool, { onProgress }) : await checkSchema(pool).then(() => []);
      if (applied.length > 0) log?.info({ database: pool.name, applied }, 'schema migrated');
      await keys.load();
      return;
    } catch (error) {
      if (!isPassing(error)) throw error;
      const retryInMs = Math.round(retryMs(attempt));
      log?.warn({ err: error, attempt, retryInMs }, 'the database cannot be asked yet');
      await sleep(retryInMs, undefined, { signal });
    }
  }
}

/** `Backend.loadKeys`, over MySQL: also while there are no tables yet, or no right to write. */
export async function loadKeys({ keys, log, signal }: Pick<PrepareOptions, 'keys' | 'log' | 'signal'>): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await keys.load();
      return;
    } catch (error) {
      const retryInMs = Math.round(retryMs(attempt));
      log?.warn({ err: error, attempt, retryInMs }, 'the keys that servers share cannot be read yet');
      await sleep(retryInMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof StoreUnavailableError || error instanceof StoreOutcomeUnknownError;
}
