import {
  COUNTER_SPACE_END,
  CounterSpaceEndedError,
  IdsExhaustedError,
  MarkForgotError,
  RangeAllocator,
  type RangeAllocatorOptions,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { SimulatedClock, seededRandom } from '@lakh/testkit';
import { RangeTap } from './support.js';

const FIRST = 100_000;
const DOWN = new WitnessUnavailableError('down');

function setUp(options: Partial<RangeAllocatorOptions> = {}) {
  const clock = new SimulatedClock();
  const source = new RangeTap(clock);
  const lost: unknown[] = [];
  const failures: { attempt: number; retryInMs: number }[] = [];
  const allocator = new RangeAllocator({
    source,
    clock,
    random: seededRandom(7),
    rangeSize: 100,
    waitMs: 1000,
    observer: {
      lost: (reason, range) => lost.push({ reason, range }),
      leaseFailed: (_error, attempt, retryInMs) => failures.push({ attempt, retryInMs }),
    },
    ...options,
  });
  return { allocator, clock, source, lost, failures };
}

async function started(options: Partial<RangeAllocatorOptions> = {}) {
  const all = setUp(options);
  all.allocator.start();
  await all.clock.advance(100);
  return all;
}

const take = (allocator: RangeAllocator, count: number) => Array.from({ length: count }, () => allocator.next());
const codeOf = (call: () => unknown) => {
  try {
    call();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'nothing thrown';
};

describe('issuing', () => {
  test('goes through the leased ranges in order, each counter once', async () => {
    const { allocator } = await started();
    expect(take(allocator, 200)).toEqual(Array.from({ length: 200 }, (_, i) => FIRST + i));
  });

  test('skips what lies between two ranges', async () => {
    const { allocator, clock, source } = setUp();
    source.script = [
      { start: 500, end: 502 },
      { start: 900, end: 901 },
      { start: 700, end: 702 },
    ];
    allocator.start();
    await clock.advance(100);
    const issued = [...take(allocator, 2)];
    await clock.advance(2000);
    issued.push(...take(allocator, 3));
    expect(issued).toEqual([500, 501, 900, 700, 701]);
  });

  test('is synchronous and does no I/O: a call only asks the clock for a lease later', async () => {
    const { allocator, clock, source } = await started();
    const before = source.calls;
    take(allocator, 200);
    expect(() => allocator.next()).toThrow(IdsExhaustedError);
    expect(source.calls).toBe(before);
    await clock.advance(100);
    expect(source.calls).toBeGreaterThan(before);
  });

  test('crosses the end of the 32-bit range, and reaches the last counter of the space', async () => {
    const { allocator, clock, source } = setUp();
    source.script = [
      { start: 2 ** 32 - 2, end: 2 ** 32 + 2 },
      { start: COUNTER_SPACE_END - 2, end: COUNTER_SPACE_END },
    ];
    allocator.start();
    await clock.advance(100);
    expect(take(allocator, 6)).toEqual([
      ...[4294967294, 4294967295, 4294967296, 4294967297],
      ...[COUNTER_SPACE_END - 2, COUNTER_SPACE_END - 1],
    ]);
  });
});

describe('prefetching', () => {
  test('holds a spare beyond the current range from the start, and no more while nothing is issued', async () => {
    const { allocator, clock, source } = await started();
    await clock.advance(3_600_000);
    expect(source.leased).toHaveLength(2);
    expect(allocator.snapshot()).toMatchObject({ state: 'ready', heldIds: 200, heldRanges: 2, sourceOk: true });
  });

  test('replaces a range that was used up, before the next one ends', async () => {
    const { allocator, clock, source } = await started({ runwayMs: 0 });
    take(allocator, 101);
    await clock.advance(2000);
    expect(source.leased).toHaveLength(3);
    expect(allocator.snapshot()).toMatchObject({ heldIds: 199, heldRanges: 2 });
  });

  test('holds as many ranges as the runway needs at the measured burn rate', async () => {
    const { allocator, clock } = await started({ runwayMs: 60_000, maxHeld: 1000 });
    for (let second = 0; second < 120; second += 1) {
      for (let tick = 0; tick < 10; tick += 1) {
        take(allocator, 5);
        await clock.advance(100);
      }
    }
    const { burnPerS, heldIds, runwayS } = allocator.snapshot();
    expect(burnPerS).toBeGreaterThan(45);
    expect(burnPerS).toBeLessThan(60);
    expect(heldIds).toBeGreaterThanOrEqual(50 * 60 - 100);
    expect(heldIds).toBeLessThan(60 * 60 + 200);
    expect(runwayS).toBeGreaterThan(55);
  });

  test('then goes on issuing for the whole runway while the source is down', async () => {
    const { allocator, clock, source } = await started({ runwayMs: 60_000, maxHeld: 1000 });
    const second = async () => {
      take(allocator, 50);
      await clock.advance(1000);
    };
    for (let i = 0; i < 120; i += 1) await second();
    source.fails = DOWN;
    for (let i = 0; i < 59; i += 1) await second();
    expect(allocator.snapshot().state).toBe('degraded');
  });

  test('never holds more than maxHeld ranges, however fast counters burn', async () => {
    const { allocator, clock } = await started({ maxHeld: 5 });
    let most = 0;
    for (let i = 0; i < 300; i += 1) {
      for (let j = 0; j < 90 && allocator.snapshot().heldIds > 0; j += 1) allocator.next();
      await clock.advance(100);
      most = Math.max(most, allocator.snapshot().heldRanges);
    }
    expect(most).toBe(5);
  });

  test('lets go of a runway that is not needed any more: idle for an hour, then only the spare is replaced', async () => {
    const { allocator, clock, source } = await started({ runwayMs: 60_000, maxHeld: 50 });
    for (let i = 0; i < 60; i += 1) {
      take(allocator, 50);
      await clock.advance(1000);
    }
    await clock.advance(3_600_000);
    const { heldIds } = allocator.snapshot();
    const leases = source.leased.length;
    take(allocator, heldIds - 150);
    await clock.advance(1);
    expect(source.leased).toHaveLength(leases);
  });

  test('does not wait for the jitter when a burst eats the last range', async () => {
    const { allocator, clock, source } = await started({ prefetchJitterMs: 60_000, random: () => 0.999 });
    take(allocator, 101);
    await clock.advance(50);
    expect(source.leased).toHaveLength(2);
    take(allocator, 50);
    await clock.advance(50);
    expect(source.leased).toHaveLength(3);
  });

  test('waits a random moment when there is time, so that servers part', async () => {
    const moments = new Set<number>();
    for (let seed = 0; seed < 8; seed += 1) {
      const { allocator, clock, source } = await started({
        prefetchJitterMs: 10_000,
        runwayMs: 0,
        random: seededRandom(seed),
      });
      take(allocator, 101);
      for (let i = 0; i < 1000 && source.leased.length < 3; i += 1) await clock.advance(10);
      expect(source.leased).toHaveLength(3);
      moments.add(clock.monotonicMs());
    }
    expect(moments.size).toBeGreaterThan(4);
  });

  test('has one attempt in flight at most', async () => {
    const { allocator, clock, source } = setUp();
    source.latencyMs = 500;
    allocator.start();
    for (let i = 0; i < 50; i += 1) {
      codeOf(() => allocator.next());
      allocator.nextOrWait().catch(() => {});
      await clock.advance(50);
    }
    expect(source.mostInFlight).toBe(1);
  });
});

describe('ranges of differing sizes', () => {
  const ranges = (...sizes: number[]) =>
    sizes.map((size, i) => ({ start: 1000 * (i + 1), end: 1000 * (i + 1) + size }));

  test('small remainders are leased one after another until there is a range’s worth to spare', async () => {
    const { allocator, clock, source } = setUp({ prefetchJitterMs: 60_000, random: () => 0.999 });
    source.script = ranges(10, 30, 30, 30, 30, 100, 100);
    allocator.start();
    await clock.advance(1000);
    // 10 to issue from, and 30 + 30 + 30 + 30 behind it.
    expect(allocator.snapshot()).toMatchObject({ heldIds: 130, heldRanges: 5 });
    expect(source.script).toHaveLength(2);
  });

  test('maxHeld bounds what is held in counters, however many ranges they come in', async () => {
    const { allocator, clock, source } = setUp({ maxHeld: 3 });
    source.script = Array.from({ length: 2000 }, (_, i) => ({ start: 1000 * (i + 1), end: 1000 * (i + 1) + 10 }));
    allocator.start();
    let most = 0;
    for (let i = 0; i < 100; i += 1) {
      for (let j = 0; j < 50 && allocator.snapshot().heldIds > 0; j += 1) allocator.next();
      await clock.advance(200);
      most = Math.max(most, allocator.snapshot().heldIds);
    }
    expect(most).toBeGreaterThan(200);
    expect(most).toBeLessThanOrEqual(300);
  });

  test('a remainder bigger than the range size is held whole', async () => {
    const { allocator, clock, source } = setUp();
    source.script = ranges(350, 100, 100);
    allocator.start();
    await clock.advance(1000);
    expect(allocator.snapshot()).toMatchObject({ heldIds: 450, heldRanges: 2 });
  });

  test('with less than half a range’s worth left, short ranges are leased without waiting for the jitter', async () => {
    const { allocator, clock, source } = setUp({ prefetchJitterMs: 60_000, random: () => 0.999 });
    source.script = ranges(100, 100, 3, 3, 20, 100);
    allocator.start();
    await clock.advance(1000);
    take(allocator, 155);
    await clock.advance(50);
    expect(allocator.snapshot().heldIds).toBe(45 + 3 + 3);
  });
});

describe('a source that fails', () => {
  test('is asked for ever, with pauses that double up to the cap, and never sooner because somebody asks', async () => {
    const { allocator, clock, source, failures } = setUp({ backoffFirstMs: 100, backoffCapMs: 3000 });
    source.fails = DOWN;
    allocator.start();
    for (let i = 0; i < 360; i += 1) {
      codeOf(() => allocator.next());
      await clock.advance(10_000);
    }
    // An hour at 1.5 to 3 s a pause.
    expect(source.calls).toBeGreaterThan(3600 / 3);
    expect(source.calls).toBeLessThan(3600 / 1.5 + 20);
    failures.forEach(({ attempt, retryInMs }, i) => {
      expect(attempt).toBe(i + 1);
      const longestMs = Math.min(3000, 100 * 2 ** Math.min(i, 30));
      expect(retryInMs).toBeGreaterThanOrEqual(longestMs / 2);
      expect(retryInMs).toBeLessThanOrEqual(longestMs);
    });
    source.fails = undefined;
    await clock.advance(3000);
    expect(allocator.next()).toBe(FIRST);
  });

  test('degrades while something is held, exhausts after, and recovers by itself', async () => {
    const { allocator, clock, source } = await started();
    source.fails = DOWN;
    take(allocator, 150);
    await clock.advance(2000);
    expect(allocator.snapshot()).toMatchObject({
      state: 'degraded',
      heldIds: 50,
      sourceOk: false,
      lastErrorCode: 'witness_unavailable',
      lastErrorMessage: 'down',
    });
    take(allocator, 50);
    expect(codeOf(() => allocator.next())).toBe('ids_exhausted');
    expect(allocator.snapshot()).toMatchObject({ state: 'exhausted', heldIds: 0, heldRanges: 0, runwayS: 0 });
    source.fails = undefined;
    await clock.advance(5000);
    expect(allocator.snapshot()).toMatchObject({ state: 'ready', sourceOk: true, lastErrorCode: null });
    expect(allocator.next()).toBe(FIRST + 200);
  });

  test('is starting until it first succeeds', async () => {
    const { allocator, clock, source } = setUp();
    expect(allocator.snapshot().state).toBe('starting');
    source.fails = DOWN;
    allocator.start();
    await clock.advance(60_000);
    expect(allocator.snapshot()).toMatchObject({ state: 'starting', sourceOk: false });
    source.fails = undefined;
    await clock.advance(6000);
    expect(allocator.snapshot().state).toBe('ready');
  });

  test('with a refusal is kept in the state, and asked again, so that a repair is noticed', async () => {
    const { allocator, clock, source } = setUp();
    source.fails = new MarkForgotError(1, 2, 'the ledger');
    allocator.start();
    await clock.advance(60_000);
    expect(allocator.snapshot()).toMatchObject({ state: 'starting', lastErrorCode: 'zookeeper_forgot' });
    expect(() => allocator.next()).toThrow(/zookeeper_forgot/);
    source.fails = undefined;
    await clock.advance(5000);
    expect(allocator.next()).toBe(FIRST);
  });

  test('says with exhaustion when it will be asked next', async () => {
    const { allocator, clock, source } = setUp({ backoffFirstMs: 4000, random: () => 1 });
    source.fails = DOWN;
    allocator.start();
    await clock.advance(10);
    const hint = () => {
      try {
        allocator.next();
      } catch (error) {
        return error as IdsExhaustedError;
      }
      throw new Error('a counter was issued');
    };
    expect(hint()).toMatchObject({ code: 'ids_exhausted', retryAfterS: 4, cause: DOWN });
    await clock.advance(3000);
    expect(hint().retryAfterS).toBe(1);
    // Callers hear the stable code of the failure and none of its words.
    expect(hint().publicDetail).toContain(`(${DOWN.code})`);
    expect(hint().publicDetail).not.toContain(DOWN.message);
  });

  test('at the end of the space ends with its own error once nothing is held', async () => {
    const { allocator, clock, source } = await started();
    source.fails = new CounterSpaceEndedError('every counter has been leased');
    take(allocator, 150);
    await clock.advance(2000);
    take(allocator, 50);
    expect(codeOf(() => allocator.next())).toBe('counter_space_ended');
    await expect(allocator.nextOrWait()).rejects.toMatchObject({ code: 'counter_space_ended' });
  });

  test('that gives what is no range, or gives a range twice, breaks the allocator', async () => {
    for (const range of [
      { start: 5, end: 5 },
      { start: 0, end: 5 },
      { start: 1.5, end: 5 },
      { start: 5, end: COUNTER_SPACE_END + 1 },
      { start: FIRST + 99, end: FIRST + 200 },
    ]) {
      const { allocator, clock, source } = setUp();
      source.script = [{ start: FIRST, end: FIRST + 100 }, range];
      allocator.start();
      await clock.advance(100);
      expect(allocator.snapshot()).toMatchObject({ state: 'broken', lastErrorCode: 'broken_invariant' });
    }
  });
});

describe('waiting', () => {
  test('gives the counters of the next lease in the order of asking', async () => {
    const { allocator, clock, source } = setUp();
    source.latencyMs = 300;
    allocator.start();
    const waiting = Array.from({ length: 150 }, () => allocator.nextOrWait());
    expect(allocator.snapshot().waiting).toBe(150);
    await clock.advance(1000);
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 150 }, (_, i) => FIRST + i));
    expect(allocator.snapshot().waiting).toBe(0);
  });

  test('does not wait while something is held', async () => {
    const { allocator } = await started();
    expect(await allocator.nextOrWait()).toBe(FIRST);
  });

  test('ends after waitMs', async () => {
    const { allocator, clock, source } = setUp({ waitMs: 700 });
    source.fails = DOWN;
    allocator.start();
    const outcome: string[] = [];
    allocator.nextOrWait().catch((error) => outcome.push(error.code));
    await clock.advance(699);
    expect(outcome).toEqual([]);
    await clock.advance(1);
    expect(outcome).toEqual(['ids_exhausted']);
    expect(allocator.snapshot().waiting).toBe(0);
  });

  test('is bounded: one more than maxWaiters is refused at once', async () => {
    const { allocator, clock, source } = setUp({ maxWaiters: 3 });
    source.latencyMs = 300;
    allocator.start();
    const waiting = [allocator.nextOrWait(), allocator.nextOrWait(), allocator.nextOrWait()];
    await expect(allocator.nextOrWait()).rejects.toMatchObject({ code: 'ids_exhausted' });
    await clock.advance(400);
    expect(await Promise.all(waiting)).toEqual([FIRST, FIRST + 1, FIRST + 2]);
  });

  test('no counter is lost to a caller whose wait had ended', async () => {
    const { allocator, clock, source } = setUp({ waitMs: 100 });
    source.latencyMs = 300;
    allocator.start();
    const early = allocator.nextOrWait().catch((error) => error.code);
    await clock.advance(250);
    const late = allocator.nextOrWait();
    await clock.advance(100);
    expect(await early).toBe('ids_exhausted');
    expect(await late).toBe(FIRST);
  });
});

