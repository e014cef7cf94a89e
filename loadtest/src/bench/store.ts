import { migrateCluster } from '@lakh/backend/cluster';
import { mariadbSql } from '@lakh/local';
import { parseDatabase } from '@lakh/mysql';
import type { Group } from './figures.js';
import type { Databases } from './lakh-servers.js';
import { profileWorker } from './profiling.js';
import type { Profile } from './report.js';
import type { Bench } from './setting.js';
import { startVariants, type Variant } from './worker.js';

export const STORE_PROGRAM = 'programs/store-worker.js';
const OURS = 'coalesced';
const ONE_ROW = 'one row a statement';
const PROFILED_CALLERS = 256;

export const MULTI_ROW: Variant = {
  name: 'multi-row loop',
  role: 'limit',
  variant: 'multi-row',
  what: 'one mysql2 connection, INSERTs of as many rows as there are callers, one after another',
};

const VARIANTS: readonly Variant[] = [
  { name: OURS, role: 'ours', variant: 'coalesced', what: 'insert() of the links of a cluster, default limits' },
  {
    name: ONE_ROW,
    role: 'rival',
    variant: 'one-row',
    what: 'mysql2 pool, execute() of a prepared INSERT of one row; of 8 to 128 connections the number that did best before',
  },
  MULTI_ROW,
];

/** Callers at a time, and what coalescing is to gain over one row a statement. */
const LEVELS: readonly { readonly callers: number; readonly atLeast?: number }[] = [
  { callers: 64, atLeast: 4 },
  { callers: 256, atLeast: 7 },
  { callers: 1024 },
];

/** Durable inserts of links into one MariaDB, one group for each number of callers. */
export async function storeGroups(bench: Bench, databases: Databases): Promise<Group[]> {
  await migrateCluster({ database: parseDatabase(databases.mysqlUrl) });
  const measuredBy = await startVariants(bench, STORE_PROGRAM, VARIANTS, databases.mysqlUrl);
  return LEVELS.map(({ callers, atLeast }) => ({
    id: `store-${callers}`,
    title: `Durable inserts into one MariaDB, ${callers} callers`,
    unit: 'rows/s',
    subjects: measuredBy(async (worker, seconds) => {
      await emptyTable(databases);
      return worker.ask({ seconds, callers });
    }),
    targets: atLeast === undefined ? [] : [{ ours: OURS, against: ONE_ROW, atLeast }],
  }));
}

export async function profileStore(bench: Bench, databases: Databases, seconds: number): Promise<Profile> {
  await emptyTable(databases);
  const subject = `insert() of a cluster’s links, ${PROFILED_CALLERS} callers`;
  const args = ['coalesced', databases.mysqlUrl];
  return profileWorker(bench, subject, STORE_PROGRAM, args, { seconds, callers: PROFILED_CALLERS });
}

/** Each measurement begins with the same table: its size is not to decide. */
export async function emptyTable({ mariadb }: Databases): Promise<void> {
  await mariadbSql(mariadb, 'TRUNCATE TABLE lakh.links');
}
