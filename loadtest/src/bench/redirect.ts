import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '@lakh/local';
import { nginxRedirectPlan } from '../rivals/nginx.js';
import { progress } from '../scope.js';
import type { Skipped, Subject, SubjectRole, Target } from './figures.js';
import { type Databases, type LakhServer, startDatabases, startLakh } from './lakh-servers.js';
import { createLinks, targetUrl, warmLinks } from './links.js';
import { checkCounted } from './metrics.js';
import { launchFor, launchRival } from './node-server.js';
import { whyMissing } from './packages.js';
import { profileServer } from './profile-server.js';
import type { Profile } from './report.js';
import type { Bench, PreparedBench } from './setting.js';
import { wrk } from './wrk.js';

const CONNECTIONS = 64;
const CODES = 10_000;
const QUICK_CODES = 200;

/** One of ours: how to start it over the links that it already has, all of them in L1. */
interface Ours {
  readonly name: string;
  readonly what: string;
  readonly pathsFile: string;
  readonly running: LakhServer;
  start(nodeArgs: readonly string[]): Promise<LakhServer>;
}

/** Redirects that L1 answers, per core, beside bare node:http, express 5 and nginx. */
export async function prepareRedirect(bench: Bench): Promise<PreparedBench> {
  const wrkMissing = await whyMissing(['wrk']);
  if (wrkMissing) throw new Error(wrkMissing);
  const skipped: Skipped[] = [];

  const ours: Ours[] = [await embedded(bench)];
  const mysqlMissing = await whyMissing(['mariadb', 'zookeeper']);
  if (mysqlMissing) skipped.push({ name: 'redirect (MariaDB)', reason: mysqlMissing });
  else ours.push(await onMariadb(bench));
  const paths = (ours[0] as Ours).pathsFile;

  const against = (name: string, role: SubjectRole, what: string, url: string): Subject => ({
    name,
    role,
    what,
    measure: (seconds) => measure(bench, url, paths, seconds),
  });
  const subjects: Subject[] = ours.map((one) => ({
    name: one.name,
    role: 'ours',
    what: one.what,
    measure: (seconds) =>
      checkCounted(one.running.adminUrl, seconds, () => measure(bench, one.running.url, one.pathsFile, seconds)),
  }));
  const location = targetUrl(0);
  subjects.push(
    against(
      'node:http',
      'rival',
      'writeHead(301, {Location}).end() with one fixed address: no routing, cache, counter or header of its own',
      await launchRival(bench, 'bare-redirect', location),
    ),
    against(
      'express 5',
      'rival',
      "get('/:code') → redirect(301, one fixed address), NODE_ENV=production",
      await launchRival(bench, 'express-redirect', location),
    ),
  );
  const nginxMissing = await whyMissing(['nginx']);
  if (nginxMissing) skipped.push({ name: 'nginx', reason: nginxMissing });
  else {
    const [port] = (await freePorts(1)) as [number];
    await launchFor(bench, nginxRedirectPlan(bench, port, location));
    const what = 'one worker, `return 301` with one fixed address, no access log';
    subjects.push(against('nginx', 'limit', what, `http://127.0.0.1:${port}`));
  }

  const targets: Target[] = ours.flatMap(({ name }) => [
    { ours: name, against: 'node:http', atLeast: 0.85 },
    { ours: name, against: 'express 5', atLeast: 7 },
  ]);
  return {
    groups: [
      { id: 'redirect', title: 'Redirects answered by L1, one core', unit: 'requests/s', subjects, targets, skipped },
    ],
    notes: [
      `wrk, 1 thread, ${CONNECTIONS} connections, ${codesOf(bench)} different codes in turn, the same paths for all`,
      'L1 holds every code throughout (LAKH_L1_TTL_MS raised); request counter and histogram are on, and checked',
    ],
    profile: (seconds) => profileAll(bench, ours, seconds),
  };
}

function codesOf(bench: Bench): number {
  return bench.quick ? QUICK_CODES : CODES;
}

function measure(bench: Bench, url: string, pathsFile: string, seconds: number) {
  return wrk(bench, { url, script: 'paths.lua', args: [pathsFile], connections: CONNECTIONS, seconds });
}

async function embedded(bench: Bench): Promise<Ours> {
  const first = await startLakh(bench, 'standalone');
  const codes = await fill(bench, first, 'standalone');
  return {
    name: 'standalone (embedded)',
    what: 'services/standalone: shorten and redirect in one process, default settings but for the L1 TTL',
    pathsFile: await writePaths(bench, 'standalone', codes),
    running: await warm(first, codes),
    start: async (nodeArgs) => warm(await startLakh(bench, 'standalone', { nodeArgs }), codes),
  };
}

async function onMariadb(bench: Bench): Promise<Ours> {
  const databases: Databases = await startDatabases(bench, true);
  const shorten = await startLakh(bench, 'shorten', { databases });
  const codes = await fill(bench, shorten, 'shorten');
  await shorten.server.stop();
  const start = async (nodeArgs: readonly string[]) =>
    warm(await startLakh(bench, 'redirect', { databases, nodeArgs }), codes);
  return {
    name: 'redirect (MariaDB)',
    what: 'services/redirect over MariaDB on the other core, default settings but for the L1 TTL',
    pathsFile: await writePaths(bench, 'redirect', codes),
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

async function writePaths(bench: Bench, name: string, codes: readonly string[]): Promise<string> {
  const file = join(bench.dir, `${name}.paths`);
  await writeFile(file, codes.map((code) => `/${code}\n`).join(''));
  return file;
}

async function profileAll(bench: Bench, ours: readonly Ours[], seconds: number): Promise<Profile[]> {
  const profiles: Profile[] = [];
  for (const { name, running, pathsFile, start } of ours) {
    // One process at a time on its data and its core.
    await running.server.stop();
    profiles.push(await profileServer(bench, name, start, seconds, (url) => measure(bench, url, pathsFile, seconds)));
  }
  return profiles;
}
