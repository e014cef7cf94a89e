import { RangeAllocator } from '@lakh/id-range';
import { SimulatedClock, seededRandom } from '@lakh/testkit';
import { RangeTap } from './support.js';

test('issuing allocates nothing in the steady state, also beyond 2^32', async () => {
  const clock = new SimulatedClock();
  const source = new RangeTap(clock);
  const allocator = new RangeAllocator({ source, clock, random: seededRandom(7), rangeSize: 100 });
  source.script = [{ start: 2 ** 33, end: 2 ** 33 + 100_000_000 }];
  allocator.start();
  await clock.advance(100);
  const calls = 10_000;
  const burst = () => {
    let sum = 0;
    for (let i = 0; i < calls; i += 1) sum += allocator.next() & 1;
    return sum;
  };
  const grownBytes = Array.from({ length: 1001 }, () => {
    const before = process.memoryUsage().heapUsed;
    burst();
    return Math.abs(process.memoryUsage().heapUsed - before);
  }).sort((a, b) => a - b);
  // One boxed number a call would be 160 kB a burst. The median of 10^7 calls, because the first bursts are interpreted, and a
  // collection or a compiler's job falls into others.
  expect(grownBytes[500]).toBeLessThan(calls / 4);
});
