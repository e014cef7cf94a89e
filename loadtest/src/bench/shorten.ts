import { ensurePackages } from '@lakh/local';
import { progress } from '../scope.js';
import { batchGroup, sendBatches } from './batches.js';
import { createWorkersGroup } from './create-workers.js';
import type { Group, Skipped, Subject, Target } from './figures.js';
import { launchRival } from './http-server.js';
import { type Databases, type Ours, startDatabases, startLakh } from './lakh-servers.js';
import { whyMissing } from './packages.js';
import { profileServers } from './profiling.js';
import type { Bench, PreparedBench } from './setting.js';
import { profileStore, storeGroups } from './store.js';
import { wrk } from './wrk.js';

const CONNECTIONS = 64;
const ECHO = 'express 5 echo';
const AT_LEAST_OF_ECHO = 0.7;

/** Durable creates: the store by itself, and the whole way over HTTP. */
export async function prepareShorten(bench: Bench): Promise<PreparedBench> {
  await ensurePackages(['wrk']);
  const skipped: Skipped[] = [];
  const groups: Group[] = [];

  const startEmbedded = (nodeArgs: readonly string[]) => startLakh(bench, 'standalone', { nodeArgs });
  const ours: Ours[] = [
    {
      name: 'standalone (embedded)',
      what: 'services/standalone, default settings: one SQLite file, synchronous=FULL',
      running: await startEmbedded([]),
      start: startEmbedded,
    },
  ];
  const mariadbMissing = await whyMissing(['mariadb', 'zookeeper']);
  let databases: Databases | undefined;
  if (mariadbMissing) skipped.push({ name: 'shorten (MariaDB) and the store', reason: mariadbMissing });
  else {
    progress('shorten: starting MariaDB and ZooKeeper');
    const started = await startDatabases(bench, 1);
    databases = started;
    const start = (nodeArgs: readonly string[]) => startLakh(bench, 'shorten', { databases: started, nodeArgs });
    const onMariadb: Ours = {
      name: 'shorten (MariaDB)',
      what: 'services/shorten, default settings, leasing from one ZooKeeper node; MariaDB with fsync per commit on the other core',
      running: await start([]),
      start,
    };
    groups.push(...(await storeGroups(bench, started)), await batchGroup(bench, started, onMariadb, ours));
    ours.push(onMariadb);
  }

  const echoUrl = await launchRival(bench, 'express-echo');
  let run = 0;
  const create = (url: string, seconds: number, connections = CONNECTIONS) => {
    run += 1;
    const args = [`bench-${String(run).padStart(4, '0')}`];
    return wrk(bench, { url: `${url}/api/v1/urls`, script: 'creates.lua', args, connections, seconds });
  };
  const subjects: Subject[] = ours.map(({ name, what, running }) => ({
    name,
    role: 'ours',
    what,
    measure: (seconds) => create(running.url, seconds),
  }));
  subjects.push({
    name: ECHO,
    role: 'rival',
    what: 'express.json() and a route that answers 201 with the parsed body, NODE_ENV=production; stores nothing',
    measure: (seconds) => create(echoUrl, seconds),
  });
  const targets: Target[] = ours.map(({ name }) => ({ ours: name, against: ECHO, atLeast: AT_LEAST_OF_ECHO }));
  groups.push({
    id: 'create',
    title: `Durable creates over HTTP, ${CONNECTIONS} callers, one core`,
    unit: 'creates/s',
    subjects,
    independent: true,
    targets,
    skipped,
  });
  if (databases) groups.push(await createWorkersGroup(bench, databases, create));

  return {
    groups,
    notes: [
      'every row is durable before its answer: fsync per commit in MariaDB, synchronous=FULL in SQLite',
      `creates: wrk, 1 thread, ${CONNECTIONS} connections, a URL of its own each time, the same bodies for all`,
    ],
    profile: async (seconds) => [
      ...(databases ? [await profileStore(bench, databases, seconds)] : []),
      ...(await profileServers(bench, ours, seconds, (url) => create(url, seconds))),
      ...(await profileServers(bench, inBatches(ours), seconds, (url) => sendBatches(bench, url, seconds))),
    ],
  };
}

const inBatches = (ours: readonly Ours[]) => ours.map((one) => ({ ...one, name: `${one.name}, in batches` }));
