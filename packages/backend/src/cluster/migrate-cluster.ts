import { type Member, migrate, Pool } from '@lakh/mysql';

export interface MigrateReport {
  readonly shards: readonly { readonly shard: string; readonly applied: readonly number[] }[];
}

/** The first connection may wait for a server that is just starting. */
const DEADLINE_MS = 60_000;

/** Brings the schema of a cluster's database up to date, as a user that may. Rejects as `migrate` of @lakh/mysql does. */
export async function migrateCluster({ shards }: { readonly shards: Member }): Promise<MigrateReport> {
  const pool = new Pool(shards, { deadlineMs: DEADLINE_MS });
  try {
    return { shards: [{ shard: pool.name, applied: await migrate(pool) }] };
  } finally {
    pool.close();
  }
}
