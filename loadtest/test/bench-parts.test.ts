import { choosePinning, parseCores, pinned } from '../src/bench/machine';
import { sumOf } from '../src/bench/metrics';
import { parseBench } from '../src/bench/options';
import { cpuSeconds, residentBytes } from '../src/bench/processes';
import { type CpuProfile, hottest } from '../src/bench/profile';
import { formatReport, makeReport } from '../src/bench/report';
import { figure } from '../src/bench/trials';
import { readWrk } from '../src/bench/wrk';

describe('pinning', () => {
  test("reads the kernel's notation for sets of cores", () => {
    expect(parseCores('0-2,7\n')).toEqual([0, 1, 2, 7]);
    expect(parseCores('')).toEqual([]);
  });

  test('takes cores that this process may use, not two threads of one where there is a choice', () => {
    const siblings = (core: number) => (core < 2 ? [0, 1] : [2, 3]);
    expect(choosePinning([0, 1, 2, 3], siblings)).toMatchObject({ server: 0, generator: 2, servers: [0, 1, 3] });
    const pair = choosePinning([0, 1], siblings);
    expect(pair).toMatchObject({ server: 0, generator: 1 });
    expect(pair.note).toContain('two threads of one physical core');
  });

  test('says so when there is one core only, or when nothing is known', () => {
    const one = choosePinning([5], () => [5]);
    expect(one).toMatchObject({ server: 5, generator: 5, servers: [5] });
    expect(one.note).toContain('one core');
    expect(choosePinning([], () => [])).toMatchObject({ server: undefined, generator: undefined });
    expect(pinned(undefined, ['node', 'x'])).toEqual(['node', 'x']);
    expect(pinned([], ['node', 'x'])).toEqual(['node', 'x']);
    expect(pinned(3, ['node', 'x'])).toEqual(['taskset', '-c', '3', 'node', 'x']);
    expect(pinned([0, 3], ['node', 'x'])).toEqual(['taskset', '-c', '0,3', 'node', 'x']);
  });
});

describe("the generator's output", () => {
  const line = (counts: object) => `Running 1s test\nLAKH ${JSON.stringify(counts)}\n`;
  const clean = { requests: 2000, durationUs: 2_000_000, p50Us: 500, p99Us: 1500 };
  const none = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 };

  test('becomes a rate and percentiles', () => {
    expect(readWrk(line({ ...clean, ...none }))).toEqual({ value: 1000, p50Ms: 0.5, p99Ms: 1.5 });
  });

  test.each(Object.keys(none))('gives no figure when there were errors of the kind %s', (kind) => {
    expect(() => readWrk(line({ ...clean, ...none, [kind]: 1 }))).toThrow('no figure');
  });

  test('gives no figure when nothing was answered, or when the counts are missing', () => {
    expect(() => readWrk(line({ ...clean, ...none, requests: 0 }))).toThrow('no answer');
    expect(() => readWrk('unable to connect')).toThrow('without its counts');
  });
});

test("a process's time and memory are the system's own figures of it", () => {
  const before = cpuSeconds(process.pid).get(process.pid) as number;
  const usage = process.cpuUsage();
  const until = performance.now() + 50;
  while (performance.now() < until);
  const { user, system } = process.cpuUsage(usage);
  const after = cpuSeconds(process.pid).get(process.pid) as number;
  // The kernel tells hundredths of a second, of two kinds, of two moments.
  expect(Math.abs(after - before - (user + system) / 1e6)).toBeLessThan(0.05);
  expect(residentBytes(process.pid) / process.memoryUsage().rss).toBeGreaterThan(0.5);
});

test('series of a metric are added up, its namesakes are not', () => {
  const text = `# HELP lakh_x_total x\nlakh_x_total{status="301"} 5\nlakh_x_total{status="404"} 2\nlakh_x_total_created 9\n`;
  expect(sumOf(text, 'lakh_x_total')).toBe(7);
  expect(sumOf('lakh_y 3\n', 'lakh_y')).toBe(3);
  expect(sumOf('', 'lakh_y')).toBe(0);
});

