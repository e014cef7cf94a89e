import type { Group } from './figures.js';
import { type Databases, type LakhServer, startLakh } from './lakh-servers.js';
import { withCpu } from './processes.js';
import type { Bench } from './setting.js';
import { wrk } from './wrk.js';

const CONNECTIONS = 64;
const L1 = 'from L1';
const L2 = 'from Redis';
const DATABASE = 'from the database';
/** Nothing is kept, so that each request asks what is behind it. */
const NO_L1 = { LAKH_L1_MAX_BYTES: '0' };
/** L1 entries outlive the run. */
const LONG_L1 = { LAKH_L1_TTL_MS: '3600000' };

/** What a redirect costs by where its link is found: one services/redirect each, on one core. */
export async function throughGroup(
  bench: Bench,
  databases: Databases,
  redisUrl: string,
  paths: string,
  warm: (server: LakhServer) => Promise<void>,
): Promise<Group> {
  const places = [
    { name: L1, what: 'everything in the process', env: LONG_L1 },
    {
      name: L2,
      what: 'no cache in the process (LAKH_L1_MAX_BYTES=0), all links in one Redis on the other core',
      env: { ...NO_L1, LAKH_REDIS: redisUrl },
    },
    { name: DATABASE, what: 'no cache at all: MariaDB on the other core', env: NO_L1 },
  ];
  const servers = await Promise.all(
    places.map(async ({ env, ...place }) => ({
      ...place,
      server: await startLakh(bench, 'redirect', { databases, env: { LAKH_WORKERS: '1', ...env } }),
    })),
  );
  for (const { server } of servers) await warm(server);
  return {
    id: 'through',
    title: `Redirects of 10,000 links in turn by where they are found, ${CONNECTIONS} connections, one core`,
    unit: 'requests/s',
    subjects: servers.map(({ name, what, server }) => ({
      name,
      role: name === L1 ? 'limit' : 'ours',
      what,
      measure: (seconds) =>
        withCpu(server.server.pid, () =>
          wrk(bench, { url: server.url, script: 'paths.lua', args: [paths], connections: CONNECTIONS, seconds }),
        ),
    })),
    independent: true,
    targets: [{ ours: L2, against: L1, atLeast: 0.5 }],
  };
}
