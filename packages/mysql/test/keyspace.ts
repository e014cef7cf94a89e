import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalVitess, launchVitess, mariadbSql, readSettings, requireVitess } from '@lakh/local';
import { type Member, migrate, Pool } from '../src/index.js';

/** A keyspace of Vitess of a test file's own, migrated. */
export interface TestKeyspace {
  readonly vitess: LocalVitess;
  /** Rows only; one for each vtgate. */
  readonly gates: readonly Member[];
  /** As root, past Vitess, on the MariaDB of every shard, one after the other: what they print, by shard. */
  sql(statements: string): Promise<ReadonlyMap<string, string>>;
  stop(): Promise<void>;
}

const VSCHEMA = join(__dirname, '..', '..', '..', 'deploy', 'vitess', 'vschema.json');
const accounts = { password: "app's %1", migratePassword: 'mig:rate@\\' };

export async function startKeyspace({
  gates = 1,
  replicas = 0,
  isEmpty = false,
}: {
  readonly gates?: number;
  readonly replicas?: number;
  /** Without a table. */
  readonly isEmpty?: boolean;
} = {}): Promise<TestKeyspace> {
  const programs = await requireVitess(readSettings(), (line) => process.stderr.write(`${line}\n`));
  const dir = await mkdtemp(join(tmpdir(), 'lakh-vitess-'));
  const vitess = await launchVitess({ dir, programs, vschemaFile: VSCHEMA, accounts, gates, replicas });
  const stop = async (): Promise<void> => {
    await vitess.stop();
    await rm(dir, { recursive: true, force: true });
  };
  const member = (port: number, user: string, password: string): Member => ({
    host: '127.0.0.1',
    port,
    user,
    password,
    database: 'lakh',
  });
  const ports = vitess.gates.map(({ plan }) => plan.port);
  try {
    const migrator = new Pool(member(ports[0] as number, 'lakh_migrate', accounts.migratePassword));
    if (!isEmpty) await migrate(migrator).finally(() => migrator.close());
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    vitess,
    gates: ports.map((port) => member(port, 'lakh', accounts.password)),
    async sql(statements) {
      const printed = new Map<string, string>();
      for (const [range, { database }] of vitess.shards) {
        printed.set(range, await mariadbSql(database.plan, `USE vt_lakh; ${statements}`));
      }
      return printed;
    },
    stop,
  };
}
