import { migrateCluster } from '@lakh/backend/cluster';
import { parseDatabase } from '@lakh/mysql';
import { progress } from '../scope.js';
import { failoverTrial } from './failover.js';
import type { Group } from './figures.js';
import { startDatabases } from './lakh-servers.js';
import { leaseGroups } from './leases.js';
import { memoryTrial } from './memory.js';
import { whyMissing } from './packages.js';
import { profileWorker } from './profiling.js';
import { serverParts } from './servers.js';
import type { Bench, PreparedBench } from './setting.js';
import type { Trial } from './trials.js';
import { startVariants, type Variant } from './worker.js';
import { writesTrial } from './writes.js';

const PROGRAM = 'programs/allocate-worker.js';
const OURS = 'next() + base62';

const VARIANTS: readonly Variant[] = [
  {
    name: OURS,
    role: 'ours',
    variant: 'codes',
    what: 'RangeAllocator.next() and base62().encode() from counter 2^32 on, over leases of ten million from memory',
  },
  {
    name: 'String.fromCharCode',
    role: 'limit',
    variant: 'from-char-codes',
    what: 'a loop that only makes strings of six characters from six character codes',
  },
  {
    name: 'joined pieces',
    role: 'limit',
    variant: 'joined',
    what: 'a loop that only joins two strings of three characters (copied into one)',
  },
];

const NODES = 3;
const OF_WITNESSES = ['leases-1', 'leases-8', 'servers', 'writes', 'failover'];

/** Codes a second, and what leasing them costs on real witnesses. */
export async function prepareAllocate(bench: Bench): Promise<PreparedBench> {
  const groups: Group[] = bench.wants('codes') ? [await codesGroup(bench)] : [];
  const trials: Trial[] = [];
  const notes = ['codes: counters beyond 2^32, where they are doubles and no longer small integers'];
  const wanted = OF_WITNESSES.find((id) => bench.wants(id));
  if (wanted !== undefined) {
    const missing = await whyMissing(['mariadb', 'zookeeper']);
    if (missing) trials.push(skippedTrial(wanted, missing));
    else await addWitnessParts(bench, groups, trials, notes);
  }
  trials.push(memoryTrial(bench));
  return {
    groups,
    trials,
    notes,
    profile: async (seconds) => [await profileWorker(bench, OURS, PROGRAM, ['codes'], { seconds, callers: 1 })],
  };
}

async function addWitnessParts(bench: Bench, groups: Group[], trials: Trial[], notes: string[]): Promise<void> {
  progress(`allocate: starting MariaDB and a ZooKeeper of ${NODES} nodes`);
  const databases = await startDatabases(bench, NODES);
  const { mysqlUrl, zookeeper } = databases;
  await migrateCluster({ database: parseDatabase(mysqlUrl) });
  const addresses = { zookeeper, mysqlUrl };
  groups.push(...(await leaseGroups(bench, addresses)));
  if (bench.wants('servers')) {
    const { group, trial } = await serverParts(bench, databases, zookeeper);
    groups.push(group);
    trials.push(trial);
  }
  trials.push(writesTrial(bench, databases, addresses), failoverTrial(bench, databases, addresses));
  notes.push(
    `witnesses: ${NODES} ZooKeeper nodes and MariaDB share one core and one disk; every node forces its log (forceSync), MariaDB every commit`,
    'servers: however many, they share the cores that are left; a machine with one core left shows what leasing costs, not what more cores give',
  );
}

function skippedTrial(id: string, reason: string): Trial {
  const skipped = [{ name: 'leases, servers, writes and failover', reason }];
  return { id, run: async () => ({ title: 'On real witnesses', figures: [], skipped }) };
}

/** Beside loops that only allocate strings of that length, each in a process of its own. */
async function codesGroup(bench: Bench): Promise<Group> {
  const measuredBy = await startVariants(bench, PROGRAM, VARIANTS);
  const subjects = measuredBy((worker, seconds) => worker.ask({ seconds, callers: 1 }));
  const targets = subjects
    .filter(({ role }) => role === 'limit')
    .map(({ name }) => ({ ours: OURS, against: name, atLeast: 0.5 }));
  return {
    id: 'codes',
    title: 'Codes of six characters, one core',
    unit: 'strings/s',
    subjects,
    independent: true,
    targets,
  };
}
