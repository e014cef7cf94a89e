import { CopyWithdrawals, type WithdrawalOutcome } from '../src/copy-withdrawals';
import type { Invalidation } from '../src/index';

const changed = (code: string, version = 2): Invalidation => ({ domainId: 0, code, version });

/** Over a clock of its own; the copy is there while `isThere`. */
function setUp({ isThere = false } = {}) {
  const tried: string[] = [];
  const ends: WithdrawalOutcome[] = [];
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  const state = { isThere, nowMs: 0 };
  const withdrawals = new CopyWithdrawals({
    clock: {
      schedule(delayMs, run) {
        const timer = { atMs: state.nowMs + delayMs, run };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    },
    async withdraw({ code, version }) {
      tried.push(`${code}@${version}`);
      if (!state.isThere) throw new Error('away');
      return true;
    },
    onEnd: (outcome) => ends.push(outcome),
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  async function pass(ms: number): Promise<void> {
    await settle();
    const untilMs = state.nowMs + ms;
    for (;;) {
      const atMs = [...timers].reduce((first, timer) => Math.min(first, timer.atMs), Number.POSITIVE_INFINITY);
      if (atMs > untilMs) break;
      state.nowMs = atMs;
      for (const timer of [...timers].filter((each) => each.atMs === atMs)) {
        timers.delete(timer);
        timer.run();
      }
      await settle();
    }
    state.nowMs = untilMs;
  }
  return { withdrawals, state, tried, ends, pass, pending: () => timers.size };
}

test('what the copy has of before is taken out at once where the copy is there', async () => {
  const { withdrawals, tried, ends, pass } = setUp({ isThere: true });
  withdrawals.begin(changed('a'));
  await pass(10_000);
  expect([tried, ends, withdrawals.size]).toEqual([['a@2'], ['done'], 0]);
});

test('with the copy away it is tried for eight seconds, less often each time, and then given up', async () => {
  const { withdrawals, tried, ends, pass, pending } = setUp();
  withdrawals.begin(changed('a'));
  await pass(7_700);
  expect([tried.length, withdrawals.size]).toEqual([5, 1]);
  await pass(60_000);
  expect([tried.length, ends, withdrawals.size, pending()]).toEqual([6, ['given-up'], 0, 0]);
});

test('a copy that comes back within that time lacks it', async () => {
  const { withdrawals, state, ends, pass } = setUp();
  withdrawals.begin(changed('a'));
  await pass(4_000);
  state.isThere = true;
  await pass(4_000);
  expect(ends).toEqual(['done']);
});

test('the next change of the same link takes out the same: there is one at a time', async () => {
  const { withdrawals, tried, state, ends, pass } = setUp();
  for (let version = 2; version < 102; version += 1) withdrawals.begin(changed('a', version));
  expect(withdrawals.size).toBe(1);
  await pass(0);
  tried.length = 0;
  state.isThere = true;
  await pass(60_000);
  expect([tried, ends]).toEqual([['a@101'], ['done']]);
});

test('a thousand changes a second cost no more than so many at once: the oldest give way, and are counted', async () => {
  const { withdrawals, state, tried, ends, pass, pending } = setUp();
  for (let second = 0; second < 5; second += 1) {
    for (let i = 0; i < 1_000; i += 1) withdrawals.begin(changed(`c${second * 1_000 + i}`));
    await pass(1_000);
    expect([withdrawals.size, pending()]).toEqual([Math.min(1_024, (second + 1) * 1_000), withdrawals.size]);
  }
  expect(ends.filter((end) => end === 'overrun')).toHaveLength(5_000 - 1_024);
  tried.length = 0;
  state.isThere = true;
  await pass(8_000);
  expect(ends.filter((end) => end === 'done')).toHaveLength(1_024);
  // Those that gave way are tried no more.
  expect(new Set(tried)).toEqual(new Set(Array.from({ length: 1_024 }, (_, i) => `c${5_000 - 1_024 + i}@2`)));
});

test('nothing is tried once it has stopped', async () => {
  const { withdrawals, state, tried, ends, pass, pending } = setUp();
  withdrawals.begin(changed('a'));
  await pass(100);
  withdrawals.stop();
  state.isThere = true;
  await pass(60_000);
  expect([tried.length, ends, withdrawals.size, pending()]).toEqual([1, [], 0, 0]);
});
