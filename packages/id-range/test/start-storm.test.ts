import { type Clock, type Randomness, RangeAllocator } from '@lakh/id-range';
import { SimulatedClock, seededRandom } from '@lakh/testkit';
import { witnesses } from './support.js';

/** Each way of a call takes up to this much. */
const WAY_MS = 3;

function distant<T extends object>(port: T, clock: Clock, random: Randomness): T {
  const way = () =>
    new Promise<void>((resolve) => {
      clock.schedule(random() * WAY_MS, resolve);
    });
  const methods = Object.entries(port).map(([name, call]) => [
    name,
    async (...args: unknown[]) => {
      await way();
      const answer: unknown = await call(...args);
      await way();
      return answer;
    },
  ]);
  return Object.fromEntries(methods) as T;
}

test('32 servers that start at one moment over an empty namespace all lease within seconds, and nothing is abandoned', async () => {
  const clock = new SimulatedClock();
  const { node, ledger, log, server } = witnesses();
  const allocators = Array.from({ length: 32 }, (_, i) => {
    const random = seededRandom(i);
    const marks = distant(node.client(), clock, random);
    const source = server({ marks, ledger: distant(ledger.client(), clock, random), clock, random });
    return new RangeAllocator({ source, clock, random, rangeSize: 1000 });
  });
  for (const allocator of allocators) allocator.start();
  await clock.advance(10_000);
  expect(allocators.map((allocator) => allocator.snapshot().heldIds)).toEqual(allocators.map(() => 2000));
  const starts = log.ranges.map((range) => range.start).sort((a, b) => a - b);
  expect(starts).toEqual(Array.from({ length: 64 }, (_, i) => 100_000 + 1000 * i));
  expect(log.lost).toEqual([]);
});
