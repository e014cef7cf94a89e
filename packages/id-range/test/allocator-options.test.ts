import { SimulatedClock } from '@lakh/testkit';
import { type RangeAllocatorOptions, resolveOptions } from '../src/allocator-options.js';
import { RangeTap } from './support.js';

const clock = new SimulatedClock();
const REQUIRED: RangeAllocatorOptions = { source: new RangeTap(clock), clock, random: Math.random };

const DEFAULTS = {
  rangeSize: 100_000,
  runwayMs: 600_000,
  maxHeld: 64,
  maxWaiters: 10_000,
  waitMs: 1000,
  backoffFirstMs: 50,
  backoffCapMs: 5000,
  prefetchJitterMs: 1000,
};

describe('the options of the allocator', () => {
  test('are filled in with defaults', () => {
    expect(resolveOptions(REQUIRED)).toEqual({ ...REQUIRED, ...DEFAULTS });
  });

  test('are kept where they are given', () => {
    const given = Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, value * 2]));
    expect(resolveOptions({ ...REQUIRED, ...given })).toEqual({ ...REQUIRED, ...given });
  });

  test.each<[keyof typeof DEFAULTS, number]>([
    ['rangeSize', 1],
    ['maxHeld', 2],
    ['maxWaiters', 0],
    ['runwayMs', 0],
    ['waitMs', 0],
    ['backoffFirstMs', 1],
    ['backoffCapMs', 50],
    ['prefetchJitterMs', 0],
  ])('%s is an integer of at least %d', (name, least) => {
    expect(resolveOptions({ ...REQUIRED, [name]: least })[name]).toBe(least);
    for (const wrong of [least - 1, least + 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => resolveOptions({ ...REQUIRED, [name]: wrong })).toThrow(
        new RangeError(`${name} must be an integer of at least ${least}, not ${wrong}`),
      );
    }
  });
});
