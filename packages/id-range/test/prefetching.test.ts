import { COUNTER_SPACE_END, RangeAllocator, type RangeAllocatorOptions, WitnessUnavailableError } from '@lakh/id-range';
import { SimulatedClock } from '@lakh/testkit';
import { RangeTap } from './support.js';

const FIRST = 100_000;
const DOWN = new WitnessUnavailableError('down');

async function started(options: Partial<RangeAllocatorOptions> = {}, script?: RangeTap['script']) {
  const clock = new SimulatedClock();
  const source = new RangeTap(clock);
  source.script = script;
  const allocator = new RangeAllocator({ source, clock, random: () => 0.999, rangeSize: 100, ...options });
  allocator.start();
  await clock.advance(100);
  const take = (count: number) => Array.from({ length: count }, () => allocator.next());
  /** Issues evenly, `perS` a second. */
  const burn = async (perS: number, seconds: number) => {
    for (let i = 0; i < seconds * 10; i += 1) {
      take(perS / 10);
      await clock.advance(100);
    }
  };
  return { allocator, clock, source, take, burn };
}

describe('what is held', () => {
  test('is added to when it would not last for the runway and two leases more, as slow as they are', async () => {
    const options = { rangeSize: 1000, runwayMs: 40_000, maxHeld: 100, prefetchJitterMs: 0 };
    const { allocator, source, burn } = await started(options);
    source.latencyMs = 8000;
    await burn(50, 300);
    const heldAtCalls: number[] = [];
    // Each range lasts for 20 s: five leases within 100.
    for (let i = 0; i < 1000; i += 1) {
      const { calls } = source;
      await burn(50, 0.1);
      if (source.calls > calls) heldAtCalls.push(allocator.snapshot().heldIds);
    }
    expect(heldAtCalls).toHaveLength(5);
    // (40 + 2 × 8) s at 50 a second are 2,800.
    for (const held of heldAtCalls) {
      expect(held).toBeGreaterThan(2700);
      expect(held).toBeLessThan(2900);
    }
  });

  test('lasts, in seconds, as long as its counters at the present rate; for ever while nothing is issued', async () => {
    const { allocator, burn } = await started({ runwayMs: 0 });
    expect(allocator.snapshot()).toMatchObject({ burnPerS: 0, runwayS: Number.POSITIVE_INFINITY });
    await burn(20, 30);
    const { heldIds, burnPerS, runwayS } = allocator.snapshot();
    expect(burnPerS).toBeGreaterThan(15);
    expect(burnPerS).toBeLessThan(25);
    expect(runwayS).toBeCloseTo(heldIds / burnPerS, 6);
  });

  test('is counted in ranges and counters as they are issued', async () => {
    const { allocator, take } = await started();
    take(30);
    expect(allocator.snapshot()).toMatchObject({ heldIds: 170, heldRanges: 2, issuedIds: 30, leasedRanges: 2 });
    take(71);
    expect(allocator.snapshot()).toMatchObject({ heldIds: 99, heldRanges: 1, issuedIds: 101 });
    expect(allocator.held()).toEqual([{ start: FIRST + 101, end: FIRST + 200 }]);
  });
});

describe('a lease that has time', () => {
  test('waits no longer than an eighth of what is left lasts', async () => {
    const { allocator, clock, source, burn } = await started({ runwayMs: 0, prefetchJitterMs: 3_600_000, maxHeld: 4 });
    await burn(10, 9);
    const leased = source.leased.length;
    // The first range ends here: what is left is the second one, 100 counters, for about ten seconds.
    const { heldIds, burnPerS } = allocator.snapshot();
    expect(heldIds).toBeGreaterThan(50);
    await burn(10, 2);
    expect(source.leased).toHaveLength(leased);
    const startedMs = clock.monotonicMs();
    while (source.leased.length === leased && clock.monotonicMs() < startedMs + 60_000) await clock.advance(10);
    expect(clock.monotonicMs() - startedMs).toBeLessThan((1000 * heldIds) / burnPerS / 8 + 100);
  });

  test('waits no longer than the jitter allows', async () => {
    const { clock, source, take } = await started({ runwayMs: 0, prefetchJitterMs: 2000 });
    await clock.advance(3_600_000);
    take(101);
    await clock.advance(1990);
    expect(source.leased).toHaveLength(2);
    await clock.advance(20);
    expect(source.leased).toHaveLength(3);
  });

  test('does not wait at the start, before two ranges’ worth was leased', async () => {
    const { source, clock } = await started({ prefetchJitterMs: 60_000 });
    await clock.advance(1);
    expect(source.leased).toHaveLength(2);
  });

  test('does not wait with half a range’s worth left, which is noticed within a second without another call', async () => {
    const { source, clock, take } = await started({ prefetchJitterMs: 60_000, runwayMs: 0 });
    take(150);
    await clock.advance(1100);
    expect(source.leased).toHaveLength(3);
  });

  test('does not wait with less than half a range’s worth left', async () => {
    const { source, clock, take } = await started({ prefetchJitterMs: 60_000, runwayMs: 0 });
    take(149);
    await clock.advance(50);
    expect(source.leased).toHaveLength(2);
    take(1);
    await clock.advance(50);
    expect(source.leased).toHaveLength(2);
    take(1);
    await clock.advance(50);
    expect(source.leased).toHaveLength(3);
  });
});

