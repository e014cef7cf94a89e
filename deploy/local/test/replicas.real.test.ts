import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  delayReplica,
  launchReplicas,
  type MariadbReplicas,
  mariadbSql,
  replicationOf,
  startApplying,
  stopApplying,
} from '../src/index.js';

jest.setTimeout(60_000);

/** One commit after the other, by the application's user; the numbers that were acknowledged. */
const INSERTS = 200;

let dir: string;
let cluster: MariadbReplicas;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-replicas-'));
  cluster = await launchReplicas({ dir, accounts: { password: 'app', migratePassword: 'migrate' } });
  await root('mysql-1', 'CREATE TABLE lakh.t (x INT PRIMARY KEY)');
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  await rm(dir, { recursive: true, force: true });
}, 60_000);

const root = (name: string, sql: string): Promise<string> => mariadbSql(cluster.server(name).plan, sql);

/** As the application, over TCP; rejects with what the server says. */
function asApplication(name: string, sql: string): Promise<string> {
  const args = ['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${cluster.server(name).plan.port}`];
  return new Promise((resolve, reject) => {
    const child = execFile(
      'mariadb',
      [...args, '--user=lakh', '--batch', '--skip-column-names', '--unbuffered', 'lakh'],
      { env: { ...process.env, MYSQL_PWD: 'app' }, timeout: 20_000 },
      (error, stdout, stderr) =>
        error && !/Lost connection|gone away/.test(stderr) ? reject(new Error(stderr)) : resolve(stdout),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(sql);
  });
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within 20 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const rows = async (name: string): Promise<number> => Number(await root(name, 'SELECT COUNT(*) FROM lakh.t'));
const following = async (name: string) => (await replicationOf(cluster.server(name).plan)).following;

test('replicas have what the primary has, and the application may write nowhere else', async () => {
  expect(await asApplication('mysql-1', 'INSERT INTO t VALUES (1); SELECT x FROM t')).toBe('1\n');
  for (const name of ['mysql-2', 'mysql-3']) {
    await eventually(async () => (await rows(name)) === 1);
    await expect(asApplication(name, 'INSERT INTO t VALUES (2)')).rejects.toThrow('ERROR 1290');
    const grants = await root(name, 'SHOW GRANTS FOR lakh; SHOW GRANTS FOR lakh_migrate');
    expect(grants.replaceAll(/GRANT USAGE ON .*/g, '')).not.toContain('*.*');
    expect(await following(name)).toMatchObject({ isReceiving: true, isApplying: true, delayS: 0, error: '' });
  }
  expect(await root('mysql-1', "SHOW STATUS LIKE 'Rpl_semi_sync_master_%s'")).toContain('clients\t2');
  expect(await replicationOf(cluster.primary.plan)).toEqual({
    isReadOnly: false,
    position: expect.stringMatching(/^0-1-/),
  });
});

test('no password is in what the primary logs', async () => {
  const log = await readFile(join(dir, 'mysql-1', 'data', 'binlog.000001'), 'latin1');
  const made = [...log.matchAll(/CREATE OR REPLACE USER '(\w+)'@'%' IDENTIFIED (\w+ \w+)/g)];
  expect(made.map(([, user, how]) => `${user} ${how}`)).toEqual(
    ['lakh_replication', 'lakh', 'lakh_migrate'].map((user) => `${user} VIA mysql_native_password`),
  );
});

test('a replica that applies nothing, or with a delay, acknowledges and shows nothing new', async () => {
  const { plan } = cluster.server('mysql-3');
  await stopApplying(plan);
  await asApplication('mysql-1', 'INSERT INTO t VALUES (3)');
  await eventually(async () => (await rows('mysql-2')) === 2);
  expect(await rows('mysql-3')).toBe(1);
  expect(await following('mysql-3')).toMatchObject({ isApplying: false, lagS: undefined });
  await startApplying(plan);
  await eventually(async () => (await rows('mysql-3')) === 2);
  await delayReplica(plan, 600);
  await asApplication('mysql-1', 'INSERT INTO t VALUES (4)');
  await eventually(async () => (await rows('mysql-2')) === 3);
  expect(await rows('mysql-3')).toBe(2);
  expect(await following('mysql-3')).toMatchObject({ delayS: 600, isApplying: true });
  await delayReplica(plan, 0);
  await eventually(async () => (await rows('mysql-3')) === 3);
});

test('what was acknowledged outlives the primary; the old one comes back as a replica', async () => {
  const inserts = Array.from({ length: INSERTS }, (_, i) => `INSERT INTO t VALUES (${100 + i}); SELECT ${100 + i};`);
  const running = asApplication('mysql-1', inserts.join('\n'));
  await eventually(async () => (await rows('mysql-2')) > INSERTS / 4);
  await cluster.server('mysql-1').signal('SIGKILL');
  const acknowledged = (await running).trim().split('\n');
  await cluster.promote('mysql-2');
  expect(cluster.primary.plan.name).toBe('mysql-2');
  await asApplication('mysql-2', 'INSERT INTO t VALUES (5)');
  const present = (await root('mysql-2', 'SELECT x FROM lakh.t')).trim().split('\n');
  expect(acknowledged.filter((x) => !present.includes(x))).toEqual([]);

  await cluster.comeBack('mysql-1');
  for (const name of ['mysql-1', 'mysql-3']) {
    await eventually(async () => (await rows(name)) === present.length);
    expect(await following(name)).toMatchObject({ port: cluster.primary.plan.port, error: '' });
  }
  await expect(asApplication('mysql-1', 'INSERT INTO t VALUES (6)')).rejects.toThrow('ERROR 1290');
});

test('a primary that was frozen meanwhile acknowledges nothing when it wakes', async () => {
  await cluster.server('mysql-2').signal('SIGSTOP');
  await cluster.promote('mysql-3');
  await cluster.server('mysql-2').signal('SIGCONT');
  await asApplication('mysql-3', 'INSERT INTO t VALUES (7)');
  const late = asApplication('mysql-2', "INSERT INTO t VALUES (8); SELECT 'acknowledged'");
  await eventually(async () => (await root('mysql-2', 'SHOW PROCESSLIST')).includes('VALUES (8)'));
  await cluster.comeBack('mysql-2');
  expect(await late).toBe('');
  await eventually(async () => (await rows('mysql-2')) === (await rows('mysql-3')));
  expect(await root('mysql-2', 'SELECT x FROM lakh.t WHERE x IN (7, 8)')).toBe('7\n');
  await expect(cluster.promote('mysql-3')).rejects.toThrow('mysql-3 is no replica');
});
