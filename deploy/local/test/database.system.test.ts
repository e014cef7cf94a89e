import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@lakh/testkit';
import { readSettings } from '../src/config';
import { openStack, type Stack } from '../src/stack/stack';

jest.setTimeout(120_000);

const lines: string[] = [];
let dir: string;
let stack: Stack;

beforeAll(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'lakh-database-')), 'stack');
  const settings = readSettings({ ...process.env, LAKH_LOG_LEVEL: 'warn' });
  stack = openStack({ dir, root: join(__dirname, '..', '..', '..'), settings, report: (line) => lines.push(line) });
});
afterAll(async () => {
  await stack?.down({ wipe: true });
  expect(existsSync(dir)).toBe(false);
  rmSync(join(dir, '..'), { recursive: true, force: true });
});

async function roles(): Promise<Record<string, string>> {
  const { processes } = await stack.status();
  const servers = processes.filter(({ role }) => role === 'mysql');
  return Object.fromEntries(servers.map(({ name, state, databaseRole }) => [name, databaseRole ?? state]));
}

async function redisRoles(): Promise<string> {
  const { processes } = await stack.status();
  const redises = processes.filter(({ role }) => role === 'redis');
  return redises.map(({ name, state, redisRole }) => `${name} ${redisRole ?? state}`).join(', ');
}

const SENTINELS = 'sentinel-1 sentinel, sentinel-2 sentinel, sentinel-3 sentinel';

/** What servers were given, without the passwords: all of them, whoever is the primary. */
const databaseAddresses = (): string => String(stack.environment().LAKH_DATABASE).replaceAll(/lakh:[^@]*@/g, '');
const addresses = async (): Promise<string> => {
  const { processes } = await stack.status();
  return processes.flatMap(({ role, url }) => (role === 'mysql' ? [`${url}/lakh`] : [])).join(',');
};

/** Resolves when a link is made again. */
async function isCreating(): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const answer = await fetch(`${stack.addresses().url}/api/v1/urls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ long_url: 'https://example.com/' }),
    });
    if (answer.status === 201) return;
    if (performance.now() > deadline) throw new Error(`creates answer ${answer.status}: ${await answer.text()}`);
    await sleep(50);
  }
}

test('a primary with replicas: promoted in order, after a death and past one that is frozen; who was the primary follows', async () => {
  await stack.up({ db: 'replicas', redis: 'sentinel', shorten: 1, redirect: 1, zookeeper: 1 });
  expect(await roles()).toEqual({ 'mysql-1': 'primary', 'mysql-2': 'replica', 'mysql-3': 'replica' });
  expect(databaseAddresses()).toBe(await addresses());

  expect(await redisRoles()).toBe(`redis-1 master, redis-2 replica, redis-3 replica, ${SENTINELS}`);
  await stack.kill('redis-1');

  await stack.promote('mysql-2');
  expect(await roles()).toEqual({ 'mysql-1': 'replica', 'mysql-2': 'primary', 'mysql-3': 'replica' });
  await isCreating();

  await stack.kill('mysql-2');
  const isDead = 'mysql-2 is the primary already, and is not running: start it, or promote another';
  await expect(stack.promote('mysql-2')).rejects.toThrow(isDead);
  await stack.promote('mysql-3');
  expect(await roles()).toEqual({ 'mysql-1': 'replica', 'mysql-2': 'exited', 'mysql-3': 'primary' });
  await isCreating();
  await stack.start('mysql-2');
  expect(await roles()).toEqual({ 'mysql-1': 'replica', 'mysql-2': 'replica', 'mysql-3': 'primary' });

  await stack.kill('mysql-3', 'SIGSTOP');
  await stack.promote('mysql-1');
  await stack.kill('mysql-3', 'SIGCONT');
  expect(lines).toContain('mysql-3 does not answer: it may take writes when it does again');
  expect(await roles()).toEqual({ 'mysql-1': 'primary', 'mysql-2': 'replica', 'mysql-3': 'primary' });
  await stack.restart('mysql-3');
  // The primary starts again as what it was, without anybody's promoting it.
  await stack.kill('mysql-1');
  await stack.start('mysql-1');
  expect(await roles()).toEqual({ 'mysql-1': 'primary', 'mysql-2': 'replica', 'mysql-3': 'replica' });

  // Sentinels had the time of all that to find the master of Redis dead.
  expect(await redisRoles()).toMatch(/^redis-1 exited, redis-[23] \w+, redis-[23] \w+, /);
  await until(async () => (await redisRoles()).includes(' master'));
  const settled = (await redisRoles()).replace('redis-1 exited', 'redis-1 replica');
  expect(settled).toMatch(/^redis-1 replica, (redis-2 master, redis-3 replica|redis-2 replica, redis-3 master), /);
  await stack.start('redis-1');
  expect(await redisRoles()).toBe(settled);
  await stack.kill('sentinel-1');
  await stack.start('sentinel-1');
  await stack.restart('redis');
  expect(await redisRoles()).toBe(settled);

  await expect(stack.promote('mysql-1')).rejects.toThrow('mysql-1 is the primary already');
  await expect(stack.promote('redis-1')).rejects.toThrow('redis-1 is no server of the database');
  await stack.kill('mysql-2');
  await expect(stack.promote('mysql-2')).rejects.toThrow('mysql-2 is not running: start it first');
  await stack.down();
  await expect(stack.up({ db: 'galera' })).rejects.toThrow("this stack's database is replicas, not galera");
});
