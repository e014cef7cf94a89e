import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { progress } from '../../scope.js';
import { startLakh } from '../lakh-servers.js';
import { cpuSeconds, residentBytes } from '../processes.js';
import type { Bench } from '../setting.js';
import { type Figure, figure, type Trial } from '../trials.js';
import type { OnMariadb } from './ours.js';

const MIB = 2 ** 20;
/** So that the client's own code is compiled when it matters. */
const BEFORE = 200;
const AFTERWARDS = 100;

/** What a redirect server takes while nobody asks it anything, and how it answers who comes then. */
export function idleTrial(bench: Bench, { databases, codes }: OnMariadb): Trial {
  return {
    id: 'idle',
    async run() {
      const around = { ...bench, dir: join(bench.dir, 'idle') };
      const { url, server } = await startLakh(around, 'redirect', { databases, env: { LAKH_WORKERS: '1' } });
      const link = `${url}/${codes[0]}`;
      for (let i = 0; i < BEFORE; i += 1) await follow(link);
      progress(`idle: waiting ${bench.idle} s`);
      const total = () => [...cpuSeconds(server.pid).values()].reduce((sum, each) => sum + each, 0);
      const [startedMs, before] = [performance.now(), total()];
      await sleep(bench.idle * 1000);
      const percent = ((total() - before) / (performance.now() - startedMs)) * 1e5;
      const mib = residentBytes(server.pid) / MIB;
      const firstMs = await follow(link);
      const nextMs: number[] = [];
      for (let i = 0; i < AFTERWARDS; i += 1) nextMs.push(await follow(link));
      return {
        title: `One services/redirect, idle for ${bench.idle} s, default settings`,
        figures: [
          ...facts(mib, percent),
          figure(
            {
              name: 'first answer',
              unit: 'ms',
              what: 'on a new connection, of a link that L1 had once; from connecting to its end',
            },
            [firstMs],
          ),
          figure({ name: 'the next ones', unit: 'ms', what: 'the same link, each on a new connection' }, nextMs),
        ],
      };
    },
  };
}

function facts(mib: number, percent: number): Figure[] {
  return [
    figure({ name: 'RSS', unit: 'MiB', what: 'at the end of that time' }, [mib]),
    figure({ name: 'processor', unit: '% of a core', what: 'over that time' }, [percent]),
  ];
}

/** Milliseconds from connecting until the answer was read. */
async function follow(url: string): Promise<number> {
  const startedMs = performance.now();
  const [response] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
  if (response.statusCode !== 301) throw new Error(`a redirect answered ${response.statusCode}`);
  return performance.now() - startedMs;
}
