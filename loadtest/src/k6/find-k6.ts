import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { findExecutable } from '@lakh/local';
import type { Config, LoadtestConfig } from '../config.js';
import { progress, type Scope } from '../scope.js';

/** What is built where no k6 is found. */
export const K6_VERSION = 'v1.8.1';
const OLDEST_GO: readonly [major: number, minor: number] = [1, 24];

const PROBE_DEADLINE_MS = 20_000;
const BUILD_DEADLINE_MS = 900_000;
const BUILD_PROGRESS_MS = 15_000;

export type FoundK6 = { readonly file: string } | { readonly missing: string };

const HOW_TO_GET_IT =
  `install k6 (https://grafana.com/docs/k6/latest/set-up/install-k6/) so that it is on the PATH, or set LAKH_K6 to its binary, ` +
  `or install Go ${OLDEST_GO.join('.')} or later: it is then built here once`;

/**
 * LAKH_K6, else k6 of the PATH, else the one built before, else one built now (2–3 minutes) where Go is new enough. `cacheDir` keeps
 * the build. Rejects when LAKH_K6 names something that is no k6, and when a build fails.
 */
export async function findK6(config: LoadtestConfig, cacheDir: string, scope: Scope): Promise<FoundK6> {
  if (config.k6 !== undefined) {
    if ((await versionOf(config.k6)) === undefined) throw new Error(`LAKH_K6=${config.k6}: cannot be run as k6`);
    return { file: config.k6 };
  }
  const searchPath = config.path.split(delimiter);
  const onPath = findExecutable(searchPath, 'k6');
  if (onPath !== undefined && (await versionOf(onPath)) !== undefined) return { file: onPath };
  const builtDir = join(cacheDir, `k6-${K6_VERSION}`);
  const built = findExecutable([builtDir], 'k6');
  if (built !== undefined) return { file: built };

  const go = findExecutable(searchPath, 'go');
  if (go === undefined) return { missing: `no k6 here: ${HOW_TO_GET_IT}` };
  const goVersion = await versionOf(go, config.buildEnvironment);
  if (!isNewEnough(goVersion)) return { missing: `no k6 here, and Go is older than needed: ${HOW_TO_GET_IT}` };
  await build(go, config, cacheDir, builtDir, scope);
  return { file: join(builtDir, 'k6') };
}

/** Whether `go version` said 1.24 or later. */
export function isNewEnough(goVersion: string | undefined): boolean {
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(goVersion ?? '')?.map(Number) ?? [];
  if (major === undefined || minor === undefined) return false;
  return major > OLDEST_GO[0] || (major === OLDEST_GO[0] && minor >= OLDEST_GO[1]);
}

/** `go install` into a folder that gets its final name only when whole: two builders at once do no harm. */
async function build(go: string, config: Config, cacheDir: string, builtDir: string, scope: Scope): Promise<void> {
  mkdirSync(cacheDir, { recursive: true });
  const partial = mkdtempSync(join(cacheDir, 'k6-building-'));
  scope.defer(() => rmSync(partial, { recursive: true, force: true }));
  const started = performance.now();
  const elapsedS = () => Math.round((performance.now() - started) / 1000);
  progress(`no k6 here: building ${K6_VERSION} with Go, once (2–3 minutes) …`);
  const ticker = setInterval(() => progress(`building k6: ${elapsedS()} s`), BUILD_PROGRESS_MS);
  try {
    await install(go, { ...config.buildEnvironment, GOBIN: partial, GOTOOLCHAIN: 'local' }, scope);
  } finally {
    clearInterval(ticker);
  }
  try {
    renameSync(partial, builtDir);
  } catch (error) {
    if (findExecutable([builtDir], 'k6') === undefined) throw error;
  }
  progress(`k6 built in ${elapsedS()} s`);
}

async function install(go: string, env: Record<string, string>, scope: Scope): Promise<void> {
  scope.assertOpen();
  // A group of its own: `go` starts compilers, which are to end with it.
  const child = spawn(go, ['install', `go.k6.io/k6@${K6_VERSION}`], { env, stdio: ['ignore', 2, 2], detached: true });
  const end = () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, 'SIGTERM');
  };
  scope.defer(end);
  const timer = setTimeout(end, BUILD_DEADLINE_MS);
  const [code, signal] = await once(child, 'exit').finally(() => clearTimeout(timer));
  if (code !== 0) throw new Error(`k6 could not be built (go install: exit ${code ?? signal})`);
}

/** What `file` prints about itself, or undefined when it cannot be run. */
async function versionOf(file: string, env: Readonly<Record<string, string>> = {}): Promise<string | undefined> {
  const asked = promisify(execFile)(file, ['version'], { timeout: PROBE_DEADLINE_MS, env });
  return asked.then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
