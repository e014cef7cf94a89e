import { type CounterRange, WitnessUnavailableError } from '@lakh/id-range';
import { SimulatedClock } from '@lakh/testkit';
import { LeaseLoop, type LeaseLoopOptions } from '../src/lease-loop.js';
import { RangeTap } from './support.js';

const DOWN = new WitnessUnavailableError('down');

function setUp(options: Partial<LeaseLoopOptions> = {}) {
  const clock = new SimulatedClock();
  const source = new RangeTap(clock);
  const leased: CounterRange[] = [];
  const failures: unknown[] = [];
  const loop = new LeaseLoop(
    {
      source,
      clock,
      random: () => 0,
      rangeSize: 10,
      backoffFirstMs: 100,
      backoffCapMs: 1000,
      observer: {
        leaseFailed: (error, attempt, retryInMs) => failures.push({ error, attempt, retryInMs }),
        lost: () => {},
      },
      ...options,
    },
    (range) => leased.push(range),
  );
  return { clock, source, leased, failures, loop };
}

function started(options: Partial<LeaseLoopOptions> = {}) {
  const all = setUp(options);
  all.loop.start();
  return all;
}

describe('a loop of leases', () => {
  test('that was not started, or was stopped, is not woken', async () => {
    const { clock, loop, source } = setUp();
    expect(loop.running).toBe(false);
    loop.wake(0);
    expect(clock.pendingTimers).toBe(0);
    loop.start();
    loop.stop();
    loop.wake(0);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(10_000);
    expect(source.calls).toBe(0);
    expect(loop.running).toBe(false);
  });

  test('makes one attempt when it is asked to, and is at rest after it', async () => {
    const { clock, loop, source, leased } = started();
    loop.wake(50);
    expect(loop.dueInMs).toBe(50);
    await clock.advance(49);
    expect([loop.dueInMs, source.calls]).toEqual([1, 0]);
    await clock.advance(1);
    expect([loop.dueInMs, source.calls]).toEqual([0, 1]);
    await clock.advance(10_000);
    expect(leased).toEqual([{ start: 100_000, end: 100_010 }]);
    expect(source.calls).toBe(1);
    expect(loop.dueInMs).toBe(0);
  });

  test('keeps the earliest of the moments that it is asked for', async () => {
    const { clock, loop, source } = started();
    loop.wake(500);
    loop.wake(900);
    expect(loop.dueInMs).toBe(500);
    loop.wake(200);
    expect(loop.dueInMs).toBe(200);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(10_000);
    expect(source.calls).toBe(1);
  });

  test('that is asked for the same moment again keeps the timer that it has', () => {
    const { clock, loop } = started();
    const schedule = jest.spyOn(clock, 'schedule');
    loop.wake(200);
    loop.wake(200);
    expect(schedule).toHaveBeenCalledTimes(1);
  });

  test('is not woken while an attempt is in flight', async () => {
    const { clock, loop, source } = started();
    source.latencyMs = 100;
    loop.wake(0);
    expect(loop.inFlight).toBe(false);
    await clock.advance(50);
    expect(loop.inFlight).toBe(true);
    loop.wake(0);
    expect(loop.dueInMs).toBe(0);
    await clock.advance(10_000);
    expect(source.calls).toBe(1);
    expect(loop.inFlight).toBe(false);
  });

  test('is settled when the attempt in flight has ended', async () => {
    const { clock, loop, source, leased } = started();
    source.latencyMs = 100;
    await loop.settled();
    loop.wake(0);
    await clock.advance(50);
    const settled = loop.settled().then(() => leased.length);
    await clock.advance(100);
    expect(await settled).toBe(1);
  });

  test('a backoff is shortened by nobody, and its pauses double up to the cap', async () => {
    const { clock, loop, source, failures } = started();
    source.fails = DOWN;
    loop.wake(0);
    await clock.advance(10);
    expect(loop.lastError).toBe(DOWN);
    loop.wake(0);
    expect(source.calls).toBe(1);
    expect(loop.dueInMs).toBe(43);
    await clock.advance(10_000);
    // With 0 drawn each pause is half of the longest.
    expect(failures.slice(0, 6)).toEqual(
      [50, 100, 200, 400, 500, 500].map((retryInMs, i) => ({ error: DOWN, attempt: i + 1, retryInMs })),
    );
  });

  test('pauses after failures are between half of the longest and all of it', async () => {
    const { clock, loop, source, failures } = started({ random: () => 0.5 });
    source.fails = DOWN;
    loop.wake(0);
    await clock.advance(10);
    expect(failures).toEqual([{ error: DOWN, attempt: 1, retryInMs: 75 }]);
  });

  test('a success ends the backoff: the next failure counts from one, and its pause is the first again', async () => {
    const { clock, loop, source, failures } = started();
    source.fails = DOWN;
    loop.wake(0);
    await clock.advance(1000);
    source.fails = undefined;
    await clock.advance(1000);
    expect(loop.lastError).toBeUndefined();
    source.fails = DOWN;
    failures.length = 0;
    loop.wake(0);
    await clock.advance(10);
    expect(failures).toEqual([{ error: DOWN, attempt: 1, retryInMs: 50 }]);
  });

  test('that is stopped while it waits leaves no timer', async () => {
    const { clock, loop, source } = started();
    loop.wake(100);
    loop.stop();
    expect([clock.pendingTimers, loop.dueInMs]).toEqual([0, 0]);
    await clock.advance(10_000);
    expect(source.calls).toBe(0);
  });

  test('that is stopped in flight tells of what comes, and begins no other attempt', async () => {
    for (const fails of [undefined, DOWN]) {
      const { clock, loop, source, leased, failures } = started();
      source.fails = fails;
      loop.wake(0);
      await clock.advance(1);
      loop.stop();
      await clock.advance(10_000);
      expect([leased.length, failures.length]).toEqual(fails ? [0, 1] : [1, 0]);
      expect([source.calls, clock.pendingTimers]).toEqual([1, 0]);
    }
  });

  test('its latency is the first lease’s, then a mean in which the newest one counts for a fifth', async () => {
    const { clock, loop, source } = started();
    expect(loop.latencyMs).toBe(0);
    const leaseIn = async (latencyMs: number) => {
      source.latencyMs = latencyMs;
      loop.wake(0);
      await clock.advance(1000);
    };
    await leaseIn(100);
    expect(loop.latencyMs).toBe(100);
    await leaseIn(200);
    expect(loop.latencyMs).toBeCloseTo(120);
    await leaseIn(20);
    expect(loop.latencyMs).toBeCloseTo(100);
  });

  test('works with nobody watching', async () => {
    const clock = new SimulatedClock();
    const source = new RangeTap(clock);
    source.fails = DOWN;
    const loop = new LeaseLoop(
      { source, clock, random: () => 0, rangeSize: 10, backoffFirstMs: 1, backoffCapMs: 1 },
      () => {},
    );
    loop.start();
    loop.wake(0);
    await clock.advance(100);
    expect(source.calls).toBeGreaterThan(5);
  });
});
