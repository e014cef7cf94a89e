import { migrate, openShards, parseShards } from '@lakh/mysql';
import { type Settings, SettingsError } from '@lakh/settings';

export interface MigrateReport {
  readonly shards: readonly { readonly shard: string; readonly applied: readonly number[] }[];
}

/** The first connection may wait for a server that is just starting. */
const DEADLINE_MS = 60_000;

/** Brings the schema of every shard up to date. @throws SettingsError without LAKH_SHARDS; otherwise as `migrate` */
export async function migrateShards({ shards }: Pick<Settings<'tool'>, 'shards'>): Promise<MigrateReport> {
  if (shards === undefined) throw new SettingsError(['LAKH_SHARDS is required: it says which databases to migrate']);
  const { all } = openShards(parseShards(shards), { deadlineMs: DEADLINE_MS });
  try {
    const done: { shard: string; applied: readonly number[] }[] = [];
    for (const pool of all) done.push({ shard: pool.name, applied: await migrate(pool) });
    return { shards: done };
  } finally {
    for (const pool of all) pool.close();
  }
}
