import { bucketOf } from '@lakh/links';
import type { Session } from '../src/index.js';
import { SqlFailure } from '../src/index.js';
import { ReplicatedLane } from '../src/links/replicated-lane.js';
import type { LanePool } from '../src/wire/lanes.js';

const CODE = 'abc';
const BUCKET = bucketOf(0, CODE);
const LINK = { domainId: 0, code: CODE };
const nonceOf = (seq: number): string => String(seq).padStart(16, '0');
const at = (seq: number) => ({ seq, nonce: nonceOf(seq) });

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** A lane whose primary has the log of one bucket at `seq`. */
function start() {
  const primary = { seq: 7, isAway: false, asked: 0, answersAfterMs: 0 };
  const replicas = { isAway: false };
  const session = {
    async query() {
      primary.asked += 1;
      const { seq, answersAfterMs } = primary;
      await new Promise((resolve) => setTimeout(resolve, answersAfterMs));
      if (primary.isAway) throw new SqlFailure('lost', 'away');
      return { rows: [[BUCKET.toString(16).padStart(2, '0'), seq, nonceOf(seq)]], affectedRows: 0 };
    },
  } as unknown as Session;
  const run = (work: (session: Session) => Promise<unknown>) => work(session);
  const pool = (state: { readonly isAway: boolean }, name: string) =>
    ({
      name,
      deadlineMs: 1_000,
      get available() {
        return !state.isAway;
      },
      run,
      read: run,
      close() {},
    }) as unknown as LanePool;
  const lane = new ReplicatedLane({
    primary: pool(primary, '-80'),
    replicas: pool(replicas, '-80@replica'),
    buckets: [BUCKET],
  });
  /** What is believed of a replica's answer that takes `tookMs` and shows the log at `shown`. */
  const ask = async (shown: { seq: number; nonce: string } | undefined, tookMs = 0) => {
    const reader = lane.reader();
    if (reader === undefined) return 'nobody';
    const answered = reader.read(() => new Promise<void>((resolve) => setTimeout(resolve, tookMs)), 1_000);
    await pass(tookMs);
    await answered;
    return reader.lagOf?.(LINK, shown);
  };
  return { lane, primary, replicas, ask };
}

async function reading() {
  const started = start();
  started.lane.replicasServe(true);
  expect(await started.ask(at(7))).toBe('nobody');
  await pass(1);
  return started;
}

test('without replicas nobody is asked, and no primary where its log stands', async () => {
  const { ask, primary, lane } = start();
  expect(await ask(at(7))).toBe('nobody');
  await pass(1_000);
  expect(primary.asked).toBe(0);
  lane.close();
});

test('a row is as old as the primary’s last answer that has the bucket’s log at the same place', async () => {
  const { ask, lane } = await reading();
  await pass(100);
  expect(await ask(at(7))).toBe(101);
  await pass(160);
  expect(await ask(at(7))).toBeLessThan(20);
  lane.close();
});

test('the age is that of the question, and counts from when the replica was asked', async () => {
  const { ask, primary, lane } = await reading();
  primary.answersAfterMs = 200;
  await pass(600);
  const lag = await ask(at(7));
  expect(lag).toBeGreaterThanOrEqual(150);
  // The primary was asked after the replica was: the row is no older than its question.
  expect(await ask(at(7), 600)).toBe(0);
  lane.close();
});

test.each([
  ['behind', at(6)],
  ['ahead', at(8)],
  ['of another history', { seq: 7, nonce: nonceOf(9) }],
  ['not told', undefined],
])('a place that is %s proves nothing: the primary is asked', async (_, shown) => {
  const { ask, lane } = await reading();
  expect(await ask(shown)).toBeUndefined();
  lane.close();
});

test('a change on the primary is known with its next answer', async () => {
  const { ask, primary, lane } = await reading();
  primary.seq = 8;
  expect(await ask(at(7))).toBe(1);
  await pass(300);
  expect(await ask(at(7))).toBeUndefined();
  expect(await ask(at(8))).toBeLessThan(300);
  lane.close();
});

test('a primary that does not answer proves nothing for longer than two seconds; once it is known to be away, an old answer is better than none', async () => {
  const { ask, primary, lane } = await reading();
  const { available } = lane;
  expect(available).toBe(true);
  primary.answersAfterMs = 60_000;
  await pass(1_000);
  expect(await ask(at(7))).toBeGreaterThan(900);
  await pass(1_500);
  expect(await ask(at(7))).toBe('nobody');
  primary.isAway = true;
  expect(await ask(at(6))).toBe(Number.POSITIVE_INFINITY);
  lane.close();
});

test('replicas that are away, or serve no more, are not asked', async () => {
  const { ask, replicas, lane } = await reading();
  replicas.isAway = true;
  expect(await ask(at(7))).toBe('nobody');
  replicas.isAway = false;
  lane.replicasServe(false);
  expect(await ask(at(7))).toBe('nobody');
  lane.close();
});

test('a primary that nobody’s reads need is asked no more', async () => {
  const { ask, primary, lane } = await reading();
  await pass(10_000);
  const { asked } = primary;
  expect(asked).toBeLessThan(12);
  await pass(10_000);
  expect(primary.asked).toBe(asked);
  expect(await ask(at(7))).toBe('nobody');
  await pass(1);
  expect(await ask(at(7))).toBe(1);
  lane.close();
});
