import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type InstallSettings, readInstallSettings, SYSTEM_PATH } from './config.js';
import { PackagesMissingError } from './errors.js';
import { withLock } from './lock.js';
import { withoutDaemonStarts } from './policy-rc.js';
import { GALERA_LIBRARY } from './servers/galera.js';

/** What can be asked for; each is one or two Debian packages. */
export type Dependency =
  | 'zookeeper'
  | 'mariadb'
  | 'mariadb-backup'
  | 'galera'
  | 'redis'
  | 'nginx'
  | 'chromium'
  | 'wrk'
  | 'faketime';

interface Requirement {
  /** Executables, looked for in Debian's folders (servers) or on the PATH as well (tools). */
  readonly executables: readonly string[];
  readonly onPath?: true;
  readonly files?: readonly string[];
  readonly packages: readonly string[];
}

/** Packages without a daemon of their own where there is the choice. */
const REQUIREMENTS: Readonly<Record<Dependency, Requirement>> = {
  zookeeper: {
    executables: ['java'],
    files: ['/usr/share/java/zookeeper.jar', '/usr/share/java/slf4j-simple.jar'],
    packages: ['libzookeeper-java', 'default-jre-headless'],
  },
  mariadb: { executables: ['mariadbd', 'mariadb'], packages: ['mariadb-server'] },
  'mariadb-backup': { executables: ['mariadb-backup'], packages: ['mariadb-backup'] },
  galera: { executables: ['rsync'], files: [GALERA_LIBRARY], packages: ['galera-4', 'rsync', 'lsof'] },
  redis: { executables: ['redis-server'], packages: ['redis-server'] },
  nginx: { executables: ['nginx'], packages: ['nginx'] },
  chromium: { executables: ['chromium'], onPath: true, packages: ['chromium'] },
  faketime: { executables: ['faketime'], onPath: true, packages: ['faketime'] },
  wrk: { executables: ['wrk'], onPath: true, packages: ['wrk'] },
};

const UPDATE_DEADLINE_MS = 120_000;
const INSTALL_DEADLINE_MS = 600_000;
/** Root's folder: only root installs. */
const LOCK_FILE = '/run/lakh-install.lock';
/** One install after another: two processes may ask at once. */
const LOCK_WAIT_MS = UPDATE_DEADLINE_MS + INSTALL_DEADLINE_MS;
const DPKG_LOCK_WAIT_S = 120;

export interface InstallOptions {
  readonly settings?: InstallSettings;
  /** One line of progress; to stderr by default. */
  readonly report?: (line: string) => void;
}

/**
 * After this the named servers and tools can be run. Installs what is missing with apt-get, as root and unless LAKH_INSTALL=false,
 * without starting any daemon. Throws {@link PackagesMissingError}, with the line to type, when it may not or cannot.
 */
export async function ensurePackages(dependencies: readonly Dependency[], options: InstallOptions = {}): Promise<void> {
  const settings = options.settings ?? readInstallSettings();
  const report = options.report ?? ((line: string) => process.stderr.write(`lakh: ${line}\n`));
  if (missingOf(dependencies, settings.searchPath).length === 0) return;
  const refusal = whyNotInstall(settings);
  if (refusal !== undefined) {
    const { absent, aptLine } = neededFor(dependencies, settings);
    throw new PackagesMissingError(`missing: ${absent} (${refusal}). As root: ${aptLine}`);
  }
  await withLock(LOCK_FILE, { waitMs: LOCK_WAIT_MS, what: 'another installation' }, async () => {
    if (missingOf(dependencies, settings.searchPath).length === 0) return;
    const { absent, packages, aptLine } = neededFor(dependencies, settings);
    report(`missing: ${absent}`);
    await withoutDaemonStarts(async (interrupted) => {
      report('apt-get update …');
      // A stale list may still do, and one unreachable source of several is no reason to stop.
      const updated = await runApt(['update', '-q'], UPDATE_DEADLINE_MS, interrupted);
      if (updated !== undefined) report(`apt-get update: ${updated}`);
      report(`${aptLine} …`);
      const failure = await runApt(
        ['install', '-y', '-q', '--no-install-recommends', ...packages],
        INSTALL_DEADLINE_MS,
        interrupted,
      );
      if (failure !== undefined) throw new PackagesMissingError(`${aptLine}: ${failure}`);
    });
    const still = missingOf(dependencies, settings.searchPath).flatMap(({ absent }) => absent);
    if (still.length > 0) throw new PackagesMissingError(`still missing after ${aptLine}: ${still.join(', ')}`);
    report('installed; daemons that came with the packages were not started');
  });
}

function neededFor(dependencies: readonly Dependency[], { searchPath }: InstallSettings) {
  const missing = missingOf(dependencies, searchPath);
  const packages = missing.flatMap(({ packages }) => packages);
  return {
    absent: missing.flatMap(({ absent }) => absent).join(', '),
    packages,
    aptLine: `apt-get install -y --no-install-recommends ${packages.join(' ')}`,
  };
}

/** What of each dependency is not there, and the packages that bring it. */
export function missingOf(
  dependencies: readonly Dependency[],
  searchPath: readonly string[],
): { readonly absent: readonly string[]; readonly packages: readonly string[] }[] {
  const systemDirs = SYSTEM_PATH.split(':');
  return dependencies
    .map((dependency) => {
      const { executables, files = [], packages, onPath } = REQUIREMENTS[dependency];
      const dirs = onPath ? searchPath : systemDirs;
      const absent = [
        ...executables.filter((name) => findExecutable(dirs, name) === undefined),
        ...files.filter((file) => !existsSync(file)),
      ];
      return { absent, packages };
    })
    .filter(({ absent }) => absent.length > 0);
}

/** The first of that name in `dirs`, or undefined. An empty folder's name, as a PATH may have, is none. */
export function findExecutable(dirs: readonly string[], name: string): string | undefined {
  return dirs
    .filter((dir) => dir !== '')
    .map((dir) => join(dir, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function whyNotInstall(settings: Pick<InstallSettings, 'installAllowed'>): string | undefined {
  if (!settings.installAllowed) return 'LAKH_INSTALL=false forbids installing';
  if (!existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get'))
    return 'no Debian-like system with apt-get';
  if (process.getuid?.() !== 0) return 'not root';
  return undefined;
}

/** Undefined on success, else why it failed. What apt says goes to stderr. */
function runApt(args: readonly string[], deadlineMs: number, interrupted: AbortSignal): Promise<string | undefined> {
  if (interrupted.aborted) return Promise.resolve('interrupted');
  return new Promise((resolve) => {
    // Through sh(1) and env(1), which become apt-get: with the system's own umask, and the caller's proxy settings stay.
    const child = spawn(
      '/bin/sh',
      [
        '-c',
        'umask 022; exec /usr/bin/env "$@"',
        'sh',
        `PATH=${SYSTEM_PATH}`,
        'DEBIAN_FRONTEND=noninteractive',
        'LC_ALL=C.UTF-8',
        'apt-get',
        '-o',
        `DPkg::Lock::Timeout=${DPKG_LOCK_WAIT_S}`,
        ...args,
      ],
      { stdio: ['ignore', 2, 2] },
    );
    const timer = setTimeout(() => child.kill('SIGTERM'), deadlineMs);
    const stop = (): void => {
      child.kill('SIGTERM');
    };
    interrupted.addEventListener('abort', stop);
    const settle = (why: string | undefined): void => {
      clearTimeout(timer);
      interrupted.removeEventListener('abort', stop);
      resolve(why);
    };
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, signal) => settle(code === 0 ? undefined : `exit ${code ?? signal}`));
  });
}
