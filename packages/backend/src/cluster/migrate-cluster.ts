import { type Member, type MigrateOptions, migrate, Pool } from '@lakh/mysql';

export interface MigrateReport {
  readonly shards: readonly { readonly shard: string; readonly applied: readonly number[] }[];
}

/** The first connection may wait for a server that is just starting. */
const DEADLINE_MS = 60_000;

/** Brings the schema of a cluster's database up to date, as a user that may. Rejects as `migrate` of @lakh/mysql does. */
export async function migrateCluster({
  shards,
  ...options
}: { readonly shards: Member } & Pick<MigrateOptions, 'onProgress'>): Promise<MigrateReport> {
  const pool = new Pool(shards, { deadlineMs: DEADLINE_MS });
  try {
    return { shards: [{ shard: pool.name, applied: await migrate(pool, options) }] };
  } finally {
    pool.close();
  }
}
