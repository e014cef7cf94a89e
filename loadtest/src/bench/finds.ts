import type { Group } from './figures.js';
import type { Bench } from './setting.js';
import { startVariants, type Variant } from './worker.js';

export const FIND_PROGRAM = 'programs/find-worker.js';
const OURS = 'coalesced';
const ONE_SELECT = 'one SELECT a request';
const CALLERS = 256;

const VARIANTS: readonly Variant[] = [
  {
    name: OURS,
    role: 'ours',
    variant: 'coalesced',
    what: 'sight() of the links of a cluster, as redirects read them: with where the log of each stands',
  },
  {
    name: ONE_SELECT,
    role: 'rival',
    variant: 'one-select',
    what: 'mysql2 pool, execute() of a prepared SELECT of one link; of 8 to 64 connections the number that did best before',
  },
  {
    name: 'listed loop',
    role: 'limit',
    variant: 'listed',
    what: 'one mysql2 connection, IN (…) of as many codes as there are callers, one after another',
  },
];

/** Reads of links from one MariaDB, `codesFile` naming links that it has. */
export async function findsGroup(bench: Bench, mysqlUrl: string, codesFile: string): Promise<Group> {
  const measuredBy = await startVariants(bench, FIND_PROGRAM, VARIANTS, mysqlUrl, codesFile);
  return {
    id: `finds-${CALLERS}`,
    title: `Links found in one MariaDB, ${CALLERS} callers`,
    unit: 'links/s',
    subjects: measuredBy((worker, seconds) => worker.ask({ seconds, callers: CALLERS })),
    independent: true,
    targets: [{ ours: OURS, against: ONE_SELECT, atLeast: 5 }],
  };
}
