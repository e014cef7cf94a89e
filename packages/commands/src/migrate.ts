import { migrate, Pool, parseDatabase } from '@lakh/mysql';
import { SettingsError } from '@lakh/settings';
import type { CommandSettings } from './settings.js';

export interface MigrateReport {
  readonly shards: readonly { readonly shard: string; readonly applied: readonly number[] }[];
}

/** The first connection may wait for a server that is just starting. */
const DEADLINE_MS = 60_000;

/** Brings the schema of the database up to date. @throws SettingsError without LAKH_SHARDS; otherwise as `migrate` */
export async function migrateDatabase({ shards }: Pick<CommandSettings, 'shards'>): Promise<MigrateReport> {
  if (shards === undefined) throw new SettingsError(['LAKH_SHARDS is required: it says which databases to migrate']);
  const pool = new Pool(parseDatabase(shards), { deadlineMs: DEADLINE_MS });
  try {
    return { shards: [{ shard: pool.name, applied: await migrate(pool) }] };
  } finally {
    pool.close();
  }
}
