import { join } from 'node:path';
import { costOf } from './cost-of.js';
import type { Group, Sample, Subject } from './figures.js';
import { type Databases, type LakhServer, startLakh } from './lakh-servers.js';
import type { Bench } from './setting.js';

const ONE = 'one process';
const TWO = 'two workers';
/** What comes in together shares an insert: of few callers each worker has too few of them. */
const CONNECTIONS = 512;
const AT_MOST = 1.4;

/** What a create costs a shorten server of two workers, beside one without. */
export async function createWorkersGroup(
  bench: Bench,
  databases: Databases,
  create: (url: string, seconds: number, connections: number) => Promise<Sample>,
): Promise<Group> {
  const { server, generator } = bench.pinning;
  const cores = [server, generator].filter((core) => core !== undefined);
  const start = (workers: number, pinnedTo: number | readonly number[] | undefined) => {
    const around = { ...bench, dir: join(bench.dir, `create-${workers}`), pinning: { server: pinnedTo } };
    return startLakh(around, 'shorten', { databases, env: { LAKH_WORKERS: String(workers) } });
  };
  const [one, two] = await Promise.all([start(1, server), start(2, cores)]);
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
    measure: (seconds) => costOf(running, workers, seconds, () => create(running.url, seconds, CONNECTIONS)),
  });
  return {
    id: 'create-workers',
    title: `Processor time a create, ${CONNECTIONS} callers`,
    unit: 'µs a request',
    subjects: [
      subject(TWO, 'ours', 'LAKH_WORKERS=2 on two cores, one of which MariaDB and the generator use too', two, 2),
      subject(ONE, 'limit', 'LAKH_WORKERS=1 on one core', one, 1),
    ],
    targets: [{ ours: TWO, against: ONE, atMost: AT_MOST }],
  };
}