describe('ending', () => {
  test('settled() waits for the lease in flight, and what it brings can still be issued or given away', async () => {
    const { allocator, clock, source } = setUp();
    source.latencyMs = 300;
    await allocator.settled();
    allocator.start();
    await clock.advance(100);
    allocator.stop();
    let settled = false;
    const waiting = allocator.settled().then(() => {
      settled = true;
    });
    await clock.advance(100);
    expect(settled).toBe(false);
    await clock.advance(200);
    await waiting;
    expect(allocator.seal()).toEqual([{ start: FIRST, end: FIRST + 100 }]);
    await clock.advance(60_000);
    expect(source.calls).toBe(1);
  });

  test('settled() does not mind a lease that fails', async () => {
    const { allocator, clock, source } = setUp();
    source.fails = DOWN;
    allocator.start();
    await clock.advance(1);
    allocator.stop();
    const settled = allocator.settled();
    await clock.advance(100);
    await settled;
    expect(allocator.seal()).toEqual([]);
  });

  test('seal() gives back exactly what was not issued, and nothing is issued after it', async () => {
    const { allocator, clock } = await started();
    take(allocator, 30);
    expect(allocator.held()).toEqual([
      { start: FIRST + 30, end: FIRST + 100 },
      { start: FIRST + 100, end: FIRST + 200 },
    ]);
    expect(allocator.seal()).toEqual([
      { start: FIRST + 30, end: FIRST + 100 },
      { start: FIRST + 100, end: FIRST + 200 },
    ]);
    expect(allocator.seal()).toEqual([]);
    await clock.advance(60_000);
    expect(codeOf(() => allocator.next())).toBe('allocator_sealed');
    await expect(allocator.nextOrWait()).rejects.toMatchObject({ code: 'allocator_sealed' });
    expect(allocator.snapshot()).toMatchObject({ state: 'sealed', heldIds: 0, issuedIds: 30 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('seal() after the last counter gives back nothing', async () => {
    const { allocator } = await started();
    take(allocator, 200);
    expect(allocator.seal()).toEqual([]);
  });

  test('a lease that arrives after seal() is not issued, and is reported lost', async () => {
    const { allocator, clock, source, lost } = setUp();
    source.latencyMs = 300;
    allocator.start();
    const waiting = allocator.nextOrWait();
    await clock.advance(100);
    expect(allocator.seal()).toEqual([]);
    await expect(waiting).rejects.toMatchObject({ code: 'allocator_sealed' });
    await clock.advance(1000);
    expect(lost).toEqual([{ reason: 'leased_too_late', range: { start: FIRST, end: FIRST + 100 } }]);
    expect(codeOf(() => allocator.next())).toBe('allocator_sealed');
  });

  test('stop() leaves no timer, rejects who waits, and still issues what is held', async () => {
    const { allocator, clock, source } = await started();
    take(allocator, 199);
    allocator.stop();
    expect(clock.pendingTimers).toBe(0);
    const calls = source.calls;
    expect(allocator.next()).toBe(FIRST + 199);
    expect(codeOf(() => allocator.next())).toBe('ids_exhausted');
    await expect(allocator.nextOrWait()).rejects.toMatchObject({ code: 'ids_exhausted' });
    await clock.advance(60_000);
    expect(source.calls).toBe(calls);

    const waits = setUp();
    waits.source.fails = DOWN;
    waits.allocator.start();
    const waiting = waits.allocator.nextOrWait();
    await waits.clock.advance(10);
    waits.allocator.stop();
    await expect(waiting).rejects.toMatchObject({ code: 'ids_exhausted' });
    expect(waits.clock.pendingTimers).toBe(0);
  });

  test('dropRange() stops issuing for good, and reports what is lost', async () => {
    const { allocator, clock, source, lost } = await started();
    take(allocator, 30);
    allocator.dropRange(FIRST + 10);
    const calls = source.calls;
    expect(codeOf(() => allocator.next())).toBe('broken_invariant');
    await expect(allocator.nextOrWait()).rejects.toMatchObject({ code: 'broken_invariant' });
    expect(lost).toEqual([
      { reason: 'broken', range: { start: FIRST + 30, end: FIRST + 100 } },
      { reason: 'broken', range: { start: FIRST + 100, end: FIRST + 200 } },
    ]);
    await clock.advance(3_600_000);
    allocator.start();
    await clock.advance(3_600_000);
    expect(source.calls).toBe(calls);
    expect(allocator.seal()).toEqual([]);
    expect(allocator.snapshot()).toMatchObject({ state: 'broken', issuedIds: 30, heldIds: 0 });
    expect(allocator.snapshot().lastErrorMessage).toMatch(/counter 100010.*docs\/runbooks\/broken_invariant\.md/);
  });

  test('a duplicate found after seal() is still reported as broken', async () => {
    const { allocator } = await started();
    allocator.next();
    allocator.seal();
    allocator.dropRange(FIRST);
    expect(allocator.snapshot().state).toBe('broken');
  });
});

test.each([
  [{ rangeSize: 0 }, 'rangeSize'],
  [{ rangeSize: 1.5 }, 'rangeSize'],
  [{ maxHeld: 1 }, 'maxHeld'],
  [{ maxWaiters: -1 }, 'maxWaiters'],
  [{ waitMs: Number.NaN }, 'waitMs'],
  [{ backoffFirstMs: 0 }, 'backoffFirstMs'],
  [{ backoffFirstMs: 10, backoffCapMs: 5 }, 'backoffCapMs'],
])('options that make no sense are refused by name: %p', (options, name) => {
  expect(() => setUp(options)).toThrow(new RegExp(`^${name} must be`));
});
