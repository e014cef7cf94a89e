import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { portProbe } from '../probe.js';
import {
  ADMIN_FILE,
  dataDirOf,
  MARIADB_ENV,
  placeFlags,
  prepareMariadb,
  runMariadb,
  SMALL_MEMORY,
} from './mariadb-install.js';
import { ownerOf } from './owner.js';
import type { ServerPlan } from './server.js';

const ADMIN_DEADLINE_MS = 20_000;
/** The server's protocol version, first byte of the handshake's payload; an error packet has 0xff in its place. */
const HANDSHAKE_V10 = 10;
const ERROR_PACKET = 0xff;
/** No account may come from there, as long as Lakh's own have not been made. */
const HOST_NOT_PRIVILEGED = 1130;
/** Relative to the data directory, which mariadbd makes its working directory: so the path never meets the 107-byte limit. */
const SOCKET_NAME = 'mariadb.sock';

export interface MariadbSpec {
  readonly name: string;
  readonly dir: string;
  readonly port: number;
  /** An empty data directory, made on first use and copied from then on: 0.1 s instead of 0.7 s an instance. */
  readonly templateDir?: string;
  /** `false` only where nothing durable is shown or measured. */
  readonly durable?: boolean;
  /** Of root, where several share it; a random one otherwise, or the template's. */
  readonly rootPassword?: string;
  /** It sees the whole file system, for the programs that it runs; it must be started as its user, who must be able to enter `dir`. */
  readonly isUncaged?: boolean;
  /** More flags, last, so that they win. */
  readonly flags?: readonly string[];
}

export interface LakhAccounts {
  /** Of `lakh`: reads and writes rows of the database `lakh`, nothing else. */
  readonly password: string;
  /** Of `lakh_migrate`: also creates and alters its tables. */
  readonly migratePassword: string;
}

/** A MariaDB on 127.0.0.1 with its data in `dir`/data; root logs in through its socket there, with a password of its own. */
export function mariadbPlan(spec: MariadbSpec): ServerPlan {
  const { name, dir, port, templateDir, rootPassword, isUncaged } = spec;
  return {
    name,
    role: 'mysql',
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, 'mariadb.log'),
    command: ['mariadbd', ...mariadbFlags(spec)],
    env: MARIADB_ENV,
    ...(isUncaged ? { owner: ownerOf(dir, 'mysql') } : {}),
    stopSignal: 'SIGTERM',
    prepare: () => prepareMariadb(dir, templateDir, rootPassword),
    ready: () => greetsAsMysql(port),
  };
}

/** What `mariadbd` is told. */
function mariadbFlags({ dir, port, durable = true, isUncaged, flags = [] }: Omit<MariadbSpec, 'name'>): string[] {
  return [
    ...(isUncaged ? placeFlags(dir, false) : placeFlags(dir)),
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
export function mariadbSql(plan: ServerPlan, sql: string, deadlineMs = ADMIN_DEADLINE_MS): Promise<string> {
  return asRoot(plan, sql, ['--skip-column-names'], deadlineMs);
}

/** What a statement such as SHOW SLAVE STATUS says, by the names of its columns; undefined where it says nothing. */
export async function mariadbRow(
  plan: ServerPlan,
  sql: string,
  deadlineMs = ADMIN_DEADLINE_MS,
): Promise<Readonly<Record<string, string>> | undefined> {
  const lines = (await asRoot(plan, sql, ['--vertical'], deadlineMs)).split('\n');
  const columns = lines.flatMap((line) => {
    const [, name, value = ''] = /^ *(\w+): ?(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value] as const];
  });
  return columns.length === 0 ? undefined : Object.fromEntries(columns);
}

function asRoot(plan: ServerPlan, sql: string, args: readonly string[], deadlineMs: number): Promise<string> {
  const login = [`--socket=${SOCKET_NAME}`, '--user=root', '--default-character-set=utf8mb4'];
  const defaults = `--defaults-file=${join(plan.dir, ADMIN_FILE)}`;
  return runMariadb('mariadb', [defaults, ...login, '--batch', ...args], {
    cwd: dataDirOf(plan.dir),
    input: sql,
    deadlineMs,
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
    CREATE OR REPLACE USER 'lakh'@'%' ${identified(accounts.password)};
    CREATE OR REPLACE USER 'lakh_migrate'@'%' ${identified(accounts.migratePassword)};
    GRANT ${rows} ON lakh.* TO 'lakh'@'%';
    GRANT ${rows}, CREATE, ALTER, DROP, INDEX ON lakh.* TO 'lakh_migrate'@'%';
    `,
  );
}

/** How an account is made whose password is in no statement, and so in no binary log: by what the server keeps of it. */
export function identified(password: string): string {
  const sha1 = (data: string | Buffer) => createHash('sha1').update(data).digest();
  return `IDENTIFIED VIA mysql_native_password USING '*${sha1(sha1(password)).toString('hex').toUpperCase()}'`;
}

/** A string literal of SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** True when the server sends its handshake, or refuses this host, which it does only once it accepts logins. */
export async function greetsAsMysql(port: number): Promise<boolean> {
  // Three bytes of length and one of sequence precede the payload, of which both answers have three bytes and more.
  const packet = Buffer.from((await portProbe(port, '', (text) => text.length >= 7)) ?? '', 'latin1');
  if (packet[4] === HANDSHAKE_V10) return true;
  return packet[4] === ERROR_PACKET && packet.readUInt16LE(5) === HOST_NOT_PRIVILEGED;
}
