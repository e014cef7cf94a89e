import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePackages } from '@lakh/local';
import { launchNginx } from '../rivals/nginx.js';
import { progress } from '../scope.js';
import type { Skipped, Subject, Target } from './figures.js';
import { launchRival } from './http-server.js';
import { type LakhServer, type Ours, startDatabases, startLakh } from './lakh-servers.js';
import { createLinks, targetUrl, warmLinks } from './links.js';
import { checkCounted } from './metrics.js';
import { whyMissing } from './packages.js';
import { profileServers } from './profiling.js';
import type { Bench, PreparedBench } from './setting.js';
import { wrk } from './wrk.js';

const CONNECTIONS = 64;
const CODES = 10_000;
const QUICK_CODES = 200;
/** The links that most clicks go to at a time. */
const HOT_CODES = 100;
/** L1 entries outlive the run: what is measured is a hit, not the refill (at the default of 5 s, ten thousand codes are 2,000 refills a second). */
const ENV = { LAKH_L1_TTL_MS: '3600000' };

interface Paths {
  readonly all: string;
  readonly hot: string;
}

/** Started over the links that it already has, all of them in L1. */
interface Warm extends Ours {
  /** Of all links that L1 holds, and of the first of them. */
  readonly paths: Paths;
}

/** Redirects that L1 answers, per core, beside bare node:http, express 5 and nginx. */
export async function prepareRedirect(bench: Bench): Promise<PreparedBench> {
  await ensurePackages(['wrk']);
  const skipped: Skipped[] = [];

  const ours: Warm[] = [await embedded(bench)];
  const mysqlMissing = await whyMissing(['mariadb', 'zookeeper']);
  if (mysqlMissing) skipped.push({ name: 'redirect (MariaDB)', reason: mysqlMissing });
  else ours.push(await onMariadb(bench));
  const rivals = await startRivals(bench, skipped);
  const rivalPaths = (ours[0] as Warm).paths;

  const targets: Target[] = ours.flatMap(({ name }) => [
    { ours: name, against: 'node:http', atLeast: 0.85 },
    { ours: name, against: 'express 5', atLeast: 7 },
  ]);
  const group = (id: string, which: keyof Paths, title: string) => ({
    id,
    title: `Redirects answered by L1, one core: ${title}`,
    unit: 'requests/s',
    subjects: [
      ...ours.map((one) => ownSubject(bench, one, which)),
      ...rivals.map(({ url, ...rival }) => ({
        ...rival,
        measure: (seconds: number) => measure(bench, url, rivalPaths[which], seconds),
      })),
    ],
    targets,
    skipped,
  });
  return {
    groups: [
      group('redirect', 'hot', `${HOT_CODES} hot links in turn`),
      group('redirect_many', 'all', `${codesOf(bench)} links in turn`),
    ],
    notes: [
      `wrk, 1 thread, ${CONNECTIONS} connections, the same paths for all; L1 holds ${codesOf(bench)} links in both groups`,
      'asked for in turn, many links are the worst case for the processor’s caches, from which rivals with one fixed address never leave',
      'L1 holds every code throughout (LAKH_L1_TTL_MS raised); request counter and histogram are on, and checked',
    ],
    profile: (seconds) =>
      profileServers(bench, ours, seconds, (url, { paths }) => measure(bench, url, paths.hot, seconds)),
  };
}

function ownSubject(bench: Bench, { name, what, running, paths }: Warm, which: keyof Paths): Subject {
  return {
    name,
    role: 'ours',
    what,
    measure: (seconds) =>
      checkCounted(running.adminUrl, seconds, () => measure(bench, running.url, paths[which], seconds)),
  };
}

interface Rival extends Omit<Subject, 'measure'> {
  readonly url: string;
}

async function startRivals(bench: Bench, skipped: Skipped[]): Promise<Rival[]> {
  const location = targetUrl(0);
  const rivals: Rival[] = [
    {
      name: 'node:http',
      role: 'rival',
      what: 'writeHead(301, {Location}).end() with one fixed address: no routing, cache, counter or header of its own',
      url: await launchRival(bench, 'bare-redirect', location),
    },
    {
      name: 'express 5',
      role: 'rival',
      what: "get('/:code') → redirect(301, one fixed address), NODE_ENV=production",
      url: await launchRival(bench, 'express-redirect', location),
    },
  ];
  const nginxMissing = await whyMissing(['nginx']);
  if (nginxMissing) {
    skipped.push({ name: 'nginx', reason: nginxMissing });
    return rivals;
  }
  const what = 'one worker, `return 301` with one fixed address, no access log';
  return [...rivals, { name: 'nginx', role: 'limit', what, url: await launchNginx(bench, location) }];
}

function codesOf(bench: Bench): number {
  return bench.quick ? QUICK_CODES : CODES;
}

function measure(bench: Bench, url: string, pathsFile: string, seconds: number) {
  return wrk(bench, { url, script: 'paths.lua', args: [pathsFile], connections: CONNECTIONS, seconds });
}

async function embedded(bench: Bench): Promise<Warm> {
  const first = await startLakh(bench, 'standalone', { env: ENV });
  const codes = await fill(bench, first, 'standalone');
  return {
    name: 'standalone (embedded)',
    what: 'services/standalone: shorten and redirect in one process, default settings but for the L1 TTL and the rate limits',
    paths: await writePaths(bench, 'standalone', codes),
    running: await warm(first, codes),
    start: async (nodeArgs) => warm(await startLakh(bench, 'standalone', { nodeArgs, env: ENV }), codes),
  };
}

async function onMariadb(bench: Bench): Promise<Warm> {
  const databases = await startDatabases(bench, 1);
  const shorten = await startLakh(bench, 'shorten', { databases });
  const codes = await fill(bench, shorten, 'shorten');
  await shorten.server.stop();
  const start = async (nodeArgs: readonly string[]) =>
    warm(await startLakh(bench, 'redirect', { databases, nodeArgs, env: ENV }), codes);
  return {
    name: 'redirect (MariaDB)',
    what: 'services/redirect over MariaDB on the other core, default settings but for the L1 TTL and the rate limits',
    paths: await writePaths(bench, 'redirect', codes),
    running: await start([]),
    start,
  };
}

async function fill(bench: Bench, server: LakhServer, name: string): Promise<string[]> {
  progress(`redirect: creating ${codesOf(bench)} links through ${name}`);
  return createLinks(server.url, codesOf(bench));
}

/** Twice: the first pass fills the cache behind its answers, the second shows that it did no harm. */
async function warm(server: LakhServer, codes: readonly string[]): Promise<LakhServer> {
  await warmLinks(server.url, codes);
  await warmLinks(server.url, codes);
  return server;
}

async function writePaths(bench: Bench, name: string, codes: readonly string[]): Promise<Paths> {
  const write = async (suffix: string, some: readonly string[]): Promise<string> => {
    const file = join(bench.dir, `${name}.${suffix}`);
    await writeFile(file, some.map((code) => `/${code}\n`).join(''));
    return file;
  };
  return { all: await write('paths', codes), hot: await write('hot-paths', codes.slice(0, HOT_CODES)) };
}
