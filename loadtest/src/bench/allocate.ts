import { join } from 'node:path';
import type { Subject } from './figures.js';
import { hottest, profileArguments, readProfiles } from './profile.js';
import type { Bench, PreparedBench } from './setting.js';
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

/** Codes a second beside loops that only allocate strings of that length, each in a process of its own. */
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
  return {
    groups: [
      { id: 'codes', title: 'Codes of six characters, one core', unit: 'strings/s', subjects, targets, skipped: [] },
    ],
    notes: ['counters beyond 2^32, where they are doubles and no longer small integers'],
    async profile(seconds) {
      const dir = join(bench.dir, 'profile-codes');
      const worker = await startWorker(bench, PROGRAM, ['codes'], profileArguments(dir));
      await worker.ask({ seconds, callers: 1 });
      await worker.stop();
      return [{ subject: OURS, functions: hottest(await readProfiles(dir), bench.root, seconds) }];
    },
  };
}
