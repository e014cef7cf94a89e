import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { progress } from '../../scope.js';
import { type Databases, type LakhServer, type Ours, startDatabases, startLakh } from '../lakh-servers.js';
import { createLinks, warmLinks } from '../links.js';
import type { Bench, Surroundings } from '../setting.js';

const CODES = 10_000;
const QUICK_CODES = 200;
/** The links that most clicks go to at a time. */
export const HOT_CODES = 100;
/**
 * L1 entries outlive the run: what is measured is a hit, not the refill (at the default of 5 s, ten thousand codes are 2,000 refills a
 * second). One worker: what is measured is a core.
 */
const ENV = { LAKH_L1_TTL_MS: '3600000', LAKH_WORKERS: '1' };

export const REDIRECT = 'redirect (MariaDB)';

/** Files of paths. */
export interface Paths {
  readonly all: string;
  readonly hot: string;
}

/** Started over the links that it already has, all of them in L1. */
export interface Warm extends Ours {
  /** Of all links that L1 holds, and of the first of them. */
  readonly paths: Paths;
}

/** Links in one MariaDB, and how a services/redirect over them is started. */
export interface OnMariadb {
  readonly databases: Databases;
  readonly codes: readonly string[];
  readonly paths: Paths;
  /** With every link in its L1. */
  start(options?: RedirectOptions): Promise<LakhServer>;
}

export interface RedirectOptions {
  readonly around?: Surroundings;
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function codesOf(bench: Bench): number {
  return bench.quick ? QUICK_CODES : CODES;
}

export async function embedded(bench: Bench): Promise<Warm> {
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

export async function linksOnMariadb(bench: Bench): Promise<OnMariadb> {
  const databases = await startDatabases(bench, 1);
  const shorten = await startLakh(bench, 'shorten', { databases });
  const codes = await fill(bench, shorten, 'shorten');
  await shorten.server.stop();
  return {
    databases,
    codes,
    paths: await writePaths(bench, 'redirect', codes),
    start: async ({ around = bench, nodeArgs = [], env = {} } = {}) =>
      warm(await startLakh(around, 'redirect', { databases, nodeArgs, env: { ...ENV, ...env } }), codes),
  };
}

export async function redirectOn({ paths, start }: OnMariadb): Promise<Warm> {
  return {
    name: REDIRECT,
    what: 'services/redirect over MariaDB on the other core, one worker, default settings but for the L1 TTL and the rate limits',
    paths,
    running: await start(),
    start: (nodeArgs) => start({ nodeArgs }),
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
