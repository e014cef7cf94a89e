import type { Group } from './figures.js';
import type { Bench } from './setting.js';
import type { WitnessAddresses } from './witnesses.js';
import { startVariants, type Variant } from './worker.js';

const PROGRAM = 'programs/lease-worker.js';
const CLIENTS = [1, 8];

const VARIANTS: readonly Variant[] = [
  {
    name: 'lease, both witnesses',
    role: 'ours',
    variant: 'both-witnesses',
    what: "TwoWitnessLease over ZooKeeper's mark and MariaDB's ledger: read, head, versioned write, one transaction",
  },
  {
    name: 'versioned write',
    role: 'limit',
    variant: 'versioned-write',
    what: 'getData, then setData at that version through the same connection code, repeated when stale: no ledger',
  },
  {
    name: 'versioned write, then a row',
    role: 'limit',
    variant: 'versioned-write-and-row',
    what: 'the same, then one INSERT of one row with fsync: the least that two witnesses cost',
  },
];

/** Leases a second, by one client after another and by several against each other, one group for each number. */
export async function leaseGroups(bench: Bench, addresses: WitnessAddresses): Promise<Group[]> {
  const wanted = CLIENTS.filter((clients) => bench.wants(idOf(clients)));
  if (wanted.length === 0) return [];
  const measuredBy = await startVariants(bench, PROGRAM, VARIANTS, addresses.zookeeper, addresses.mysqlUrl);
  return wanted.map((clients) => ({
    id: idOf(clients),
    title: `Leases on a 3-node ensemble, ${clients === 1 ? 'one client' : `${clients} clients against each other`}`,
    unit: 'leases/s',
    subjects: measuredBy((worker, seconds) => worker.ask({ seconds, callers: clients })),
  }));
}

function idOf(clients: number): string {
  return `leases-${clients}`;
}
