import { join } from 'node:path';
import { migrateCluster } from '@lakh/backend';
import { mariadbSql } from '@lakh/local';
import { parseDatabase } from '@lakh/mysql';
import type { Group, Subject } from './figures.js';
import type { Databases } from './lakh-servers.js';
import { hottest, profileArguments, readProfiles } from './profile.js';
import type { Profile } from './report.js';
import type { Bench } from './setting.js';
import { startWorker } from './worker.js';

const PROGRAM = 'programs/store-worker.js';
const OURS = 'coalesced';
const ONE_ROW = 'one row a statement';
const PROFILED_CALLERS = 256;

const VARIANTS: readonly (Omit<Subject, 'measure'> & { readonly variant: string })[] = [
  { name: OURS, role: 'ours', variant: 'coalesced', what: 'insert() of the links of a cluster, default limits' },
  {
    name: ONE_ROW,
    role: 'rival',
    variant: 'one-row',
    what: 'mysql2 pool, execute() of a prepared INSERT of one row; of 8 to 128 connections the number that did best before',
  },
  {
    name: 'multi-row loop',
    role: 'limit',
    variant: 'multi-row',
    what: 'one mysql2 connection, INSERTs of as many rows as there are callers, one after another',
  },
];

/** Callers at a time, and what coalescing is to gain over one row a statement. */
const LEVELS: readonly { readonly callers: number; readonly atLeast?: number }[] = [
  { callers: 64, atLeast: 4 },
  { callers: 256, atLeast: 7 },
  { callers: 1024 },
];

/** Durable inserts of links into one MariaDB, one group for each number of callers. */
export async function storeGroups(bench: Bench, databases: Databases): Promise<Group[]> {
  await migrateCluster({ shards: parseDatabase(databases.mysqlUrl) });
  const workers = await Promise.all(
    VARIANTS.map(async ({ variant, ...subject }) => ({
      subject,
      worker: await startWorker(bench, PROGRAM, [variant, databases.mysqlUrl]),
    })),
  );
  return LEVELS.map(({ callers, atLeast }): Group => {
    const subjects = workers.map(
      ({ subject, worker }): Subject => ({
        ...subject,
        async measure(seconds) {
          await emptyTable(databases);
          return worker.ask({ seconds, callers });
        },
      }),
    );
    return {
      id: `store-${callers}`,
      title: `Durable inserts into one MariaDB, ${callers} callers`,
      unit: 'rows/s',
      subjects,
      targets: atLeast === undefined ? [] : [{ ours: OURS, against: ONE_ROW, atLeast }],
      skipped: [],
    };
  });
}

export async function profileStore(bench: Bench, databases: Databases, seconds: number): Promise<Profile> {
  const dir = join(bench.dir, 'profile-store');
  const worker = await startWorker(bench, PROGRAM, ['coalesced', databases.mysqlUrl], {
    nodeArgs: profileArguments(dir),
  });
  await emptyTable(databases);
  await worker.ask({ seconds, callers: PROFILED_CALLERS });
  await worker.stop();
  return {
    subject: `insert() of a cluster’s links, ${PROFILED_CALLERS} callers`,
    functions: hottest(await readProfiles(dir), bench.root, seconds),
  };
}

/** Each measurement begins with the same table: its size is not to decide. */
async function emptyTable({ mariadb }: Databases): Promise<void> {
  await mariadbSql(mariadb, 'TRUNCATE TABLE lakh.links');
}
