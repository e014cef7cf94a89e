import { keepCopy } from '../src/cluster/keep-copy.js';

const HOUR_MS = 3_600_000;
const nowMs = 1_790_000_000_000;
const clock = { nowMs: () => nowMs };

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('what no copy needs to hear of any more is forgotten in pieces, also by a server that has none', async () => {
  const forget = jest.fn().mockResolvedValueOnce(500).mockResolvedValue(7);
  const stop = keepCopy({ keeper: undefined, changeLog: { forget }, clock, log: undefined });
  await jest.advanceTimersByTimeAsync(61_000);
  expect(forget.mock.calls).toEqual([
    [nowMs - HOUR_MS, 500],
    [nowMs - HOUR_MS, 500],
  ]);
  await stop();
  await jest.advanceTimersByTimeAsync(600_000);
  expect(forget).toHaveBeenCalledTimes(2);
});

test('a stop waits for the statement and for the rounds in hand', async () => {
  let done = (_rows: number) => {};
  let kept = () => {};
  const forget = () =>
    new Promise<number>((resolve) => {
      done = resolve;
    });
  const keeper = {
    start: () => () =>
      new Promise<void>((resolve) => {
        kept = resolve;
      }),
  };
  const stop = keepCopy({ keeper, changeLog: { forget }, clock, log: undefined });
  await jest.advanceTimersByTimeAsync(61_000);
  let isStopped = false;
  const stopped = stop().then(() => {
    isStopped = true;
  });
  for (const each of [() => done(0), () => kept()]) {
    await jest.advanceTimersByTimeAsync(10);
    expect(isStopped).toBe(false);
    each();
  }
  await stopped;
});

test('a database that is away is asked again a minute later', async () => {
  const forget = jest.fn().mockRejectedValueOnce(new Error('away')).mockResolvedValue(0);
  const debug = jest.fn();
  const stop = keepCopy({ keeper: undefined, changeLog: { forget }, clock, log: { debug } });
  await jest.advanceTimersByTimeAsync(121_000);
  expect([forget.mock.calls.length, debug.mock.calls.length]).toEqual([2, 1]);
  await stop();
});
