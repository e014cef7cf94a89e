import { type Member, type MigrateOptions, migrate, openDatabase } from '@lakh/mysql';

export interface MigrateReport {
  readonly database: string;
  /** The numbers of the migrations. */
  readonly applied: readonly number[];
}

/** The first connection may wait for a server that is just starting. */
const DEADLINE_MS = 60_000;

/** Brings the schema of a cluster's database up to date, as a user that may. Rejects as `migrate` of @lakh/mysql does. */
export async function migrateCluster({
  database,
  ...options
}: { readonly database: readonly Member[] } & Pick<MigrateOptions, 'onProgress'>): Promise<MigrateReport> {
  const pool = openDatabase({ members: database, deadlineMs: DEADLINE_MS });
  try {
    return { database: pool.name, applied: await migrate(pool, options) };
  } finally {
    pool.close();
  }
}
