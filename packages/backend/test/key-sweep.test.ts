import { IDEMPOTENCY_KEY_KEPT_MS } from '@lakh/links';
import { MemoryReservationStore, SampleLinks } from '@lakh/testkit';
import { startKeySweep } from '../src/key-sweep.js';

const nowMs = 1_790_000_000_000;
const clock = { nowMs: () => nowMs };
const RESTORE_MS = 30 * 24 * 60 * 60 * 1000;
const links = { forgetReceipts: async () => 0, deleted: { forget: async () => 0 } };

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

async function reserved(count: number, reservedAtMs: number, reservations = new MemoryReservationStore()) {
  const sample = new SampleLinks();
  for (let i = 0; i < count; i += 1) {
    const { kind, code, counter, insertId } = sample.generated();
    const key = `${reservedAtMs} ${i}`;
    await reservations.reserve(key, { kind, code, counter, insertId, requestHash: '', reservedAtMs });
  }
  return reservations;
}

test('what nobody goes by any more is forgotten within minutes, in pieces, and nothing else', async () => {
  const reservations = await reserved(1_200, nowMs - IDEMPOTENCY_KEY_KEPT_MS - 60_001);
  await reserved(3, nowMs - IDEMPOTENCY_KEY_KEPT_MS - 59_999, reservations);
  const forget = jest.spyOn(reservations, 'forget');
  const forgetReceipts = jest.fn().mockResolvedValueOnce(500).mockResolvedValue(7);
  const forgetDeleted = jest.fn().mockResolvedValueOnce(500).mockResolvedValueOnce(500).mockResolvedValue(0);
  const stop = startKeySweep({
    reservations,
    links: { forgetReceipts, deleted: { forget: forgetDeleted } },
    restoreMs: RESTORE_MS,
    clock,
    log: undefined,
  });
  await jest.advanceTimersByTimeAsync(61_000);
  expect(reservations.size).toBe(3);
  expect([forget.mock.calls.length, forgetReceipts.mock.calls.length]).toEqual([3, 2]);
  expect(forgetDeleted.mock.calls).toEqual(Array(3).fill([nowMs - RESTORE_MS - 60_000, 500]));
  await stop();
  await jest.advanceTimersByTimeAsync(600_000);
  expect(forget.mock.calls).toHaveLength(3);
});

test('a store that is away is asked again a minute later', async () => {
  const reservations = await reserved(1, 0);
  const forget = jest.spyOn(reservations, 'forget').mockRejectedValueOnce(new Error('away'));
  const debug = jest.fn();
  const stop = startKeySweep({ reservations, links, restoreMs: RESTORE_MS, clock, log: { debug } });
  await jest.advanceTimersByTimeAsync(61_000);
  expect([reservations.size, debug.mock.calls.length]).toEqual([1, 1]);
  await jest.advanceTimersByTimeAsync(60_000);
  expect([reservations.size, forget.mock.calls.length]).toEqual([0, 2]);
  await stop();
});

test('a stop waits for the statement in hand, and for no other', async () => {
  let done = (_rows: number) => {};
  const forget = jest.fn(
    () =>
      new Promise<number>((resolve) => {
        done = resolve;
      }),
  );
  const stop = startKeySweep({ reservations: { forget }, links, restoreMs: RESTORE_MS, clock, log: undefined });
  await jest.advanceTimersByTimeAsync(61_000);
  let isStopped = false;
  const stopped = stop().then(() => {
    isStopped = true;
  });
  await jest.advanceTimersByTimeAsync(1_000);
  expect(isStopped).toBe(false);
  done(500);
  await stopped;
  expect(forget).toHaveBeenCalledTimes(1);
});
