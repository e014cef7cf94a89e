import type { LocalServer } from '@lakh/local';
import { mariadbSql } from '@lakh/local';
import type { ServerRun } from '../programs/server-worker.js';
import { progress } from '../scope.js';
import { countsOf, transactionsBetween } from './ensemble.js';
import type { Group, Subject } from './figures.js';
import type { Databases } from './lakh-servers.js';
import type { Bench } from './setting.js';
import { type Figure, figure, type Interval, overlaps, type Trial } from './trials.js';
import { startWorker, type Worker } from './worker.js';

const PROGRAM = 'programs/server-worker.js';
const COUNTS = [1, 4, 8];
const ID = 'servers';
const PERCENT = 100;

/** One measurement of so many servers at once. */
interface Run {
  readonly servers: readonly ServerRun[];
  readonly transactions: number;
}

/** Ids a second for 1, 4 and 8 servers: a group for the rates, and a trial that looks at what the rounds left behind. */
export async function serverParts(
  bench: Bench,
  databases: Databases,
  zookeeper: string,
): Promise<{ readonly group: Group; readonly trial: Trial }> {
  const cores = bench.pinning.servers;
  const start = (...args: string[]) => startWorker<ServerRun>(bench, PROGRAM, args, { cores });
  const workers = await Promise.all(
    Array.from({ length: Math.max(...COUNTS) }, (_, index) =>
      start(`server-${index + 1}`, String(index), zookeeper, databases.mysqlUrl),
    ),
  );
  // A task of no time: their sessions are open before anything is counted.
  await Promise.all(workers.map((worker) => worker.ask({ seconds: 0, callers: 1 })));
  const runs = new Map<number, Run[]>();
  const subjects = COUNTS.map((count): Subject => {
    const collected: Run[] = [];
    runs.set(count, collected);
    return {
      name: several(count, 'server'),
      role: 'ours',
      what: `${count} process${count === 1 ? '' : 'es'}: RangeAllocator, ReclaimingLease over both witnesses, ranges of one lakh, base62`,
      async measure(seconds) {
        const run = await runTogether(workers.slice(0, count), databases.zookeeperNodes, seconds);
        collected.push(run);
        return { value: run.servers.reduce((sum, { ids, elapsedMs }) => sum + (ids / elapsedMs) * 1000, 0) };
      },
    };
  });
  const fromMemory = await start('memory');
  subjects.push({
    name: '1 server, leases from memory',
    role: 'limit',
    what: 'the same loop and allocator, ranges of one lakh, leases that cost nothing',
    async measure(seconds) {
      const { ids, elapsedMs } = await fromMemory.ask({ seconds, callers: 1 });
      return { value: (ids / elapsedMs) * 1000 };
    },
  });
  return {
    group: {
      id: ID,
      title: `Ids as fast as servers can, on ${cores.length === 0 ? 'all cores' : several(cores.length, 'core')}, beside their witnesses`,
      unit: 'ids/s',
      subjects,
    },
    trial: { id: ID, run: () => summary(databases, runs) },
  };
}

async function runTogether(
  workers: readonly Worker<ServerRun>[],
  nodes: readonly LocalServer[],
  seconds: number,
): Promise<Run> {
  const before = await countsOf(nodes);
  const servers = await Promise.all(workers.map((worker) => worker.ask({ seconds, callers: 1 })));
  return { servers, transactions: transactionsBetween(before, await countsOf(nodes)) };
}

async function summary(databases: Databases, runs: ReadonlyMap<number, readonly Run[]>) {
  const figures = [...runs].flatMap(([count, collected]) => ofCount(count, collected));
  const given = [...runs.values()].flat().flatMap(({ servers }) => servers.flatMap(({ ranges }) => ranges));
  progress(`servers: comparing ${given.length} ranges with the ledger`);
  const onRecord = await ledgerRows(databases);
  const known = new Set(onRecord.map(([start, end]) => `${start}-${end}`));
  figures.push(
    figure(
      {
        name: 'overlapping ranges',
        unit: 'ranges',
        what: `of ${onRecord.length} in the ledger, whoever leased them; and of ${given.length} in the servers' own memories`,
      },
      [overlaps(onRecord), overlaps(given)],
      0,
    ),
    figure(
      { name: 'ranges used without a row', unit: 'ranges', what: 'given to a server, not in the ledger' },
      [given.filter(([start, end]) => !known.has(`${start}-${end}`)).length],
      0,
    ),
  );
  return { title: 'Those servers, one by one', figures };
}

function ofCount(count: number, runs: readonly Run[]): Figure[] {
  const each = runs.flatMap(({ servers }) => servers);
  if (each.length === 0) return [];
  const title = several(count, 'server');
  const text = (name: string, unit: string, what: string) => ({ name: `${title}: ${name}`, unit, what });
  return [
    figure(
      text('each', 'ids/s', 'of one server, warm-ups included'),
      each.map(({ ids, elapsedMs }) => (ids / elapsedMs) * 1000),
    ),
    figure(
      text('time without ids', '%', 'of its time that a server waited because nothing was held'),
      each.map(({ waitedMs, elapsedMs }) => (waitedMs / elapsedMs) * PERCENT),
    ),
    figure(
      text('leases', '/s', 'of all servers together'),
      runs.map(({ servers }) => servers.reduce((sum, { leases, elapsedMs }) => sum + (leases / elapsedMs) * 1000, 0)),
    ),
    figure(
      text(
        'transactions a lease',
        '',
        "that ZooKeeper's leader ordered: writes, those that came too late among them, and looks at the mark as it stands after several of those",
      ),
      runs.map(({ servers, transactions }) => transactions / servers.reduce((sum, { leases }) => sum + leases, 0)),
    ),
  ];
}

async function ledgerRows({ mariadb }: Databases): Promise<Interval[]> {
  const sql = `SELECT start_counter, end_counter FROM lakh.id_leases WHERE namespace='links'`;
  const lines = (await mariadbSql(mariadb, sql)).split('\n').filter((line) => line !== '');
  return lines.map((line): Interval => {
    const [start, end] = line.split('\t').map(Number);
    return [start as number, end as number];
  });
}

function several(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
