import { join } from 'node:path';
import type { Skipped, Subject } from './figures.js';
import { measureLeaderDeath } from './leader-death.js';
import { issuing, leaseGroups } from './leases.js';
import { measureMemory } from './memory.js';
import { whyMissing } from './packages.js';
import { hottest, profileArguments, readProfiles } from './profile.js';
import type { Bench, PreparedBench } from './setting.js';
import { startWitnesses } from './witness-servers.js';
import { startWorker } from './worker.js';

const PROGRAM = 'programs/allocate-worker.js';
const OURS = 'next() + base62';

const VARIANTS: readonly (Omit<Subject, 'measure'> & { readonly variant: string })[] = [
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

/**
 * Codes a second beside loops that only allocate strings of that length, each in a process of its own; then what leases cost and give on
 * real witnesses.
 */
export async function prepareAllocate(bench: Bench): Promise<PreparedBench> {
  const subjects = await Promise.all(
    VARIANTS.map(async ({ variant, ...subject }): Promise<Subject> => {
      const worker = await startWorker(bench, PROGRAM, [variant]);
      return { ...subject, measure: (seconds) => worker.ask({ seconds, callers: 1 }) };
    }),
  );
  const targets = subjects
    .filter(({ role }) => role === 'limit')
    .map(({ name }) => ({ ours: OURS, against: name, atLeast: 0.5 }));
  const why = await whyMissing(['zookeeper', 'mariadb']);
  const skipped: Skipped[] = why === undefined ? [] : [{ name: 'everything on real witnesses', reason: why }];
  const witnesses = why === undefined ? await startWitnesses(bench) : undefined;
  const leases = witnesses === undefined ? [] : await leaseGroups(bench, witnesses);
  const issued = witnesses === undefined ? undefined : await issuing(bench, witnesses);
  return {
    groups: [
      { id: 'codes', title: 'Codes of six characters, one core', unit: 'strings/s', subjects, targets, skipped },
      ...leases,
      ...(issued === undefined ? [] : [issued.group]),
    ],
    notes: [
      'codes: counters beyond 2^32, where they are doubles and no longer small integers',
      'witnesses: three ZooKeeper nodes and MariaDB, each commit synced to disk, all on the other core',
    ],
    async measure(seconds) {
      const onWitnesses = [];
      if (witnesses !== undefined && issued !== undefined) {
        onWitnesses.push(...(await issued.measureWrites(seconds)), await measureLeaderDeath(bench, witnesses));
      }
      return [...onWitnesses, ...(await measureMemory(bench))];
    },
    async profile(seconds) {
      const dir = join(bench.dir, 'profile-codes');
      const worker = await startWorker(bench, PROGRAM, ['codes'], profileArguments(dir));
      await worker.ask({ seconds, callers: 1 });
      await worker.stop();
      return [{ subject: OURS, functions: hottest(await readProfiles(dir), bench.root, seconds) }];
    },
  };
}
