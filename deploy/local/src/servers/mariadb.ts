import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { access, cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { portProbe } from '../probe.js';
import { giveAll, makeFolder, makeOwnFolder, type Owner, ownerOf, writeFor } from './owner.js';
import type { ServerPlan } from './server.js';

const ADMIN_DEADLINE_MS = 20_000;
const INSTALL_DEADLINE_MS = 60_000;
/** The server's protocol version, first byte of the handshake's payload; an error packet has 0xff in its place. */
const HANDSHAKE_V10 = 10;
const ERROR_PACKET = 0xff;
/** No account may come from there, as long as Lakh's own have not been made. */
const HOST_NOT_PRIVILEGED = 1130;
/** Relative to the data directory, which mariadbd makes its working directory: so the path never meets the 107-byte limit. */
const SOCKET_NAME = 'mariadb.sock';
/** Without the last two its files could be read by their group. */
const ENV = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin',
  TZ: 'UTC',
  UMASK: '0600',
  UMASK_DIR: '0700',
};
/** An option file of the client: how root logs in. */
const ADMIN_FILE = 'admin.cnf';
const DATA = 'data';
/** Its name within {@link placeFlags}' folder, which therefore has a list of accounts. */
const CAGED_USER = 'mysql';
/** The only folder whose files SQL could name; nothing is ever in it. */
const NO_FILES = 'files';
/** Of the package: what its own installation script, which no folder with a blank in its name survives, feeds to a first start. */
const SYSTEM_TABLES = ['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql'].map(
  (name) => `/usr/share/mysql/${name}`,
);

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
  return join(dir, DATA);
}

/** A MariaDB on 127.0.0.1 with its data in `dir`/data; root logs in through its socket there, with a password of its own. */
export function mariadbPlan(spec: MariadbSpec): ServerPlan {
  const { name, dir, port, templateDir } = spec;
  const owner = ownerOf(dir, 'mysql');
  return {
    name,
    role: 'mysql',
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, 'mariadb.log'),
    command: ['mariadbd', ...mariadbFlags(spec)],
    env: ENV,
    stopSignal: 'SIGTERM',
    async prepare() {
      await makeCage(dir, owner);
      if (!existsSync(join(dir, ADMIN_FILE))) {
        if (templateDir === undefined) await install(dir, owner);
        else {
          if (!(await exists(templateDir))) await placeWhole(templateDir, (partial) => install(partial, owner));
          await copyInstalled(templateDir, dir, owner);
        }
      }
      makeOwnFolder(dataDirOf(dir), owner);
    },
    ready: () => greets(port),
  };
}

