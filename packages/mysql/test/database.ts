import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLakhDatabase, freePorts, type LocalServer, launch, mariadbPlan, mariadbSql } from '@lakh/local';
import type { Member } from '../src/index.js';

export interface TestDatabase {
  readonly server: LocalServer;
  /** Rows only. */
  readonly app: Member;
  /** Rows and tables. */
  readonly migrator: Member;
  /** As root. */
  sql(statements: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * A MariaDB of a test file's own, with the database `lakh` and its users, and no table. One that is not caged knows its files by the names
 * that other programs know them by.
 */
export async function startDatabase(flags: readonly string[] = [], isUncaged = false): Promise<TestDatabase> {
  const dir = await mkdtemp(join(tmpdir(), 'lakh-mysql-'));
  if (isUncaged) await chmod(dir, 0o711);
  const [port] = await freePorts(1);
  const plan = mariadbPlan({ name: 'mysql1', dir, port: port as number, flags, isUncaged });
  const server = await launch(plan);
  await createLakhDatabase(plan, { password: "app's %1", migratePassword: 'mig:rate@\\' });
  const member = (user: string, password: string): Member => ({
    host: '127.0.0.1',
    port: port as number,
    user,
    password,
    database: 'lakh',
  });
  return {
    server,
    app: member('lakh', "app's %1"),
    migrator: member('lakh_migrate', 'mig:rate@\\'),
    sql: (statements) => mariadbSql(plan, `USE lakh; ${statements}`),
    async stop() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Resolves once `condition` holds; rejects after `deadlineMs`. */
export async function eventually(condition: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
