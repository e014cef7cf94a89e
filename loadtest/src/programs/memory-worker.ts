/**
 * What a process holds before and after it has issued many counters, in ranges of one lakh from memory. Argument: how many. Needs
 * `--expose-gc`, so that what is counted is what is held and not what waits to be collected.
 */

import { issue, memorySource } from './issuing.js';
import { serveTasks } from './tasks.js';

export interface Memory {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

export interface MemoryRun {
  readonly before: Memory;
  readonly after: Memory;
  readonly ids: number;
  readonly seconds: number;
}

/** Compilers are done by then. */
const WARM_UP_IDS = 3_000_000;
const ids = Number(process.argv[2]);

async function measure(): Promise<Memory> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('run with --expose-gc');
  // More than once: what one collection finds may free what the next one can take.
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await collect();
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, rssBytes: rss };
}

serveTasks<MemoryRun>(async ({ seconds }) => {
  const source = memorySource(2 ** 32);
  await issue(source, { seconds, ids: WARM_UP_IDS });
  const before = await measure();
  const issued = await issue(source, { seconds, ids });
  const after = await measure();
  return { before, after, ids: issued.ids, seconds: issued.elapsedMs / 1000 };
});
