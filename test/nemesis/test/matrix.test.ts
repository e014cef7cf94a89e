import { isDecided } from '../src/matrix/load';
import { VITESS_FAULTS } from '../src/matrix/matrix-faults';
import { listMatrix, parseMatrixCommand, SHORT_FAULTS } from '../src/matrix/matrix-options';
import { formatMatrix } from '../src/matrix/table';
import { Tally } from '../src/matrix/tally';
import { LinkTruth } from '../src/matrix/truth';

const to = (url: string) => ({ leadsTo: url });

describe('what a read of a link may be', () => {
  const made = () => new LinkTruth(to('a'), 0, 10);

  test('what it was made as, also before its maker knows', () => {
    expect(made().judge(to('a'), 5, 8)).toEqual({ is: 'right' });
    expect(made().judge(to('b'), 20, 21)).toEqual({ is: 'wrong' });
  });

  test('while a change is under way, either', () => {
    const truth = made();
    const change = truth.change(to('b'), 20);
    expect(truth.judge(to('a'), 30, 31)).toEqual({ is: 'right' });
    expect(truth.judge(to('b'), 30, 31)).toEqual({ is: 'right' });
    expect(truth.judge(to('b'), 15, 19)).toEqual({ is: 'wrong' });
    change.acknowledged(40);
    expect(truth.judge(to('a'), 35, 50)).toEqual({ is: 'right' });
    expect(truth.judge(to('a'), 45, 50)).toEqual({ is: 'stale', lateMs: 5 });
  });

  test('a refused change was none', () => {
    const truth = made();
    truth.change('gone', 20).refused();
    expect(truth.judge('gone', 30, 31)).toEqual({ is: 'wrong' });
    expect(truth.face).toEqual(to('a'));
  });

  test('a change of which nobody heard is possible for ever, and so is what was before', () => {
    const truth = made();
    truth.change('gone', 20);
    expect(truth.face).toBeUndefined();
    expect(truth.judge('gone', 1_000, 1_001)).toEqual({ is: 'right' });
    expect(truth.judge(to('a'), 1_000, 1_001)).toEqual({ is: 'right' });
  });

  test('how late counts from the first change after what was read', () => {
    const truth = made();
    truth.change(to('b'), 20).acknowledged(30);
    truth.change(to('c'), 40).acknowledged(50);
    expect(truth.judge(to('a'), 100, 101)).toEqual({ is: 'stale', lateMs: 70 });
    expect(truth.judge(to('b'), 100, 101)).toEqual({ is: 'stale', lateMs: 50 });
  });
});

test('of a delete that failed nobody knows what came of it: the gateway may have sent it before', () => {
  const refused = { status: 503, body: '{"code":"store_unavailable"}' };
  expect(isDecided('edit', refused)).toBe(true);
  expect(isDecided('delete', refused)).toBe(false);
  expect(isDecided('edit', { status: 503, body: '{"code":"store_outcome_unknown"}' })).toBe(false);
  expect(isDecided('delete', { status: 204, body: '' })).toBe(true);
});

test('the command line names faults, all by default', () => {
  const all = parseMatrixCommand([]);
  const short = parseMatrixCommand(['--short']);
  expect(typeof all === 'object' && all.faults.length).toBeGreaterThan(SHORT_FAULTS.length);
  expect(short).toMatchObject({ faults: SHORT_FAULTS });
  expect(parseMatrixCommand(['--only', 'none,redis-killed', '--seed', '7'])).toMatchObject({
    faults: ['none', 'redis-killed'],
    seed: 7,
  });
  expect(parseMatrixCommand(['--vitess'])).toMatchObject({ faults: VITESS_FAULTS });
  expect(typeof all === 'object' && all.faults.filter((name) => VITESS_FAULTS.includes(name))).toEqual([]);
  expect(parseMatrixCommand(['--only', 'shard-split'])).toMatchObject({ faults: ['shard-split'] });
  expect(() => parseMatrixCommand(['--short', '--vitess'])).toThrow('--short and --vitess: give one of them');
  expect(() => parseMatrixCommand(['--only', 'nonesuch'])).toThrow('--list');
  expect(() => parseMatrixCommand(['--short', '--only', 'none'])).toThrow('one of them');
  expect(listMatrix()).toContain('redis-from-snapshot');
});

test('the table tells of each operation how many failed and until when', () => {
  const tally = new Tally(1_000);
  tally.add('create', 1_100, 1_200, undefined);
  tally.add('create', 1_500, 3_500, '503');
  const findings = { wrong: [], stale: 1, tooStale: 0, mostStaleMs: 120 };
  const text = formatMatrix({
    rows: [{ fault: 'none', seconds: 4, tally, findings, lost: [], violations: ['a bad thing'] }],
    skipped: [{ fault: 'primary-disk-full', why: 'only root may' }],
  });
  expect(text).toMatch(/none +0\/0 +– +1\/2 +2\.5 s +0\/0 +– +0\/0 +– +0 +0 +0 +0\.12 s/);
  expect(text).toContain('primary-disk-full skipped: only root may\n');
  expect(text).toContain('1 violations:\n  none: a bad thing');
});

test('a fault that had to be prepared begins when it says so', () => {
  const tally = new Tally(1_000);
  tally.add('create', 1_100, 1_200, '503');
  tally.begin(3_000);
  expect(tally.of('create')).toMatchObject({ asked: 1, failed: 1 });
  tally.add('create', 3_100, 3_500, '503');
  expect(tally.of('create')).toMatchObject({ asked: 2, failed: 2, recoveredAfterMs: 500 });
});
