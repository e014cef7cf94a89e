import type { LakhServer } from './lakh-servers.js';
import { createLinks } from './links.js';
import { readMetrics, sumOf } from './metrics.js';
import type { Bench } from './setting.js';
import { figure, type Trial } from './trials.js';

const CALLERS = 1_000;
const HERDS = 10;
const QUICK_HERDS = 2;
const STATEMENTS = 'lakh_store_batch_rows_count{kind="find"}';

/** Many who follow one link at once that no cache has: how often the database is asked. */
export function herdTrial(bench: Bench, shorten: LakhServer, redirect: LakhServer): Trial {
  const herds = bench.quick ? QUICK_HERDS : HERDS;
  return {
    id: 'herd',
    async run() {
      const asked: number[] = [];
      const tookMs: number[] = [];
      for (const code of await createLinks(shorten.url, herds)) {
        const before = sumOf(await readMetrics(redirect.adminUrl), STATEMENTS);
        const startedMs = performance.now();
        await Promise.all(Array.from({ length: CALLERS }, () => follow(`${redirect.url}/${code}`)));
        tookMs.push(performance.now() - startedMs);
        asked.push(sumOf(await readMetrics(redirect.adminUrl), STATEMENTS) - before);
      }
      return {
        title: `${CALLERS} at once follow a link that no cache has, ${herds} times`,
        figures: [
          figure(
            { name: 'reads of the database', unit: '', what: 'statements that ask for links, each time' },
            asked,
            1,
          ),
          figure({ name: 'all answered', unit: 'ms', what: 'from the first request to the last answer' }, tookMs),
        ],
      };
    },
  };
}

async function follow(url: string): Promise<void> {
  const response = await fetch(url, { redirect: 'manual' });
  await response.body?.cancel();
  if (response.status !== 301) throw new Error(`a redirect answered ${response.status}`);
}