describe('starting', () => {
  test('twice is starting once', async () => {
    const { allocator, clock, source } = await started();
    const timers = clock.pendingTimers;
    allocator.start();
    expect(clock.pendingTimers).toBe(timers);
    await clock.advance(10_000);
    expect(source.leased).toHaveLength(2);
    allocator.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('after stop() leases again', async () => {
    const { allocator, clock, source, take } = await started({ prefetchJitterMs: 0 });
    allocator.stop();
    take(150);
    await clock.advance(10_000);
    expect(source.leased).toHaveLength(2);
    allocator.start();
    await clock.advance(100);
    expect(source.leased.length).toBeGreaterThan(2);
  });
});

describe('a range that is given', () => {
  test('may end where one that is held begins, and begin where it ends', async () => {
    const script = [
      { start: 500, end: 600 },
      { start: 400, end: 500 },
      { start: 600, end: 700 },
    ];
    const { allocator, clock, take } = await started({ prefetchJitterMs: 0 }, script);
    take(101);
    await clock.advance(1000);
    expect(allocator.snapshot()).toMatchObject({ state: 'degraded', leasedRanges: 3 });
    expect(allocator.held()).toEqual([
      { start: 401, end: 500 },
      { start: 600, end: 700 },
    ]);
  });

  test.each([
    [{ start: 599, end: 650 }, 'held already'],
    [{ start: 450, end: 501 }, 'held already'],
    [{ start: 510, end: 520 }, 'held already'],
    [{ start: 400, end: 700 }, 'held already'],
    [{ start: 5, end: 5 }, 'no range'],
    [{ start: 0, end: 5 }, 'no range'],
    [{ start: 5, end: 5.5 }, 'no range'],
    [{ start: 600, end: COUNTER_SPACE_END + 1 }, 'no range'],
    [{ start: Number.NaN, end: 5 }, 'no range'],
  ])('breaks the allocator if it is %j: %s', async (range, what) => {
    const { allocator, take } = await started({}, [{ start: 500, end: 600 }, range]);
    expect(allocator.snapshot().lastErrorMessage).toMatch(
      `the source leased [${range.start}, ${range.end}), which is ${what}: `,
    );
    expect(() => take(1)).toThrow(/broken_invariant/);
  });

  test('is lost without anybody watching as well', async () => {
    const { allocator, clock, source, take } = await started({ prefetchJitterMs: 0 });
    source.latencyMs = 1000;
    take(151);
    await clock.advance(10);
    allocator.dropRange(FIRST);
    await clock.advance(5000);
    await allocator.settled();
    expect(allocator.snapshot()).toMatchObject({ state: 'broken', heldIds: 0, leasedRanges: 2 });
    allocator.dropRange(FIRST + 1);
    expect(allocator.snapshot().lastErrorMessage).toMatch(
      'counter 100000, issued by this server, was already used by another generated link: ',
    );
  });
});

describe('where nothing is left', () => {
  const failure = async (fails: unknown) => {
    const { allocator, clock, source } = await started({}, []);
    source.fails = fails as Error;
    await clock.advance(10_000);
    return allocator;
  };

  test('a caller hears that a lease is under way, or how the last one failed', async () => {
    const clock = new SimulatedClock();
    const allocator = new RangeAllocator({ source: new RangeTap(clock), clock, random: () => 0 });
    allocator.start();
    expect(() => allocator.next()).toThrow('nothing is left to issue: a lease is under way');
    const failed = await failure(DOWN);
    expect(() => failed.next()).toThrow(
      'nothing is left to issue: the last lease failed (witness_unavailable) and is being repeated',
    );
  });

  test('an error that nobody named is told of as unexpected, with its words', async () => {
    for (const error of [new TypeError('a bug'), 'a bug']) {
      const allocator = await failure(error);
      expect(allocator.snapshot()).toMatchObject({
        state: 'starting',
        lastErrorCode: 'unexpected',
        lastErrorMessage: 'a bug',
      });
      expect(() => allocator.next()).toThrow('(unexpected)');
    }
  });

  test('before the start nobody waits: no lease would come', async () => {
    const clock = new SimulatedClock();
    const allocator = new RangeAllocator({ source: new RangeTap(clock), clock, random: () => 0 });
    await expect(allocator.nextOrWait()).rejects.toMatchObject({ code: 'ids_exhausted', retryAfterS: 1 });
    expect(allocator.snapshot()).toMatchObject({ lastErrorCode: null, lastErrorMessage: null, waiting: 0, runwayS: 0 });
  });
});