/** What `mariadbd` is told. */
function mariadbFlags({ dir, port, durable = true, flags = [] }: Omit<MariadbSpec, 'name'>): string[] {
  return [
    ...placeFlags(dir),
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

/**
 * Where it works, and as whom. Started by root it takes its folder for the root of the file system before it takes its user, who could not
 * go the way to a folder that is root's alone. A starting mariadbd removes temporary tables from its tmpdir, whoever's they are: no two
 * may share one.
 */
function placeFlags(dir: string): string[] {
  const isRoot = process.getuid?.() === 0;
  const isCaged = ownerOf(dir, 'mysql') !== undefined;
  const root = isCaged ? '' : dir;
  return [
    '--no-defaults',
    ...(isCaged ? [`--chroot=${dir}`, `--user=${CAGED_USER}`] : isRoot ? ['--user=root'] : []),
    `--datadir=${root}/${DATA}`,
    `--tmpdir=${root}/${DATA}`,
    `--secure-file-priv=${root}/${NO_FILES}`,
    '--skip-local-infile',
    '--skip-symbolic-links',
  ];
}

/** Runs SQL as root through the server's socket; resolves with the rows, tab-separated, without headings. */
export function mariadbSql(plan: ServerPlan, sql: string): Promise<string> {
  const login = [`--socket=${SOCKET_NAME}`, '--user=root', '--default-character-set=utf8mb4'];
  const defaults = `--defaults-file=${join(plan.dir, ADMIN_FILE)}`;
  return run('mariadb', [defaults, ...login, '--batch', '--skip-column-names'], {
    cwd: dataDirOf(plan.dir),
    input: sql,
    deadlineMs: ADMIN_DEADLINE_MS,
  });
}

/** How root logs in, from the server's folder: `socketPath` may be longer than a socket's path can be. */
export function mariadbAdmin(dir: string): {
  readonly socketPath: string;
  readonly user: string;
  readonly password: string;
} {
  const password = /^password=(.*)$/m.exec(readFileSync(join(dir, ADMIN_FILE), 'utf8'))?.[1] ?? '';
  return { socketPath: join(dataDirOf(dir), SOCKET_NAME), user: 'root', password };
}

/**
 * Makes the database `lakh` and its two least-privileged users in a running server. Harmless when they are there (their passwords become
 * these).
 */
export async function createLakhDatabase(plan: ServerPlan, accounts: LakhAccounts): Promise<void> {
  const rows = 'SELECT, INSERT, UPDATE, DELETE';
  await mariadbSql(
    plan,
    `
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

/**
 * Fills `dir` with an empty data directory, whose root has a password from its first moment on, by a start that listens nowhere. Last comes
 * the file with the password, which says that all of it is there; of a server from before there was one, only root's accounts change.
 */
async function install(dir: string, owner: Owner | undefined): Promise<void> {
  const dataDir = dataDirOf(dir);
  const isNew = !existsSync(join(dataDir, 'ibdata1'));
  await makeCage(dir, owner);
  makeOwnFolder(dataDir, owner);
  const password = randomBytes(24).toString('base64url');
  const sql = [
    ...(isNew
      ? ["CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket='root';", ...SYSTEM_TABLES.map(readText)]
      : []),
    'FLUSH PRIVILEGES;',
    "DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';",
    `CREATE OR REPLACE USER root@localhost IDENTIFIED BY '${password}';`,
    'GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;',
  ];
  const flags = [
    '--bootstrap',
    '--silent-startup',
    '--log-warnings=0',
    '--max-allowed-packet=8M',
    '--net-buffer-length=16K',
  ];
  await run('mariadbd', [...placeFlags(dir), ...SMALL_MEMORY, ...flags], {
    cwd: dataDir,
    input: `${sql.join('\n')}\n`,
    deadlineMs: INSTALL_DEADLINE_MS,
  });
  await writeFor(undefined, join(dir, ADMIN_FILE), `[client]\npassword=${password}\n`);
}

/** What a server that sees nothing but its folder needs there. */
async function makeCage(dir: string, owner: Owner | undefined): Promise<void> {
  makeFolder(dir, owner);
  mkdirSync(join(dir, NO_FILES), { recursive: true, mode: 0o700 });
  if (owner === undefined) return;
  makeFolder(join(dir, 'etc'), owner);
  await writeFor(owner, join(dir, 'etc', 'passwd'), `${CAGED_USER}:x:${owner.uid}:${owner.gid}::/:\n`);
}

const readText = (file: string): string => readFileSync(file, 'utf8');

async function copyInstalled(templateDir: string, dir: string, owner: Owner | undefined): Promise<void> {
  await placeWhole(dataDirOf(dir), async (partial) => {
    await cp(dataDirOf(templateDir), partial, { recursive: true });
    if (owner !== undefined) giveAll(partial, owner);
  });
  await writeFor(undefined, join(dir, ADMIN_FILE), await readFile(join(templateDir, ADMIN_FILE), 'utf8'));
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

/** True when the server sends its handshake, or refuses this host, which it does only once it accepts logins. */
async function greets(port: number): Promise<boolean> {
  // Three bytes of length and one of sequence precede the payload, of which both answers have three bytes and more.
  const packet = Buffer.from((await portProbe(port, '', (text) => text.length >= 7)) ?? '', 'latin1');
  if (packet[4] === HANDSHAKE_V10) return true;
  return packet[4] === ERROR_PACKET && packet.readUInt16LE(5) === HOST_NOT_PRIVILEGED;
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
      { cwd: options.cwd, env: ENV, timeout: options.deadlineMs, killSignal: 'SIGKILL' },
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
