import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bucketOf, StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import { GALERA_LIBRARY, type GaleraCluster, launchGalera, mariadbSql } from '@lakh/local';
import { describeChangeLog, SampleLinks } from '@lakh/testkit';
import { createMysqlChangeLog, createMysqlLinkStore, type MysqlLinkStore, migrate, Pool } from '../src/index.js';
import { eventually } from './database.js';

const hasGalera = existsSync(GALERA_LIBRARY);
if (!hasGalera)
  process.stderr.write(
    `lakh: no Galera: ${GALERA_LIBRARY} is missing (Debian's galera-4), and its tests are left out\n`,
  );

const TABLES = ['links', 'heads', 'changes', 'edit_receipts'];
const PASSWORDS = { password: 'app', migratePassword: 'migrate' };

(hasGalera ? describe : describe.skip)('a Galera cluster, written to at two of its nodes', () => {
  let dir: string;
  let cluster: GaleraCluster;
  const pools: Pool[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lakh-galera-log-'));
    // Its nodes run as another user, who has to come there.
    await chmod(dir, 0o711);
    cluster = await launchGalera({ dir, accounts: PASSWORDS });
    const migrator = openPool('mysql-1', 'lakh_migrate', PASSWORDS.migratePassword);
    await migrate(migrator);
  }, 120_000);
  afterAll(async () => {
    for (const pool of pools) pool.close();
    await cluster?.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  function openPool(node: string, user = 'lakh', password = PASSWORDS.password): Pool {
    const { host, port } = cluster.node(node).plan;
    const pool = new Pool({ host, port, user, password, database: 'lakh' }, { deadlineMs: 30_000 });
    pools.push(pool);
    return pool;
  }

  test('a node that lags behind what another one has committed waits for it before it answers', async () => {
    const [here, there] = ['mysql-1', 'mysql-2'].map((node) =>
      createMysqlLinkStore({ pool: openPool(node), clock: { nowMs: () => 1_790_000_000_000 } }),
    ) as [MysqlLinkStore, MysqlLinkStore];
    const log = createMysqlChangeLog({ pool: openPool('mysql-2') });
    const link = new SampleLinks().generated({ code: 'lagging' });
    await here.insert(link);
    const before = await there.sight(0, link.code);
    const at2 = (sql: string) => mariadbSql(cluster.node('mysql-2').plan, sql);
    const locked = at2('FLUSH TABLES WITH READ LOCK; SELECT SLEEP(2)');
    await eventually(async () => (await at2('SHOW PROCESSLIST')).includes('SELECT SLEEP(2)'));
    await here.edit(0, link.code, { redirectStatus: 307 });
    const asked = [{ bucket: bucketOf(0, link.code), after: before?.position }];
    const [sighting, [reading]] = await Promise.all([there.sight(0, link.code), log.read(asked, 10)]);
    expect(sighting).toMatchObject({ link: { version: 2 }, position: reading?.head, lagMs: 0 });
    expect(reading).toMatchObject({ continues: true, rows: [{ code: link.code, version: 2 }] });
    await locked;
  });

  test('a node that the others left out while it was frozen shows nothing from before when it wakes', async () => {
    const storeAt = (node: string) =>
      createMysqlLinkStore({ pool: openPool(node), clock: { nowMs: () => 1_790_000_000_000 } });
    const [woken, there] = [storeAt('mysql-1'), storeAt('mysql-2')];
    const link = new SampleLinks().generated({ code: 'asleep' });
    await there.insert(link);
    let [acknowledged, sent, asked, isOver] = [1, 0, 0, false];
    const old: string[] = [];
    const until = async (work: () => Promise<void>) => {
      while (!isOver) {
        // Where the node, or for a moment the cluster, is not ready.
        await work().catch((error: unknown) => {
          if (!(error instanceof StoreUnavailableError || error instanceof StoreOutcomeUnknownError)) throw error;
        });
        await sleep(5);
      }
    };
    const editing = until(async () => {
      sent += 1;
      const edited = await there.edit(0, link.code, { longUrl: `https://example.com/${sent}` });
      if (edited.outcome === 'edited') acknowledged = edited.link.version;
    });
    const asking = Array.from({ length: 8 }, () =>
      until(async () => {
        const since = acknowledged;
        const found = await woken.find(0, link.code);
        asked += 1;
        if (found?.version === undefined || found.version < since) old.push(`${found?.version}, and not ${since}`);
      }),
    );
    await eventually(() => asked > 50);
    await cluster.node('mysql-1').signal('SIGSTOP');
    const before = acknowledged;
    await sleep(5_000);
    expect(acknowledged).toBeGreaterThan(before + 10);
    await cluster.node('mysql-1').signal('SIGCONT');
    const untilThen = asked;
    await eventually(() => asked > untilThen + 50, 60_000);
    isOver = true;
    await Promise.all([editing, ...asking]);
    expect(old).toEqual([]);
  }, 120_000);

  describeChangeLog('Galera', async () => {
    const moment = { nowMs: 1_790_000_000_000 };
    const storeAt = (node: string) =>
      createMysqlLinkStore({ pool: openPool(node), clock: { nowMs: () => moment.nowMs } });
    const sql = (statements: string) => mariadbSql(cluster.node('mysql-1').plan, `USE lakh; ${statements}`);
    return {
      store: storeAt('mysql-1'),
      log: createMysqlChangeLog({ pool: openPool('mysql-1') }),
      clock: moment,
      another: async () => storeAt('mysql-2'),
      backup: async () => {
        for (const table of TABLES) {
          await sql(`DROP TABLE IF EXISTS kept_${table}; CREATE TABLE kept_${table} LIKE ${table}`);
          await sql(`INSERT INTO kept_${table} SELECT * FROM ${table}`);
        }
        return async () => {
          const puts = TABLES.map((table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM kept_${table}`);
          await sql(`START TRANSACTION; ${puts.join('; ')}; COMMIT`);
        };
      },
      dispose: async () => {},
    };
  });
});