test('a profile is summed up by function over all threads: its last seconds, without idle time, with short paths', () => {
  const frame = (functionName: string, url: string, lineNumber = 9) => ({ functionName, url, lineNumber });
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)', '', -1) },
      { id: 2, callFrame: frame('work', 'file:///repo/services/x/dist/work.js') },
      { id: 3, callFrame: frame('work', 'file:///repo/services/x/dist/work.js') },
      { id: 4, callFrame: frame('', 'file:///repo/node_modules/lib/index.js') },
    ],
    startTime: 5_000_000,
    endTime: 7_001_100,
    samples: [4, 1, 2, 3, 4, 4],
    timeDeltas: [1_000, 2_000_000, 30, 30, 40, -5],
  };
  expect(hottest([profile, profile], '/repo', 1)).toEqual([
    { name: 'work', location: 'services/x/dist/work.js', line: 10, share: 0.6 },
    { name: '(anonymous)', location: 'lib/index.js', line: 10, share: 0.4 },
  ]);
  expect(hottest([profile], '/repo', 1, 1)).toHaveLength(1);
});

describe('the command line', () => {
  test('has defaults, and smaller ones for a quick pass', () => {
    expect(parseBench(['redirect'])).toMatchObject({ bench: 'redirect', rounds: 5, seconds: 5, json: false });
    expect(parseBench(['redirect', '--quick'])).toMatchObject({ rounds: 1, seconds: 1, quick: true });
    expect(parseBench(['allocate', '--quick', '--rounds', '3'])).toMatchObject({ rounds: 3, seconds: 1 });
    expect(parseBench(['allocate'])).toMatchObject({ kills: 12, ids: 1e9, only: [] });
    expect(parseBench(['allocate', '--quick', '--kills', '2'])).toMatchObject({ kills: 2, ids: 5e6 });
    expect(parseBench(['allocate', '--only', 'leases-1', '--only', 'writes'])).toMatchObject({
      only: ['leases-1', 'writes'],
    });
    expect(parseBench(['--help'])).toBe('help');
  });

  test.each([
    [[]],
    [['x']],
    [['redirect', 'shorten']],
    [['redirect', '--rounds', '0']],
    [['redirect', '--seconds', '1e9']],
    [['redirect', '--no-such']],
    [['redirect', '--only', 'leases-1']],
    [['allocate', '--kills', '0']],
  ])('refuses %j', (args) => {
    expect(() => parseBench(args)).toThrow();
  });
});

test('the report names what was met, what was missed, and what was left out', () => {
  const report = makeReport({
    bench: 'redirect',
    quick: true,
    rounds: 1,
    secondsPerRound: 1,
    machine: { cpu: 'c', cores: 2, node: '20.0.0', platform: 'linux x64' },
    notes: ['pinned'],
    trials: [
      {
        id: 't',
        title: 'Trial',
        figures: [
          figure({ name: 'pause', unit: 'ms', what: 'how long' }, [3, 1, 2], 2),
          figure({ name: 'longest', unit: 'ms', what: 'how long' }, [0.5], 1),
        ],
        skipped: [{ name: 'a server', reason: 'not installed' }],
      },
    ],
    groups: [
      {
        id: 'g',
        title: 'Group',
        unit: 'requests/s',
        subjects: [
          { name: 'ours', role: 'ours', what: 'it', values: [1000], median: 1000, min: 1000, max: 1000, p50Ms: 1 },
        ],
        ratios: [
          {
            ours: 'ours',
            against: 'them',
            perRound: [0.5],
            median: 0.5,
            min: 0.5,
            max: 0.5,
            target: { atLeast: 1, met: false },
          },
          {
            ours: 'ours',
            against: 'the limit',
            perRound: [1.05],
            median: 1.05,
            min: 1.05,
            max: 1.05,
            target: { atMost: 1.1, met: true },
          },
        ],
        skipped: [{ name: 'nginx', reason: 'not here' }],
      },
    ],
    profiles: [{ subject: 'ours', functions: [{ name: 'f', location: 'x.js', line: 3, share: 0.25 }] }],
  });
  expect(report.targets).toEqual({ met: 2, missed: 2 });
  const text = formatReport(report);
  expect(text).toContain('ours ÷ them       0.50 (0.50 – 0.50)  target ≥ 1: MISSED');
  expect(text).toContain('ours ÷ the limit  1.05 (1.05 – 1.05)  target ≤ 1.1: met');
  expect(text).toContain('skipped: nginx: not here');
  expect(text).toContain('its figures mean nothing');
  expect(text).toMatch(/25\.0 %\s+f\s+x\.js:3/);
  expect(text).toMatch(/pause +ms +2 +3 +1 – 3 +3 +bound ≤ 2: MISSED\n/);
  expect(text).toMatch(/longest +ms +0\.5 +bound ≤ 1: met\n/);
  expect(text).toContain('  pause, longest: how long\n');
  expect(text).toContain('skipped: a server: not installed');
  expect(text).toContain('targets: 2 met, 2 missed');
});
