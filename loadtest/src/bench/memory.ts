import { boundOf, type Measurement } from './figures.js';
import type { Bench } from './setting.js';
import { startWorker } from './worker.js';

const PROGRAM = 'programs/memory-worker.js';
const IDS = 1_000_000_000;
const QUICK_IDS = 10_000_000;
/** At a million a second, which no machine is slower than. */
const WITHIN_S = 1_000;
/** What a garbage collector leaves lying about differs by some hundred kilobytes from run to run. */
const MOST_GROWTH_MIB = 1;

/** By how much an allocator's memory grows over a billion counters. */
export async function measureMemory(bench: Bench): Promise<Measurement[]> {
  const ids = bench.quick ? QUICK_IDS : IDS;
  const worker = await startWorker(bench, PROGRAM, [String(ids)], ['--expose-gc']);
  const { value, facts } = await worker.ask({ seconds: WITHIN_S, callers: 1 });
  await worker.stop();
  const what = `${ids.toLocaleString('en')} ids from ranges of one lakh out of memory, after a tenth of that many before`;
  return [
    {
      id: 'heap-growth',
      title: 'Growth of the heap',
      unit: 'MiB',
      what: `${what}; used heap after garbage collection`,
      value,
      bound: boundOf(value, MOST_GROWTH_MIB),
    },
    {
      id: 'rss-growth',
      title: 'Growth of the process',
      unit: 'MiB',
      what: `${what}; resident set`,
      value: facts?.rssMib ?? 0,
    },
  ];
}
