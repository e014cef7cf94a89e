import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GALERA_LIBRARY,
  type GaleraCluster,
  galeraPosition,
  galeraStatus,
  launchGalera,
  mariadbPlan,
  mariadbSql,
  openStack,
  readSettings,
  type ServerPlan,
} from '../src/index.js';

const hasGalera = existsSync(GALERA_LIBRARY);
if (!hasGalera)
  process.stderr.write(
    `lakh: no Galera: ${GALERA_LIBRARY} is missing (Debian's galera-4), and its tests are left out\n`,
  );

let dir: string;
let cluster: GaleraCluster;

(hasGalera ? describe : describe.skip)('a Galera cluster of three nodes', () => {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lakh-galera-'));
    // Its nodes run as another user, who has to come there.
    await chmod(dir, 0o711);
    cluster = await launchGalera({ dir, accounts: { password: 'app', migratePassword: 'migrate' } });
    await root('mysql-1', 'CREATE TABLE lakh.t (x INT PRIMARY KEY)');
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  const root = (name: string, sql: string): Promise<string> => mariadbSql(cluster.node(name).plan, sql);

  test('takes writes at every node; one that is killed is left out, and comes back with what it missed', async () => {
    for (const name of ['mysql-1', 'mysql-2', 'mysql-3']) {
      await root(name, `INSERT INTO lakh.t VALUES (${name.slice(-1)})`);
      expect(await galeraStatus(cluster.node(name).plan)).toEqual({ isReady: true, nodes: 3, state: 'Synced' });
    }
    await expect(root('mysql-3', 'INSERT INTO lakh.t VALUES (1)')).rejects.toThrow('ERROR 1062');
    await cluster.node('mysql-2').signal('SIGKILL');
    expect(await galeraStatus(cluster.node('mysql-2').plan)).toBeUndefined();
    expect(await galeraPosition(cluster.node('mysql-2').plan)).toBeGreaterThan(0);
    await root('mysql-1', 'INSERT INTO lakh.t VALUES (4)');
    await cluster.rejoin('mysql-2');
    expect(await root('mysql-2', 'SET wsrep_sync_wait=1; SELECT x FROM lakh.t ORDER BY x')).toBe('1\n2\n3\n4\n');
  }, 60_000);

  test('a node without the others is not ready, and answers', async () => {
    await Promise.all(['mysql-2', 'mysql-3'].map((name) => cluster.node(name).signal('SIGSTOP')));
    const { plan } = cluster.node('mysql-1');
    const deadline = performance.now() + 20_000;
    while ((await galeraStatus(plan))?.isReady !== false) {
      if (performance.now() > deadline) throw new Error('ready without the others');
    }
    expect(await root('mysql-1', 'SELECT 1')).toBe('1\n');
    await expect(root('mysql-1', 'INSERT INTO lakh.t VALUES (9)')).rejects.toThrow('ERROR 1047');
  }, 60_000);
});

(hasGalera ? test : test.skip)(
  'a stack on Galera begins again, after all nodes died, with the one that has come furthest',
  async () => {
    const parent = await mkdtemp(join(tmpdir(), 'lakh-galera-stack-'));
    const dir = join(parent, 'stack');
    const settings = readSettings({ ...process.env, LAKH_LOG_LEVEL: 'warn' });
    const stack = openStack({ dir, root: join(__dirname, '..', '..', '..'), settings });
    const names = ['mysql-1', 'mysql-2', 'mysql-3'];
    try {
      await expect(stack.up({ db: 'galera' })).rejects.toThrow(`cannot enter ${parent}`);
      await chmod(parent, 0o711);
      await stack.up({ db: 'galera', shorten: 1, redirect: 1, zookeeper: 1 });
      await stack.kill('mysql-1');
      await mariadbSql(plan('mysql-2'), 'CREATE TABLE lakh.furthest (x INT)');
      await stack.kill('mysql-2');
      await stack.kill('mysql-3');
      await expect(stack.start('mysql-1')).rejects.toThrow(
        /no node of the cluster runs, and mysql-[23] has come furthest/,
      );
      await stack.start(...names);
      for (const name of names) await mariadbSql(plan(name), 'SELECT * FROM lakh.furthest');
      await stack.down();
      await stack.up();
      expect((await stack.status()).processes.filter(({ state }) => state !== 'ready')).toEqual([]);
    } finally {
      await stack.down({ wipe: true });
      await rm(parent, { recursive: true });
    }

    /** Enough of one to log in as root. */
    function plan(name: string): ServerPlan {
      return mariadbPlan({ name, dir: join(dir, name), port: 1 });
    }
  },
  240_000,
);
