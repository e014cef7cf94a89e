import type { MemoryRun } from '../programs/memory-worker.js';
import { progress } from '../scope.js';
import type { Bench } from './setting.js';
import { figure, type Trial } from './trials.js';
import { startWorker } from './worker.js';

const MIB = 2 ** 20;
/** 10^9 ids take 15 to 30 s. */
const LIMIT_S = 600;
/** A hundred bytes for each of the ten thousand ranges of 10^9 ids. Two collections differ by tens of kilobytes. */
const GROWN_AT_MOST_MIB = 1;

/** What a process holds after many ids, beside what it held before. */
export function memoryTrial(bench: Bench): Trial {
  return {
    id: 'memory',
    async run() {
      progress(`memory: issuing ${bench.ids.toLocaleString('en')} ids`);
      const args = [String(bench.ids)];
      const worker = await startWorker<MemoryRun>(bench, 'programs/memory-worker.js', args, {
        nodeArgs: ['--expose-gc'],
      });
      const { before, after, ids, seconds } = await worker.ask({ seconds: LIMIT_S, callers: 1 });
      await worker.stop();
      if (ids < bench.ids) throw new Error(`only ${ids} of ${bench.ids} ids were issued within ${LIMIT_S} s`);
      const mib = (name: string, what: string, bytes: number, atMost?: number) =>
        figure({ name, unit: 'MiB', what }, [bytes / MIB], atMost);
      return {
        title: `Memory after ${ids.toLocaleString('en')} ids by one process, ranges of one lakh from memory, next() and base62 (${seconds.toFixed(1)} s)`,
        figures: [
          mib('heap after', 'heapUsed, after a collection', after.heapBytes),
          mib('heap grown', 'since the compilers were warm', after.heapBytes - before.heapBytes, GROWN_AT_MOST_MIB),
          mib('RSS after', 'what the process occupies, the young generation included', after.rssBytes),
          mib('RSS grown', 'since the compilers were warm', after.rssBytes - before.rssBytes),
        ],
      };
    },
  };
}
