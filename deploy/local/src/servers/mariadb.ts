import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, cp, mkdir, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { ServerPlan } from './server.js';

const PROBE_DEADLINE_MS = 1_000;
const ADMIN_DEADLINE_MS = 20_000;
const INSTALL_DEADLINE_MS = 60_000;
/** The server's protocol version, first byte of the handshake's payload; an error packet has 0xff in its place. */
const HANDSHAKE_V10 = 10;
/** Relative to the data directory, which mariadbd makes its working directory: so the path never meets the 107-byte limit. */
const SOCKET_NAME = 'mariadb.sock';
const PATH_ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin', TZ: 'UTC' };

/** Sized for many instances on one machine (about 30 MB each); none of these touches durability. */
const SMALL_MEMORY = [
  '--innodb-buffer-pool-size=16M',
  '--innodb-log-file-size=8M',
  '--innodb-log-buffer-size=2M',
  '--key-buffer-size=1M',
  '--aria-pagecache-buffer-size=1M',
  '--table-open-cache=200',
  '--performance-schema=off',
  '--innodb-use-native-aio=0',
  '--innodb-buffer-pool-dump-at-shutdown=0',
  '--innodb-buffer-pool-load-at-startup=0',
];

export interface MariadbSpec {
  readonly name: string;
  readonly dir: string;
  readonly port: number;
  /** An empty data directory, made on first use and copied from then on: 0.1 s instead of 0.7 s an instance. */
  readonly templateDir?: string;
  /** `false` only where nothing durable is shown or measured. */
  readonly durable?: boolean;
  /** More flags, last, so that they win. */
  readonly flags?: readonly string[];
}

export interface LakhAccounts {
  /** Of `lakh`: reads and writes rows of the database `lakh`, nothing else. */
  readonly password: string;
  /** Of `lakh_migrate`: also creates and alters its tables. */
  readonly migratePassword: string;
}

function dataDirOf(dir: string): string {
  return join(dir, 'data');
}

/** A MariaDB on 127.0.0.1 with its data in `dir`/data; root logs in through its socket there, without a password, and only there. */
export function mariadbPlan(spec: MariadbSpec): ServerPlan {
  const { name, dir, port, templateDir } = spec;
  return {
    name,
    role: 'mysql',
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, 'mariadb.log'),
    command: ['mariadbd', ...mariadbFlags(spec)],
    env: PATH_ENV,
    stopSignal: 'SIGTERM',
    async prepare() {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const dataDir = dataDirOf(dir);
      if (await exists(dataDir)) return;
      if (templateDir === undefined) return installInto(dataDir);
      if (!(await exists(templateDir))) await installInto(templateDir);
      await placeWhole(dataDir, (partial) => cp(templateDir, partial, { recursive: true }));
    },
    ready: () => greets(port),
  };
}

/** What `mariadbd` is told. */
function mariadbFlags({ dir, port, durable = true, flags = [] }: Omit<MariadbSpec, 'name'>): string[] {
  return [
    '--no-defaults',
    ...asRoot(),
    ...inDataDir(dataDirOf(dir)),
    `--socket=${SOCKET_NAME}`,
    '--pid-file=mariadb.pid',
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
    '--max-connections=500',
    '--max-connect-errors=4294967295',
    '--character-set-server=utf8mb4',
    '--sql-mode=STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO',
    '--default-time-zone=+00:00',
    `--innodb-flush-log-at-trx-commit=${durable ? 1 : 0}`,
    ...SMALL_MEMORY,
    ...flags,
  ];
}

/** Runs SQL as root through the server's socket; resolves with the rows, tab-separated, without headings. */
export function mariadbSql(plan: ServerPlan, sql: string): Promise<string> {
  const login = [`--socket=${SOCKET_NAME}`, '--user=root', '--default-character-set=utf8mb4'];
  return run('mariadb', ['--no-defaults', ...login, '--batch', '--skip-column-names'], {
    cwd: dataDirOf(plan.dir),
    input: sql,
    deadlineMs: ADMIN_DEADLINE_MS,
  });
}

/**
 * Makes the database `lakh` and its two least-privileged users in a running server, and closes root to TCP. Harmless when
 * they are there (their passwords become these).
 */
export async function createLakhDatabase(plan: ServerPlan, accounts: LakhAccounts): Promise<void> {
  const rows = 'SELECT, INSERT, UPDATE, DELETE';
  await mariadbSql(
    plan,
    `
    DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';
    CREATE DATABASE IF NOT EXISTS lakh CHARACTER SET utf8mb4;
    CREATE OR REPLACE USER 'lakh'@'%' IDENTIFIED BY ${quoted(accounts.password)};
    CREATE OR REPLACE USER 'lakh_migrate'@'%' IDENTIFIED BY ${quoted(accounts.migratePassword)};
    GRANT ${rows} ON lakh.* TO 'lakh'@'%';
    GRANT ${rows}, CREATE, ALTER, DROP, INDEX ON lakh.* TO 'lakh_migrate'@'%';
    `,
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** mariadbd refuses to run as root unless told so by name; a private instance belongs to whoever started it. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

/** A starting mariadbd removes temporary tables from its tmpdir, whoever's they are: no two may share one. */
function inDataDir(dataDir: string): string[] {
  return [`--datadir=${dataDir}`, `--tmpdir=${dataDir}`];
}

function installInto(dataDir: string): Promise<void> {
  return placeWhole(dataDir, async (partial) => {
    await run(
      'mariadb-install-db',
      [
        '--no-defaults',
        ...asRoot(),
        ...inDataDir(partial),
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        '--innodb-log-file-size=8M',
        '--innodb-buffer-pool-size=16M',
      ],
      { cwd: dirname(partial), deadlineMs: INSTALL_DEADLINE_MS },
    );
  });
}

/** Fills a folder under another name and renames it, so that `target` is whole or absent whoever else does the same. */
async function placeWhole(target: string, fill: (partial: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const partial = join(dirname(target), `.${basename(target)}-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await fill(partial);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!(await exists(target))) throw error;
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** True when the server sends its handshake, which it does only once it accepts logins. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_DEADLINE_MS, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    // Three bytes of length and one of sequence precede the payload.
    socket.once('data', (packet) => settle(packet[4] === HANDSHAKE_V10));
  });
}

function run(
  file: string,
  args: readonly string[],
  options: { cwd: string; deadlineMs: number; input?: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { cwd: options.cwd, env: PATH_ENV, timeout: options.deadlineMs, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        // The command line holds no secret (SQL goes through stdin), and neither does the client's message.
        if (error) reject(new Error(`${file} failed: ${(stderr || stdout || error.message).trim()}`));
        else resolve(stdout);
      },
    );
    child.stdin?.on('error', () => {}); // A child that ended early is reported by its exit.
    child.stdin?.end(options.input ?? '');
  });
}
