import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LocalServer, mariadbAdmin, mariadbSql } from '@lakh/local';

const run = promisify(execFile);
const DEADLINE_MS = 60_000;

/** A way to copy a database that is in use, and to put the copy in its place; as docs/runbooks/backups.md has it. */
export interface BackupKind {
  readonly name: string;
  /** What it needs of the machine. */
  readonly program: string;
  copy(server: LocalServer, to: string): Promise<void>;
  /** The server runs before and after; whoever was connected is cut off. */
  restore(server: LocalServer, from: string): Promise<void>;
}

/** How root logs in, by a file: a password on a command line is everybody's. */
function login({ plan }: LocalServer): string[] {
  const { socketPath, user } = mariadbAdmin(plan.dir);
  return [`--defaults-file=${join(plan.dir, 'admin.cnf')}`, `--socket=${socketPath}`, `--user=${user}`];
}

/** The statements that make the rows again, as of one moment. */
export const DUMP: BackupKind = {
  name: 'mariadb-dump',
  program: '/usr/bin/mariadb-dump',
  async copy(server, to) {
    const options = ['--single-transaction', '--hex-blob', '--default-character-set=utf8mb4', `--result-file=${to}`];
    await run('mariadb-dump', [...login(server), ...options, '--add-drop-database', '--databases', 'lakh'], {
      timeout: DEADLINE_MS,
    });
  },
  async restore(server, from) {
    await mariadbSql(server.plan, `SOURCE ${from}`);
  },
};

/** The files, with the log of what was written to them meanwhile. */
export const PHYSICAL: BackupKind = {
  name: 'mariadb-backup',
  program: '/usr/bin/mariadb-backup',
  async copy(server, to) {
    mkdirSync(to, { mode: 0o700 });
    const places = [`--datadir=${join(server.plan.dir, 'data')}`, `--target-dir=${to}`];
    await run('mariadb-backup', [...login(server), '--backup', ...places], { timeout: DEADLINE_MS });
    await run('mariadb-backup', ['--prepare', `--target-dir=${to}`], { timeout: DEADLINE_MS });
  },
  async restore(server, from) {
    const data = join(server.plan.dir, 'data');
    await server.stop();
    renameSync(data, `${from}-before`);
    mkdirSync(data, { mode: 0o700 });
    await run('mariadb-backup', ['--copy-back', `--target-dir=${from}`, `--datadir=${data}`], { timeout: DEADLINE_MS });
    chmodSync(data, 0o700);
    // Its files become the server's own user's as it is prepared.
    await server.plan.prepare();
    await server.restart();
    rmSync(`${from}-before`, { recursive: true });
  },
};

export const isInstalled = ({ program }: BackupKind): boolean => existsSync(program);
