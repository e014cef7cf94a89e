import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLakhDatabase, freePorts, type LocalServer, launch, mariadbPlan, mariadbSql } from '../src/index.js';

let dir: string;
let servers: LocalServer[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-mariadb-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await rm(dir, { recursive: true, force: true });
});

const accounts = { password: "it's \\ a 'secret'", migratePassword: 'another' };

test('two instances that make their template at once, in a folder too deep for a socket path', async () => {
  const deep = join(dir, 'd'.repeat(100));
  const templateDir = join(deep, 'template');
  const ports = await freePorts(2);
  const plans = ports.map((port, i) => mariadbPlan({ name: `m${i}`, dir: join(deep, `m${i}`), port, templateDir }));
  expect(await plans[0]!.ready()).toBe(false);
  servers = await Promise.all(plans.map((plan) => launch(plan)));
  for (const [i, plan] of plans.entries()) {
    expect(await mariadbSql(plan, 'SELECT @@port, @@innodb_flush_log_at_trx_commit, @@bind_address')).toBe(
      `${ports[i]}\t1\t127.0.0.1\n`,
    );
  }
  expect((await readdir(deep)).sort()).toEqual(['m0', 'm1', 'template']);
}, 60_000);

test('users have the rights they need and no more, root is closed to the network, and data outlive a kill', async () => {
  const [port] = await freePorts(1);
  const plan = mariadbPlan({ name: 'm', dir: join(dir, 'm'), port: port as number, durable: false });
  // As a first start leaves it that was ended in the middle.
  await mkdir(join(dir, 'm', 'data'), { recursive: true });
  for (const name of ['unfinished', 'data/ibdata1']) await writeFile(join(dir, 'm', name), 'half');
  servers = [await launch(plan)];
  await createLakhDatabase(plan, accounts);
  await createLakhDatabase(plan, accounts);
  const grants = await mariadbSql(plan, 'SHOW GRANTS FOR lakh; SHOW GRANTS FOR lakh_migrate');
  expect(grants.split('\n').filter((grant) => / ON \*\.\*/.test(grant) && !grant.startsWith('GRANT USAGE'))).toEqual(
    [],
  );
  expect(grants).toContain('GRANT SELECT, INSERT, UPDATE, DELETE ON `lakh`.* TO `lakh`@`%`');
  expect(
    await mariadbSql(plan, "SELECT COUNT(*) FROM mysql.user WHERE User='root' AND Host IN ('%','127.0.0.1','::1')"),
  ).toBe('0\n');
  // The only one without a password is the owner of views, who cannot log in.
  const open = "COALESCE(JSON_VALUE(Priv, '$.authentication_string'), '') = ''";
  expect(
    await mariadbSql(plan, `SELECT User, JSON_VALUE(Priv, '$.account_locked') FROM mysql.global_priv WHERE ${open}`),
  ).toBe('mariadb.sys\t1\n');
  expect(await mariadbSql(plan, "SELECT LOAD_FILE('/etc/hostname')")).toBe('NULL\n');
  expect(await mariadbSql(plan, 'SELECT @@innodb_flush_log_at_trx_commit')).toBe('0\n');
  await mariadbSql(plan, 'CREATE TABLE lakh.t (x INT); INSERT INTO lakh.t VALUES (7); FLUSH TABLES');
  await mariadbSql(plan, 'SET GLOBAL innodb_flush_log_at_trx_commit=1; INSERT INTO lakh.t VALUES (8)');
  const [server] = servers;
  await server!.signal('SIGKILL');
  expect(await plan.ready()).toBe(false);
  await server!.restart();
  expect(await mariadbSql(plan, 'SELECT x FROM lakh.t ORDER BY x')).toBe('7\n8\n');
  await expect(mariadbSql(plan, 'SELECT nonsense')).rejects.toThrow("Unknown column 'nonsense'");
}, 60_000);
