import { Turns } from '../src/turns.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const WAIT_MS = 1_000;
const open = () => new Turns({ atOnce: 2, queuedMax: 2, waitMs: WAIT_MS });

test('so many have a turn, so many wait for one in their order, and one more has none', async () => {
  const turns = open();
  expect([turns.enter(), turns.enter()]).toEqual([true, true]);
  const came: string[] = [];
  for (const name of ['first', 'second'])
    void Promise.resolve(turns.enter()).then((has) => came.push(`${name} ${has}`));
  expect([turns.enter(), turns.size]).toEqual([false, 4]);
  turns.leave();
  await jest.advanceTimersByTimeAsync(0);
  expect(came).toEqual(['first true']);
  turns.leave();
  await jest.advanceTimersByTimeAsync(0);
  expect(came).toEqual(['first true', 'second true']);
  expect([turns.enter(), turns.size]).toEqual([expect.any(Promise), 3]);
  for (let count = 0; count < 3; count += 1) turns.leave();
  expect([turns.size, turns.enter(), jest.getTimerCount()]).toEqual([0, true, 0]);
});

test('each waits for so long, counted from when it came, and leaves no timer behind', async () => {
  const turns = open();
  turns.enter();
  turns.enter();
  const came: string[] = [];
  void Promise.resolve(turns.enter()).then((has) => came.push(`first ${has}`));
  await jest.advanceTimersByTimeAsync(WAIT_MS / 2);
  void Promise.resolve(turns.enter()).then((has) => came.push(`second ${has}`));
  await jest.advanceTimersByTimeAsync(WAIT_MS / 2);
  expect(came).toEqual(['first false']);
  expect(turns.size).toBe(3);
  await jest.advanceTimersByTimeAsync(WAIT_MS / 2);
  expect(came).toEqual(['first false', 'second false']);
  expect([turns.size, jest.getTimerCount()]).toEqual([2, 0]);
});
