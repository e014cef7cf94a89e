/**
 * Issues as many counters as its argument says, from ranges of one lakh out of memory, and tells by how much memory has grown. To be run
 * with --expose-gc.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { RangeAllocator, systemClock } from '@lakh/id-range';
import type { Sample } from '../bench/figures.js';
import { serveTasks } from '../bench/worker.js';
import { rangesFromMemory } from './witness-client.js';

const RANGE_SIZE = 100_000;
const MIB = 2 ** 20;
const COUNT = Number(process.argv[2]);

function settledMemory(): { readonly heapMib: number; readonly rssMib: number } {
  if (globalThis.gc === undefined) throw new Error('memory is measured with --expose-gc');
  for (let i = 0; i < 3; i += 1) globalThis.gc();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapMib: heapUsed / MIB, rssMib: rss / MIB };
}

async function issue(allocator: RangeAllocator, count: number): Promise<void> {
  for (let issued = 0; issued < count; ) {
    const now = Math.min(allocator.snapshot().heldIds, count - issued);
    for (let i = 0; i < now; i += 1) allocator.next();
    issued += now;
    await turn();
  }
}

async function measure(): Promise<Sample> {
  const allocator = new RangeAllocator({
    source: rangesFromMemory(RANGE_SIZE),
    clock: systemClock,
    random: Math.random,
    rangeSize: RANGE_SIZE,
  });
  allocator.start();
  // The first tenth is for the compiler, and for the ranges that are held from then on.
  await issue(allocator, Math.floor(COUNT / 10));
  const before = settledMemory();
  await issue(allocator, COUNT);
  const after = settledMemory();
  allocator.stop();
  return { value: after.heapMib - before.heapMib, facts: { ids: COUNT, rssMib: after.rssMib - before.rssMib } };
}

serveTasks(measure, async () => {});
