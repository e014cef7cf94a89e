import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@lakh/local';
import { describeFault, FAULTS, type FaultName } from '../src/catalogue';
import { SkewedClock } from '../src/clock';
import { MAKE } from '../src/faults/index';
import { HistoryWriter, readHistory } from '../src/history';
import { listFaults, parseCommandLine } from '../src/options';
import { createRandom } from '../src/random';
import { formatResult } from '../src/report';
import { type Step, schedule } from '../src/schedule';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-nemesis-parts-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const steps = (seed: number, count: number, faults: readonly FaultName[] = FAULTS): Step[] => {
  const plan = schedule(faults, createRandom(seed).next);
  return Array.from({ length: count }, () => plan.next().value);
};

describe('the schedule', () => {
  test('is the same for the same seed, and another one for another', () => {
    expect(steps(1, 100)).toEqual(steps(1, 100));
    expect(steps(1, 100)).not.toEqual(steps(2, 100));
  });

  test('has every fault once in each round, and by itself in the first', () => {
    const all = steps(3, 3 * FAULTS.length);
    for (let round = 0; round < 3; round += 1) {
      const made = all.slice(round * FAULTS.length, (round + 1) * FAULTS.length).map(([fault]) => fault);
      expect([...made].sort()).toEqual([...FAULTS].sort());
    }
    expect(all.slice(0, FAULTS.length).every((step) => step.length === 1)).toBe(true);
  });

  test('later has companions, which touch nothing of what the fault touches', () => {
    const pairs = steps(4, 40 * FAULTS.length).filter((step) => step.length === 2) as [FaultName, FaultName][];
    expect(pairs.length).toBeGreaterThan(100);
    for (const [fault, companion] of pairs) {
      const touched = describeFault(fault).touches;
      expect(describeFault(companion).touches.filter((part) => touched.includes(part))).toEqual([]);
    }
  });

  test('of one fault is that fault', () => {
    expect(steps(5, 3, ['kill-shorten'])).toEqual([['kill-shorten'], ['kill-shorten'], ['kill-shorten']]);
  });
});

test('every fault of the list can be made', () => {
  expect(Object.keys(MAKE).sort()).toEqual([...FAULTS].sort());
});

describe('the command line', () => {
  test('has defaults', () => {
    expect(parseCommandLine([])).toEqual({ minutes: 5, seed: undefined, only: undefined, json: false, dir: undefined });
  });

  test('is read', () => {
    const args = [
      '--minutes',
      '0.5',
      '--seed',
      '7',
      '--only',
      'kill-redis,cut-redis,kill-redis',
      '--json',
      '--dir',
      'd',
    ];
    expect(parseCommandLine(args)).toEqual({
      minutes: 0.5,
      seed: 7,
      only: ['kill-redis', 'cut-redis'],
      json: true,
      dir: 'd',
    });
    expect(parseCommandLine(['--help', '--minutes', 'x'])).toBe('help');
    expect(parseCommandLine(['--list'])).toBe('list');
  });

  test.each([
    [['--minutes', '0']],
    [['--minutes', '61']],
    [['--minutes', '1e1']],
    [['--seed=-1']],
    [['--seed', '2147483648']],
    [['--only', 'kill-shorten,kill-nobody']],
    [['--nonsense']],
    [['word']],
  ])('%j is refused by name', (args) => {
    expect(() => parseCommandLine(args)).toThrow(UsageError);
    expect(() => parseCommandLine(args)).toThrow(args.at(-1)?.split(/[,=]/).at(-1));
  });

  test('--list has a line for each fault', () => {
    expect(listFaults().trimEnd().split('\n')).toHaveLength(FAULTS.length);
  });
});

describe('a history file', () => {
  test('gives back what was written, in its order', async () => {
    const history = new HistoryWriter(join(dir, 'history.jsonl'));
    const events = [
      { type: 'run', seed: 1, startedAt: 'now', rangeSize: 1, firstMark: 1, staleMs: 1 },
      { type: 'alarm', server: 'a', message: 'b\nc' },
    ] as const;
    for (const event of events) history.add(event);
    // Before it is closed: a run that dies leaves what it knew.
    expect(readFileSync(history.file, 'utf8').split('\n')).toHaveLength(3);
    history.close();
    const found = [];
    for await (const event of readHistory(history.file)) found.push(event);
    expect(found).toEqual(events);
  });
});

test('a clock is skewed through its file', () => {
  const clock = new SkewedClock(dir, '/lib/libfaketime.so.1');
  const offset = (): string => readFileSync(clock.environment.FAKETIME_TIMESTAMP_FILE as string, 'utf8');
  expect(offset()).toBe('+0\n');
  clock.set(-3600);
  expect(offset()).toBe('-3600\n');
});

test('the answer has the table of faults, what was lost and why, and the seed in its verdict', () => {
  const verdict = {
    seed: 42,
    violations: [] as string[],
    requests: { create: 10, read: 5, delete: 1 },
    failedCreates: 2,
    links: { links: 8, lostLinks: 1, deleted: 1 },
    counters: { used: 8, leased: 10, lost: [{ reason: 'a reason', counters: 2, ranges: [{ start: 8, end: 10 }] }] },
    faults: [{ fault: 'kill-redis', times: 3, seconds: 1.25, acknowledged: 7, failed: 2 }],
    repairs: [{ witness: 'zookeeper', refusal: 'mark_missing', how: 'put-mark' }],
  } as const;
  const result = { verdict, historyFile: 'h', leftOut: ['skew-clock'] } as const;
  const text = formatResult(result);
  for (const part of [
    /kill-redis +3 +1\.3 +7 +2/,
    /a reason +2 +8–9/,
    'zookeeper: mark_missing; repair: put-mark',
    'skew-clock was left out',
    'seed 42: no code twice among 8',
  ]) {
    expect(text).toMatch(part);
  }
  const broken = { ...verdict, violations: Array.from({ length: 30 }, (_, i) => `violation ${i}`) };
  expect(formatResult({ ...result, verdict: broken })).toMatch(
    /seed 42: 30 violations\n {2}violation 0\n[\s\S]*and 10 more/,
  );
});
