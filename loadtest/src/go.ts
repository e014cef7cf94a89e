import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findExecutable } from '@lakh/local';
import type { Config } from './config.js';
import { progress, type Scope } from './scope.js';

type Release = readonly [major: number, minor: number];

/** A program of the user's, and what it says of its version. */
export interface Go {
  readonly file: string;
  isSince(release: Release): boolean;
}

/** What is to be built, once. */
export interface GoBuild {
  readonly what: string;
  /** For whoever waits. */
  readonly takes: string;
  /** Gets its name only when whole: two builders at once do no harm. */
  readonly builtDir: string;
  /** What says that it is there. */
  readonly program: string;
  readonly cwd?: string;
  args(partial: string): readonly string[];
  env?(partial: string): Readonly<Record<string, string>>;
}

const PROBE_DEADLINE_MS = 20_000;
const BUILD_DEADLINE_MS = 900_000;
const BUILD_PROGRESS_MS = 15_000;

/** The `go` of the PATH, if any. */
export async function findGo({ path, buildEnvironment }: Config): Promise<Go | undefined> {
  const file = findExecutable(path.split(delimiter), 'go');
  if (file === undefined) return undefined;
  const said = await versionOf(file, buildEnvironment);
  return { file, isSince: (release) => isSince(said, release) };
}

/** Whether `go version` said so, or later. */
export function isSince(said: string | undefined, [major, minor]: Release): boolean {
  const [, hasMajor, hasMinor] = /\bgo(\d+)\.(\d+)/.exec(said ?? '')?.map(Number) ?? [];
  if (hasMajor === undefined || hasMinor === undefined) return false;
  return hasMajor > major || (hasMajor === major && hasMinor >= minor);
}

/** Rejects when the build fails. */
export async function buildWithGo(go: Go, config: Config, build: GoBuild, scope: Scope): Promise<void> {
  const { what, takes, builtDir, program } = build;
  const cacheDir = dirname(builtDir);
  mkdirSync(cacheDir, { recursive: true });
  const partial = mkdtempSync(join(cacheDir, `${basename(builtDir)}-building-`));
  scope.defer(() => rmSync(partial, { recursive: true, force: true }));
  const started = performance.now();
  const elapsedS = () => Math.round((performance.now() - started) / 1000);
  progress(`building ${what} with Go, once (${takes}) …`);
  const ticker = setInterval(() => progress(`building ${what}: ${elapsedS()} s`), BUILD_PROGRESS_MS);
  const env = { ...config.buildEnvironment, GOTOOLCHAIN: 'local', ...build.env?.(partial) };
  try {
    await run(go, build.args(partial), { env, cwd: build.cwd, what }, scope);
  } finally {
    clearInterval(ticker);
  }
  try {
    renameSync(partial, builtDir);
  } catch (error) {
    if (findExecutable([builtDir], program) === undefined) throw error;
  }
  progress(`${what}: built in ${elapsedS()} s`);
}

interface Running {
  readonly env: Record<string, string>;
  readonly cwd: string | undefined;
  readonly what: string;
}

async function run({ file }: Go, args: readonly string[], { env, cwd, what }: Running, scope: Scope): Promise<void> {
  scope.assertOpen();
  // A group of its own: `go` starts compilers, which are to end with it.
  const child = spawn(file, args, { env, cwd, stdio: ['ignore', 2, 2], detached: true });
  const end = () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, 'SIGTERM');
  };
  scope.defer(end);
  const timer = setTimeout(end, BUILD_DEADLINE_MS);
  const [code, signal] = await once(child, 'exit').finally(() => clearTimeout(timer));
  if (code !== 0) throw new Error(`${what} could not be built (go ${args[0]}: exit ${code ?? signal})`);
}

/** What `file version` prints, or undefined when it cannot be run. */
export async function versionOf(file: string, env: Readonly<Record<string, string>> = {}): Promise<string | undefined> {
  const asked = promisify(execFile)(file, ['version'], { timeout: PROBE_DEADLINE_MS, env });
  return asked.then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
