import type { Group, Measurement, Sample, Subject } from './figures.js';
import { boundOf } from './figures.js';
import type { Bench } from './setting.js';
import { lastEntryAtRest, type WitnessServers } from './witness-servers.js';
import { startWorker, type Worker } from './worker.js';

const LEASE_PROGRAM = 'programs/lease-worker.js';
const ISSUE_PROGRAM = 'programs/issue-worker.js';
const OURS = 'both witnesses';
const BARE = 'bare versioned writes';
const MEMORY = '1 process, ranges from memory';
/** One million counters are ten ranges of one lakh; one write more for whatever else there may be. */
const MOST_WRITES_A_MILLION = 11;
/** Of each of four servers: some times what one can shorten. */
const PACED_PER_S = 250_000;
/** A range is used up every 100 ms, so that this many measurements' time shows some hundreds of leases. */
const PACED_TIMES = 4;
const MILLION = 1_000_000;
/** LAKH_RANGES_MAX_HELD by default. A quick pass does not wait for so many. */
const MAX_HELD = 32;
const QUICK_MAX_HELD = 4;

/** Leases a second on both witnesses, for one client and for eight at once, beside a loop of bare versioned writes. */
export async function leaseGroups(bench: Bench, { zookeeper, mysqlUrl }: WitnessServers): Promise<Group[]> {
  const groups: Group[] = [];
  for (const clients of [1, 8]) {
    const workerOf = (variant: string) =>
      startWorker(bench, LEASE_PROGRAM, [variant, String(clients), zookeeper, mysqlUrl]);
    const [witnesses, bare] = [await workerOf('witnesses'), await workerOf('bare')];
    groups.push({
      id: `leases-${clients}`,
      title: `Leases, ${clients === 1 ? 'one client' : `${clients} clients at once`}, ZooKeeper of three nodes`,
      unit: 'leases/s',
      subjects: [
        {
          name: OURS,
          role: 'ours',
          what: 'TwoWitnessLease: read the mark and the head, write the mark, record the range in MariaDB',
          measure: (seconds) => witnesses.ask({ seconds, callers: clients }),
        },
        {
          name: BARE,
          role: 'limit',
          what: 'node-zookeeper-client alone: getData, setData at that version, again where it was too late; nothing on record',
          measure: (seconds) => bare.ask({ seconds, callers: clients }),
        },
      ],
      targets: [],
      skipped: [],
    });
  }
  return groups;
}

export interface Issuing {
  readonly group: Group;
  /** Writes to ZooKeeper for a million counters that four servers issue: at a rate that links could have, and as fast as they can. */
  measureWrites(seconds: number): Promise<Measurement[]>;
}

/** Counters a second of several servers, each a process with its own ranges of one lakh. */
export async function issuing(bench: Bench, servers: WitnessServers): Promise<Issuing> {
  const { zookeeper, mysqlUrl } = servers;
  const maxHeld = bench.quick ? QUICK_MAX_HELD : MAX_HELD;
  const start = async (count: number, origin: string, mostPerS: number): Promise<Worker[]> => {
    const workers: Worker[] = [];
    for (let i = 0; i < count; i += 1) {
      workers.push(
        await startWorker(bench, ISSUE_PROGRAM, [origin, zookeeper, mysqlUrl, String(mostPerS), String(maxHeld)]),
      );
    }
    return workers;
  };
  const issuers = await start(8, 'witnesses', 0);
  const memory = await start(1, 'memory', 0);
  const subjectOf = (count: number): Subject => ({
    name: `${count} ${count === 1 ? 'server' : 'servers'}`,
    role: 'ours',
    what: `${count === 1 ? 'a process' : `${count} processes`} on one core: next() and base62, ranges of one lakh leased from both witnesses`,
    measure: (seconds) => together(issuers.slice(0, count), seconds),
  });
  return {
    group: {
      id: 'issue',
      title: 'Codes from ranges of one lakh, all servers on one core',
      unit: 'codes/s',
      subjects: [
        ...[1, 4, 8].map(subjectOf),
        {
          name: MEMORY,
          role: 'limit',
          what: 'the same program, but its ranges come from memory',
          measure: (seconds) => together(memory, seconds),
        },
      ],
      targets: [],
      skipped: [],
    },
    async measureWrites(seconds) {
      const paced = await writesBy(servers, await start(4, 'witnesses', PACED_PER_S), PACED_TIMES * seconds);
      const flatOut = await writesBy(servers, issuers.slice(0, 4), seconds);
      const rate = PACED_PER_S.toLocaleString('en');
      return [
        {
          id: 'zookeeper-writes',
          title: `Writes to ZooKeeper, four servers at ${rate} ids/s`,
          unit: 'a million ids',
          what: paced.what,
          value: paced.value,
          bound: boundOf(paced.value, MOST_WRITES_A_MILLION),
        },
        {
          id: 'zookeeper-writes-flat-out',
          title: 'Writes to ZooKeeper, four servers flat out',
          unit: 'a million ids',
          what: `${flatOut.what}; they lease so often that many writes come too late`,
          value: flatOut.value,
        },
      ];
    },
  };
}

/** From rest to rest: what was leased ahead before is leased ahead after. */
async function writesBy(
  servers: WitnessServers,
  workers: readonly Worker[],
  seconds: number,
): Promise<Pick<Measurement, 'value' | 'what'>> {
  // So that each has leased what it holds ahead.
  await together(workers, 1);
  const before = await lastEntryAtRest(servers);
  const { facts } = await together(workers, seconds);
  const entries = Number((await lastEntryAtRest(servers)) - before);
  const ids = facts?.ids as number;
  return {
    value: (entries / ids) * MILLION,
    what: `${entries} entries in the ensemble's log while ${workers.length} servers issued ${ids.toLocaleString('en')} ids from ranges of one lakh`,
  };
}

/** Several processes at the same time; their sum. */
async function together(workers: readonly Worker[], seconds: number): Promise<Sample> {
  const samples = await Promise.all(workers.map((worker) => worker.ask({ seconds, callers: 1 })));
  const sum = (of: (sample: Sample) => number) => samples.reduce((total, sample) => total + of(sample), 0);
  return {
    value: sum(({ value }) => value),
    facts: {
      ids: sum(({ facts }) => facts?.ids ?? 0),
      waited: sum(({ facts }) => facts?.waited ?? 0) / samples.length,
    },
  };
}
