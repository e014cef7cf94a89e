/**
 * Every benchmark runs small in each pass, so that none rots. What is checked is the report's shape; its figures mean nothing, so some run at
 * once (`maxConcurrency`): more, and one of them would be left a second without a measurement. bench.long.test.ts runs what is left out here.
 */
import { join } from 'node:path';
import { startProgram } from '@lakh/testkit';
import type { BenchReport } from '../src/bench/report';
import type { Figure } from '../src/bench/trials';

const root = join(__dirname, '..', '..');
/** The bench's programs in Go, where nobody has built them yet: a pass of the tests does not wait for a compiler. bench.long.test.ts does. */
const NOT_BUILT = 'not built yet, and a quick pass builds nothing';

async function bench(...args: string[]): Promise<BenchReport> {
  const { code, stdout, stderr } = await run('loadtest/dist/bench.js', args);
  if (code !== 0) throw new Error(`bench ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return JSON.parse(stdout) as BenchReport;
}

const run = (program: string, args: readonly string[]) => startProgram(join(root, program), args).ended;

/** What holds for every report: all subjects measured, all ratios made of them, targets counted. */
function expectWhole(report: BenchReport, rounds: number): void {
  expect(report).toMatchObject({ quick: true, rounds, secondsPerRound: 1 });
  expect(report.machine.cores).toBeGreaterThan(0);
  expect(report.notes.length).toBeGreaterThan(0);
  for (const group of report.groups) {
    expect(group.skipped.filter(({ reason }) => reason !== NOT_BUILT)).toEqual([]);
    for (const subject of group.subjects) {
      expect(subject.values).toHaveLength(rounds);
      expect(subject.min).toBeGreaterThan(0);
      expect(subject.max).toBeGreaterThanOrEqual(subject.median);
    }
    for (const ratio of group.ratios) expect(ratio.perRound).toHaveLength(rounds);
  }
  for (const trial of report.trials) {
    expect(trial.skipped).toEqual([]);
    for (const figure of trial.figures) {
      expect(figure.count).toBeGreaterThan(0);
      expect(figure.p50).toBeGreaterThanOrEqual(figure.min);
      expect(figure.p99).toBeGreaterThanOrEqual(figure.p50);
      expect(figure.max).toBeGreaterThanOrEqual(figure.p99);
    }
  }
  const targets = [
    ...report.groups.flatMap((group) => group.ratios).filter((ratio) => ratio.target),
    ...report.trials.flatMap((trial) => trial.figures).filter((figure) => figure.bound),
  ];
  expect(report.targets.met + report.targets.missed).toBe(targets.length);
}

function subjectsOf(report: BenchReport, group: string): string[] {
  return report.groups.find(({ id }) => id === group)?.subjects.map(({ name }) => name) ?? [];
}

function targetsOf(report: BenchReport): [string, string, number][] {
  return report.groups.flatMap(({ ratios }) =>
    ratios.flatMap(({ ours, against, target }): [string, string, number][] =>
      target ? [[ours, against, 'atMost' in target ? target.atMost : target.atLeast]] : [],
    ),
  );
}

function figureOf(report: BenchReport, trial: string, name: string): Figure {
  const figures = report.trials.find(({ id }) => id === trial)?.figures ?? [];
  const found = figures.find((figure) => figure.name === name);
  if (found === undefined) throw new Error(`${trial} has no ${name}, but ${figures.map((figure) => figure.name)}`);
  return found;
}

test.concurrent('allocate: leases, servers, writes, failover and memory on a real ensemble; the bounds that no clock decides are met', async () => {
  const parts = ['leases-1', 'leases-8', 'servers', 'writes', 'failover', 'memory'];
  const report = await bench('allocate', '--quick', '--json', ...parts.flatMap((part) => ['--only', part]));
  expectWhole(report, 1);
  expect(report.groups.map(({ id }) => id)).toEqual(['leases-1', 'leases-8', 'servers']);
  for (const group of ['leases-1', 'leases-8']) {
    expect(subjectsOf(report, group)).toEqual([
      'lease, both witnesses',
      'versioned write',
      'versioned write, then a row',
    ]);
  }
  expect(subjectsOf(report, 'servers')).toEqual(['1 server', '4 servers', '8 servers', '1 server, leases from memory']);
  expect(report.trials.map(({ id }) => id)).toEqual(['servers', 'writes', 'failover', 'memory']);

  expect(figureOf(report, 'servers', '8 servers: each').count).toBe(8);
  expect(figureOf(report, 'servers', 'overlapping ranges')).toMatchObject({ max: 0, bound: { met: true } });
  expect(figureOf(report, 'servers', 'ranges used without a row')).toMatchObject({ max: 0, bound: { met: true } });
  const writes = figureOf(report, 'writes', 'writes a million ids');
  expect(writes.bound).toEqual({ atMost: 11, met: true });
  expect(figureOf(report, 'writes', 'transactions a million ids').bound).toEqual({ atMost: 11, met: true });
  expect(writes.min).toBeGreaterThanOrEqual(10);
  // One write a lease and nothing else that changes the mark.
  expect(writes.max).toBe(figureOf(report, 'writes', 'leases a million ids').max);
  expect(figureOf(report, 'failover', 'every client').count).toBe(9);
  expect(figureOf(report, 'failover', 'clients of the dead node').count).toBe(3);
  expect(figureOf(report, 'memory', 'heap grown').bound).toEqual({ atMost: 1, met: true });
}, 180_000);

test.concurrent('allocate: codes beside loops that only allocate, two rounds, with a profile', async () => {
  const report = await bench('allocate', '--only', 'codes', '--quick', '--rounds', '2', '--json', '--profile');
  expectWhole(report, 2);
  expect(report.trials).toEqual([]);
  expect(subjectsOf(report, 'codes')).toEqual(['next() + base62', 'String.fromCharCode', 'joined pieces']);
  expect(targetsOf(report).map(([, , atLeast]) => atLeast)).toEqual([0.5, 0.5]);
  expect(report.profiles?.[0]?.functions.length).toBeGreaterThan(0);
}, 120_000);

test.concurrent('l1: what a hit costs by policy, how many are hits, and an account that is right', async () => {
  const report = await bench(
    'l1',
    '--quick',
    '--json',
    ...['hits-many', 'ratios', 'bytes'].flatMap((part) => ['--only', part]),
  );
  expectWhole(report, 1);
  expect(report.groups.map(({ id }) => id)).toEqual(['hits-many']);
  for (const { id } of report.groups) expect(subjectsOf(report, id)).toEqual(['S3-FIFO', 'LRU', 'W-TinyLFU']);
  const hits = (policy: string) => figureOf(report, 'ratios', `Zipf 0.8 and a scan, 1 %: ${policy}`).p50;
  expect(hits('s3-fifo')).toBeGreaterThan(1.2 * hits('lru'));
  expect(figureOf(report, 'bytes', '10,000 links: account').bound).toEqual({ atMost: 10, met: true });
}, 120_000);

test.concurrent('redirect: ours embedded and on MariaDB beside their rivals, as a browser asks, at a constant rate, and idle', async () => {
  const report = await bench('redirect', '--quick', '--json');
  expectWhole(report, 1);
  const own = ['standalone (embedded)', 'redirect (MariaDB)'];
  const rivals = ['redirect, lane off', 'node:http', 'express 5', 'nginx'];
  const without = (names: readonly string[], left: string) => names.filter((name) => name !== left);
  for (const group of ['redirect', 'redirect_many']) {
    expect(without(subjectsOf(report, group), 'Go net/http')).toEqual([...own, ...rivals]);
  }
  expect(subjectsOf(report, 'browser')).toEqual([...own, 'redirect, lane off', 'node:http']);
  expect(subjectsOf(report, 'behind-nginx')).toEqual(['redirect (MariaDB)', 'redirect, lane off']);
  expect(subjectsOf(report, 'workers')).toEqual(['two workers', 'one worker']);
  expect(['', 'redirect (MariaDB),node:http']).toContain(subjectsOf(report, 'arrivals').join());
  const inGo = ([, against, goal]: [string, string, number]) => against === 'Go net/http' || goal === 1;
  expect(targetsOf(report).filter((target) => !inGo(target))).toEqual([
    ...own.flatMap((name) => [
      [name, 'node:http', 1.4],
      [name, 'express 5', 9],
      [name, 'nginx', 0.72],
    ]),
    ...own.map((name) => [name, 'node:http', 1.2]),
    ...own.map((name) => [name, 'node:http', 1.3]),
    ['redirect (MariaDB)', 'redirect, lane off', 1.15],
    ['two workers', 'one worker', 1.1],
  ]);
  expect(figureOf(report, 'idle', 'first answer').count).toBe(1);
  expect(figureOf(report, 'idle', 'RSS').p50).toBeGreaterThan(10);
}, 120_000);

test.concurrent('shorten: the store at one number of callers, and creates over HTTP, one by one and in batches', async () => {
  const parts = ['store-64', 'batch', 'create'];
  const report = await bench('shorten', '--quick', '--json', ...parts.flatMap((part) => ['--only', part]));
  expectWhole(report, 1);
  expect(report.groups.map(({ id }) => id)).toEqual(parts);
  expect(subjectsOf(report, 'store-64')).toEqual(['coalesced', 'one row a statement', 'multi-row loop']);
  expect(subjectsOf(report, 'batch')).toEqual(['standalone (embedded)', 'shorten (MariaDB)', 'multi-row loop']);
  expect(subjectsOf(report, 'create')).toEqual(['standalone (embedded)', 'shorten (MariaDB)', 'express 5 echo']);
  expect(targetsOf(report)).toEqual([
    ['coalesced', 'one row a statement', 4],
    ['shorten (MariaDB)', 'multi-row loop', 0.6],
    ['standalone (embedded)', 'express 5 echo', 0.7],
    ['shorten (MariaDB)', 'express 5 echo', 0.7],
  ]);
}, 120_000);

test.concurrent('data: reads of the database, redirects by where their links are, a herd, and many links beside few', async () => {
  const report = await bench('data', '--quick', '--json');
  expectWhole(report, 1);
  expect(report.groups.map(({ id }) => id)).toEqual(['finds-256', 'through']);
  expect(subjectsOf(report, 'finds-256')).toEqual(['coalesced', 'one SELECT a request', 'listed loop']);
  expect(subjectsOf(report, 'through')).toEqual(['from L1', 'from Redis', 'from the database']);
  expect(targetsOf(report)).toEqual([
    ['coalesced', 'one SELECT a request', 5],
    ['from Redis', 'from L1', 0.5],
  ]);
  expect(figureOf(report, 'herd', 'reads of the database').bound).toEqual({ atMost: 1, met: true });
  expect(figureOf(report, 'staleness', 'seen everywhere').count).toBeGreaterThanOrEqual(50);
  for (const engine of ['MariaDB', 'SQLite']) {
    for (const what of ['redirect', 'create']) figureOf(report, 'capacity', `${engine}: ${what}, many ÷ few`);
  }
}, 120_000);

test('a wrong command line ends with 2 and a reason on stderr, help with 0 on stdout', async () => {
  const wrong = await run('loadtest/dist/bench.js', ['no-such-bench']);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toContain('name one benchmark');
  const help = await run('loadtest/dist/bench.js', ['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('usage: npm run bench');
}, 60_000);
