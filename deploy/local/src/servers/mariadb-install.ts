import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { access, cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StartFailedError } from '../errors.js';
import { giveAll, makeFolder, makeOwnFolder, type Owner, ownerOf, writeFor } from './owner.js';

const INSTALL_DEADLINE_MS = 60_000;
/** Without the last two its files could be read by their group. */
export const MARIADB_ENV = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin',
  TZ: 'UTC',
  UMASK: '0600',
  UMASK_DIR: '0700',
};
/** An option file of the client: how root logs in. */
export const ADMIN_FILE = 'admin.cnf';
const DATA = 'data';
/** Beside a data directory that is being made, and that nothing is lost with. */
const UNFINISHED = 'unfinished';
/** Its name within {@link placeFlags}' folder, which therefore has a list of accounts. */
const CAGED_USER = 'mysql';
/** The only folder whose files SQL could name; nothing is ever in it. */
const NO_FILES = 'files';
/** What the package's own installation script, which no folder with a blank in its name survives, feeds to a first start; by release. */
const SYSTEM_TABLES = ['system_tables', 'performance_tables', 'system_tables_data'];
const SYSTEM_TABLE_PLACES = ['/usr/share/mysql/mysql_', '/usr/share/mysql/mariadb_', '/usr/share/mariadb/mariadb_'];

/** Sized for many instances on one machine (about 30 MB each); none of these touches durability. */
export const SMALL_MEMORY = [
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

export function dataDirOf(dir: string): string {
  return join(dir, DATA);
}

/**
 * Where it works, and as whom. Started by root it takes its folder for the root of the file system before it takes its user, who could not
 * go the way to a folder that is root's alone; unless it is not caged, and started as its user. A starting mariadbd removes temporary tables
 * from its tmpdir, whoever's they are: no two may share one.
 */
export function placeFlags(dir: string, isCaged = ownerOf(dir, 'mysql') !== undefined): string[] {
  const isRoot = process.getuid?.() === 0;
  const root = isCaged ? '' : dir;
  return [
    '--no-defaults',
    ...(isCaged
      ? [`--chroot=${dir}`, `--user=${CAGED_USER}`]
      : isRoot && ownerOf(dir, 'mysql') === undefined
        ? ['--user=root']
        : []),
    `--datadir=${root}/${DATA}`,
    `--tmpdir=${root}/${DATA}`,
    `--secure-file-priv=${root}/${NO_FILES}`,
    '--skip-local-infile',
    '--skip-symbolic-links',
  ];
}

/**
 * Makes what is missing of a server's folder: an empty data directory, made here or copied from a template that is made on first use, and
 * the file with root's password, a random one unless it is given; of a template it is the template's.
 */
export async function prepareMariadb(dir: string, templateDir?: string, rootPassword = newPassword()): Promise<void> {
  const owner = ownerOf(dir, 'mysql');
  await makeCage(dir, owner);
  if (!existsSync(join(dir, ADMIN_FILE))) {
    if (templateDir === undefined) await install(dir, owner, rootPassword);
    else {
      if (!(await exists(templateDir)))
        await placeWhole(templateDir, (partial) => install(partial, owner, rootPassword));
      await copyInstalled(templateDir, dir, owner);
    }
  }
  makeOwnFolder(dataDirOf(dir), owner);
}

/**
 * Fills `dir` with an empty data directory, whose root has a password from its first moment on, by a start that listens nowhere. Last comes
 * the file with the password, which says that all of it is there; of a server from before there was one, only root's accounts change.
 */
async function install(dir: string, owner: Owner | undefined, password: string): Promise<void> {
  const dataDir = dataDirOf(dir);
  const unfinished = join(dir, UNFINISHED);
  if (existsSync(unfinished)) rmSync(dataDir, { recursive: true, force: true });
  const isNew = !existsSync(dataDir);
  await makeCage(dir, owner);
  if (isNew) await writeFor(undefined, unfinished, '');
  makeOwnFolder(dataDir, owner);
  const sql = [
    ...(isNew ? ["CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket='root';", ...systemTables()] : []),
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
  await runMariadb('mariadbd', [...placeFlags(dir), ...SMALL_MEMORY, ...flags], {
    cwd: dataDir,
    input: `${sql.join('\n')}\n`,
    deadlineMs: INSTALL_DEADLINE_MS,
  });
  await writeFor(undefined, join(dir, ADMIN_FILE), `[client]\npassword=${password}\n`);
  rmSync(unfinished, { force: true });
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** What a server that sees nothing but its folder needs there. */
async function makeCage(dir: string, owner: Owner | undefined): Promise<void> {
  makeFolder(dir, owner);
  mkdirSync(join(dir, NO_FILES), { recursive: true, mode: 0o700 });
  if (owner === undefined) return;
  makeFolder(join(dir, 'etc'), owner);
  await writeFor(owner, join(dir, 'etc', 'passwd'), `${CAGED_USER}:x:${owner.uid}:${owner.gid}::/:\n`);
}

function systemTables(): string[] {
  for (const place of SYSTEM_TABLE_PLACES) {
    const files = SYSTEM_TABLES.map((name) => `${place}${name}.sql`);
    if (files.every(existsSync)) return files.map((file) => readFileSync(file, 'utf8'));
  }
  throw new StartFailedError(`MariaDB's system tables are in none of ${SYSTEM_TABLE_PLACES.join('…, ')}…`);
}

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

export function runMariadb(
  file: string,
  args: readonly string[],
  options: { cwd: string; deadlineMs: number; input?: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { cwd: options.cwd, env: MARIADB_ENV, timeout: options.deadlineMs, killSignal: 'SIGKILL' },
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
