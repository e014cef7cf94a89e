import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InstallSettings } from '../config.js';
import { PackagesMissingError } from '../errors.js';
import { findExecutable } from '../install.js';
import { withLock } from '../lock.js';

/** What is built where none is found. */
export const VITESS_VERSION = '24.0.4';
/** As its Go module is numbered. */
const MODULE_VERSION = 'v0.24.4';
const MODULE = 'vitess.io/vitess';
/** What its go.mod asks for. */
const OLDEST_GO = '1.26.8';
export const VITESS_PROGRAMS = ['vtgate', 'vttablet', 'vtctld', 'vtctldclient'] as const;

const PROBE_DEADLINE_MS = 20_000;
/** Seven minutes of processor time on one fast core. */
const BUILD_DEADLINE_MS = 2_400_000;
const BUILD_PROGRESS_MS = 30_000;

export type FoundVitess = { readonly dir: string } | { readonly missing: string };

const HOW_TO_GET_IT = `install Vitess ${VITESS_VERSION} (https://vitess.io/docs/get-started/) so that ${VITESS_PROGRAMS.join(', ')} are on the PATH, or set LAKH_VITESS to their folder, or install Go ${OLDEST_GO} or later: they are then built here once`;

/**
 * The folder of Vitess's programs: LAKH_VITESS, else the PATH's, else those built before, else built now where Go is new enough (some 7 minutes of
 * processor time). Rejects where LAKH_VITESS names a folder without them, and when a build fails.
 */
export async function findVitess(settings: InstallSettings, report: (line: string) => void): Promise<FoundVitess> {
  const { vitess, searchPath } = settings;
  if (vitess !== undefined) {
    const absent = absentOf(vitess);
    if (absent.length === 0) return { dir: vitess };
    throw new PackagesMissingError(`LAKH_VITESS=${vitess}: ${absent.join(', ')} cannot be run from there`);
  }
  const onPath = searchPath.find((dir) => absentOf(dir).length === 0);
  if (onPath !== undefined) return { dir: onPath };
  const cacheDir = cacheFolder(settings);
  const built = join(cacheDir, `vitess-${VITESS_VERSION}`);
  if (absentOf(built).length === 0) return { dir: built };

  const go = findExecutable(searchPath, 'go');
  if (go === undefined) return { missing: `no Vitess here: ${HOW_TO_GET_IT}` };
  if (!isNewEnough(await goVersion(go, settings))) {
    return { missing: `no Vitess here, and Go is older than needed: ${HOW_TO_GET_IT}` };
  }
  if (!settings.installAllowed) {
    return { missing: `no Vitess here, and LAKH_INSTALL=false forbids building it: ${HOW_TO_GET_IT}` };
  }
  mkdirSync(cacheDir, { recursive: true });
  const lock = { waitMs: BUILD_DEADLINE_MS, what: 'another build of Vitess' };
  await withLock(join(cacheDir, '.vitess.lock'), lock, async () => {
    if (absentOf(built).length > 0) await build(go, settings, cacheDir, built, report);
  });
  return { dir: built };
}

/** As {@link findVitess}; throws {@link PackagesMissingError} where there is none and none can be built. */
export async function requireVitess(settings: InstallSettings, report: (line: string) => void): Promise<string> {
  const found = await findVitess(settings, report);
  if ('missing' in found) throw new PackagesMissingError(found.missing);
  return found.dir;
}

function absentOf(dir: string): readonly string[] {
  return VITESS_PROGRAMS.filter((name) => findExecutable([dir], name) === undefined);
}

/** The user's own; of root the system's, since whom root starts Vitess as cannot enter root's home. */
function cacheFolder({ environment }: InstallSettings): string {
  const { XDG_CACHE_HOME: cache } = environment;
  if (cache?.startsWith('/')) return join(cache, 'lakh');
  return process.getuid?.() === 0 ? '/var/cache/lakh' : join(homedir(), '.cache', 'lakh');
}

/** Whether `go version` said {@link OLDEST_GO} or later. */
export function isNewEnough(said: string | undefined): boolean {
  const found = /\bgo(\d+)\.(\d+)(?:\.(\d+))?/.exec(said ?? '');
  if (found === null) return false;
  const [has, needs] = [found.slice(1).map((part) => Number(part ?? 0)), OLDEST_GO.split('.').map(Number)];
  for (let i = 0; i < needs.length; i += 1) {
    const difference = (has[i] as number) - (needs[i] as number);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

async function goVersion(go: string, { environment }: InstallSettings): Promise<string | undefined> {
  const asked = promisify(execFile)(go, ['version'], { timeout: PROBE_DEADLINE_MS, env: { ...environment } });
  return asked.then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}

/** Into a folder that gets its final name only when whole. */
async function build(
  go: string,
  settings: InstallSettings,
  cacheDir: string,
  built: string,
  report: (line: string) => void,
): Promise<void> {
  const partial = mkdtempSync(join(cacheDir, 'vitess-building-'));
  const started = performance.now();
  const elapsedS = () => Math.round((performance.now() - started) / 1000);
  report(`no Vitess here: building ${VITESS_VERSION} with Go, once (some 7 minutes of processor time) …`);
  const ticker = setInterval(() => report(`building Vitess: ${elapsedS()} s`), BUILD_PROGRESS_MS);
  try {
    // A module of its own that asks for Vitess's: `go install …@version` refuses a module that has an exclude.
    writeFileSync(join(partial, 'go.mod'), `module lakh\n\ngo ${OLDEST_GO}\n\nrequire ${MODULE} ${MODULE_VERSION}\n`);
    await install(go, partial, settings);
    for (const name of ['go.mod', 'go.sum']) rmSync(join(partial, name), { force: true });
    chmodSync(partial, 0o755);
    if (existsSync(built)) rmSync(built, { recursive: true });
    renameSync(partial, built);
  } finally {
    clearInterval(ticker);
    rmSync(partial, { recursive: true, force: true });
  }
  report(`Vitess built in ${elapsedS()} s`);
}

async function install(go: string, dir: string, { environment }: InstallSettings): Promise<void> {
  const packages = VITESS_PROGRAMS.map((name) => `${MODULE}/go/cmd/${name}`);
  const env = { ...environment, GOBIN: dir, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' };
  // A group of its own: `go` starts compilers, which are to end with it.
  const child = spawn(go, ['install', ...packages], { cwd: dir, env, stdio: ['ignore', 2, 2], detached: true });
  const end = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid);
  };
  const timer = setTimeout(end, BUILD_DEADLINE_MS);
  process.once('exit', end);
  const [code, signal] = await once(child, 'exit').finally(() => {
    clearTimeout(timer);
    process.removeListener('exit', end);
  });
  if (code !== 0) throw new PackagesMissingError(`Vitess could not be built (go install: exit ${code ?? signal})`);
}
