import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePackages, freePorts, redisPlan } from '@lakh/local';
import { launchIn } from '../launch.js';
import { progress } from '../scope.js';
import { capacityTrial } from './capacity.js';
import type { Group, Skipped } from './figures.js';
import { findsGroup } from './finds.js';
import { herdTrial } from './herd.js';
import { onGeneratorCore } from './http-server.js';
import { type LakhServer, startDatabases, startLakh } from './lakh-servers.js';
import { createLinks, warmLinks } from './links.js';
import { whyMissing } from './packages.js';
import type { Bench, PreparedBench } from './setting.js';
import { stalenessTrial } from './staleness.js';
import { throughGroup } from './through.js';
import type { Trial } from './trials.js';

const CODES = 10_000;
const QUICK_CODES = 200;
const ON_DATABASES = ['finds-256', 'through', 'herd', 'staleness'];
const TOKEN = 'a-token-of-this-benchmark-alone';

/** What redirects cost behind the cache in the process, and what the number of links does. */
export async function prepareData(bench: Bench): Promise<PreparedBench> {
  await ensurePackages(['wrk']);
  const groups: Group[] = [];
  const trials: Trial[] = [];
  const missing = await whyMissing(['mariadb', 'zookeeper', 'redis']);
  const skipped: Skipped[] = missing === undefined ? [] : [{ name: 'all of it', reason: missing }];
  if (missing !== undefined)
    trials.push({ id: 'herd', run: async () => ({ title: 'On real servers', figures: [], skipped }) });
  else {
    if (ON_DATABASES.some((id) => bench.wants(id))) await addReads(bench, groups, trials);
    trials.push(capacityTrial(bench));
  }
  return {
    groups,
    trials,
    notes: [
      'databases and Redis run on the generator’s core',
      'through: redirects pass the whole server each time; what differs is where the link is found',
    ],
    profile: async () => [],
  };
}

async function addReads(bench: Bench, groups: Group[], trials: Trial[]): Promise<void> {
  progress('data: starting MariaDB, ZooKeeper and Redis');
  const [databases, redisUrl] = await Promise.all([startDatabases(bench, 1), startRedis(bench)]);
  const tokens = await write(bench, 'tokens', [`bench:${createHash('sha256').update(TOKEN).digest('hex')}`]);
  const cached = { LAKH_REDIS: redisUrl };
  const shorten = await startLakh(bench, 'shorten', {
    databases,
    env: { ...cached, LAKH_OPEN: 'true', LAKH_API_TOKENS_FILE: tokens },
  });
  const codes = await createLinks(shorten.url, bench.quick ? QUICK_CODES : CODES);
  const codesFile = await write(bench, 'codes', codes);
  const paths = await write(
    bench,
    'paths',
    codes.map((code) => `/${code}`),
  );
  if (bench.wants('finds-256')) groups.push(await findsGroup(bench, databases.mysqlUrl, codesFile));
  if (bench.wants('through')) {
    const warm = async (server: LakhServer): Promise<void> => {
      // The first pass fills the caches behind its answers, the second shows that it did no harm.
      await warmLinks(server.url, codes);
      await warmLinks(server.url, codes);
    };
    groups.push(await throughGroup(bench, databases, redisUrl, paths, warm));
  }
  if (bench.wants('staleness')) {
    const redirects = [1, 2].map(() => startLakh(bench, 'redirect', { databases, env: cached }));
    trials.push(stalenessTrial(bench, shorten, await Promise.all(redirects), TOKEN));
  }
  if (bench.wants('herd')) trials.push(herdTrial(bench, shorten, await startLakh(bench, 'redirect', { databases })));
}

async function startRedis(bench: Bench): Promise<string> {
  const [port] = (await freePorts(1)) as [number];
  const password = randomBytes(16).toString('hex');
  const plan = redisPlan({ name: 'redis', dir: join(bench.dir, 'redis'), port, password });
  await launchIn(bench.scope, onGeneratorCore(bench, plan));
  return `redis://:${password}@127.0.0.1:${port}`;
}

async function write(bench: Bench, name: string, lines: readonly string[]): Promise<string> {
  const file = join(bench.dir, name);
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}
