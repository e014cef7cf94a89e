import { RangeAllocator } from '@lakh/id-range';
import { faultyLedger, faultyMarkStore, SimulatedClock, seededRandom } from '@lakh/testkit';
import { witnesses } from './support.js';

test('32 servers that start at one moment over an empty namespace all lease within seconds, and nothing is abandoned', async () => {
  const clock = new SimulatedClock();
  const { node, ledger, log, server } = witnesses();
  const allocators = Array.from({ length: 32 }, (_, i) => {
    const random = seededRandom(i);
    // Each call takes a few milliseconds each way, and none fails.
    const faults = { clock, random, draw: () => 'none' as const };
    const marks = faultyMarkStore(node.client(), faults);
    const source = server({ marks, ledger: faultyLedger(ledger.client(), faults), clock, random });
    return new RangeAllocator({ source, clock, random, rangeSize: 1000 });
  });
  for (const allocator of allocators) allocator.start();
  await clock.advance(10_000);
  expect(allocators.map((allocator) => allocator.snapshot().heldIds)).toEqual(allocators.map(() => 2000));
  const starts = log.ranges.map((range) => range.start).sort((a, b) => a - b);
  expect(starts).toEqual(Array.from({ length: 64 }, (_, i) => 100_000 + 1000 * i));
  expect(log.lost).toEqual([]);
});
