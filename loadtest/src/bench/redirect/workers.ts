import { join } from 'node:path';
import { costOf } from '../cost-of.js';
import type { Group, Subject } from '../figures.js';
import type { LakhServer } from '../lakh-servers.js';
import type { Bench } from '../setting.js';
import { CONNECTIONS, load } from './load.js';
import type { OnMariadb } from './ours.js';

const ONE = 'one worker';
const TWO = 'two workers';
const AT_MOST = 1.1;

/** What a redirect costs a server of two workers, beside one of one. */
export async function workersGroup(bench: Bench, links: OnMariadb): Promise<Group> {
  const { server, generator } = bench.pinning;
  const cores = [server, generator].filter((core) => core !== undefined);
  const start = (name: string, count: number, pinnedTo: number | readonly number[] | undefined) =>
    links.start({
      around: { ...bench, dir: join(bench.dir, name.replace(' ', '-')), pinning: { server: pinnedTo } },
      env: { LAKH_WORKERS: String(count) },
    });
  const [one, two] = await Promise.all([start(ONE, 1, server), start(TWO, 2, cores)]);
  const subject = (
    name: string,
    role: 'ours' | 'limit',
    what: string,
    running: LakhServer,
    workers: number,
  ): Subject => ({
    name,
    role,
    what,
    measure: (seconds) => costOf(running, workers, seconds, () => load(bench, running.url, links.paths.hot, seconds)),
  });
  return {
    id: 'workers',
    title: `Processor time a redirect, ${CONNECTIONS} connections`,
    unit: 'µs a request',
    subjects: [
      subject(TWO, 'ours', 'LAKH_WORKERS=2 on two cores, one of which the generator uses too', two, 2),
      subject(ONE, 'limit', 'LAKH_WORKERS=1 on one core, the generator on another', one, 1),
    ],
    independent: true,
    targets: [{ ours: TWO, against: ONE, atMost: AT_MOST }],
  };
}
