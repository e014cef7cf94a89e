import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateCorruptError } from '../src/errors';
import { furtherServers, layOut } from '../src/stack/layout';
import { secretFile, stackPasswords } from '../src/stack/secrets';
import { readState, type StackState, writeState } from '../src/stack/state';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-state-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const state: StackState = {
  processes: [
    { name: 'gateway', role: 'gateway', port: 1234, extraPorts: [1235], isDraining: false },
    {
      name: 'zookeeper-2',
      role: 'zookeeper',
      port: 10,
      extraPorts: [11, 12],
      isDraining: true,
      process: { pid: 4711, startedAt: 'boot/12' },
    },
  ],
};

describe('state.json', () => {
  test('is read as it was written, by its owner only, with nothing beside it', () => {
    const inner = join(dir, 'new', 'folder');
    expect(readState(inner)).toBeUndefined();
    writeState(inner, state);
    expect(readState(inner)).toEqual(state);
    expect(statSync(join(inner, 'state.json')).mode & 0o777).toBe(0o600);
    expect(statSync(inner).mode & 0o777).toBe(0o700);
    expect(readdirSync(inner)).toEqual(['state.json']);
  });

  const [gateway] = state.processes;
  const redis = { name: 'redis-1', role: 'redis', port: 30, extraPorts: [], isDraining: false };
  const mysql = { name: 'mysql-1', role: 'mysql', port: 20, extraPorts: [], isDraining: false };
  test.each<[string, unknown]>([
    ['nothing', ''],
    ['half of it', '{"version": 1, "processes": [{"na'],
    ['a later version', { version: 2, processes: [] }],
    ['no list', { version: 1, processes: {} }],
    ['a name that is a path', { version: 1, processes: [{ ...gateway, name: '../../etc' }] }],
    ['a name twice', { version: 1, processes: [gateway, gateway] }],
    ['an unknown role', { version: 1, processes: [{ ...gateway, role: 'mongo' }] }],
    ['a port out of range', { version: 1, processes: [{ ...gateway, port: 65_536 }] }],
    ['a port that is text', { version: 1, processes: [{ ...gateway, port: '80; evil' }] }],
    ['a database of another kind', { version: 1, processes: [], database: { kind: 'oracle' } }],
    ['a primary that is a path', { version: 1, processes: [], database: { kind: 'replicas', primary: '../x' } }],
    ['a node without its ports', { version: 1, processes: [mysql], database: { kind: 'galera' } }],
    ['a Redis of another kind', { version: 1, processes: [], redis: 'ring' }],
    ['a node of a Cluster without its bus', { version: 1, processes: [redis], redis: 'cluster' }],
    ['too few ports', { version: 1, processes: [{ ...gateway, extraPorts: [] }] }],
    ['the pid of init', { version: 1, processes: [{ ...gateway, process: { pid: 1, startedAt: 'x' } }] }],
    ['a negative pid: a group', { version: 1, processes: [{ ...gateway, process: { pid: -1, startedAt: 'x' } }] }],
    ['a pid without a start', { version: 1, processes: [{ ...gateway, process: { pid: 4711 } }] }],
  ])('%s is refused, never acted upon', (_, content) => {
    writeFileSync(join(dir, 'state.json'), typeof content === 'string' ? content : JSON.stringify(content));
    expect(() => readState(dir)).toThrow(StateCorruptError);
  });
});

describe('the layout of a stack', () => {
  test('has two, two and three servers by default, on ports that differ', async () => {
    const { processes } = await layOut(undefined, {});
    expect(processes.map(({ name }) => name)).toEqual([
      'gateway',
      'shorten-1',
      'shorten-2',
      'redirect-1',
      'redirect-2',
      'zookeeper-1',
      'zookeeper-2',
      'zookeeper-3',
      'mysql-1',
      'redis-1',
    ]);
    const ports = processes.flatMap(({ port, extraPorts }) => [port, ...extraPorts]);
    expect(ports).toHaveLength(5 * 2 + 3 * 3 + 2);
    expect(new Set(ports).size).toBe(ports.length);
  });

  test('keeps names, ports and numbers of a stopped stack, and takes the counts that are given', async () => {
    const before = await layOut(undefined, { shorten: 3, redirect: 1, zookeeper: 1 });
    expect(await layOut(before, {})).toEqual(before);
    const after = await layOut(before, { shorten: 1, redirect: 2, port: 12_345 });
    expect(after.processes.map(({ name }) => name)).toEqual([
      'gateway',
      'shorten-1',
      'redirect-1',
      'redirect-2',
      'zookeeper-1',
      'mysql-1',
      'redis-1',
    ]);
    expect(after.processes[0]?.port).toBe(12_345);
    expect(after.processes[2]).toEqual(before.processes.find(({ name }) => name === 'redirect-1'));
    await expect(layOut(before, { zookeeper: 3 })).rejects.toThrow('not resized');
  });

  test('has the shards of a Vitess, and goes on with those that it was split into', async () => {
    const first = await layOut(undefined, { db: 'vitess', vitess: '/programs' });
    const tablets = ({ database }: StackState) => database?.vitess?.shards;
    expect(tablets(first)).toEqual({
      'vttablet-1': '-80',
      'vttablet-2': '80-',
      'vttablet-3': '-80',
      'vttablet-4': '80-',
    });
    expect(first.database?.vitess?.replicas).toEqual({ 'vttablet-3': 'vttablet-1', 'vttablet-4': 'vttablet-2' });
    expect(first.processes.map(({ name, extraPorts }) => `${name} ${extraPorts.length}`).slice(-8)).toEqual([
      'redis-1 0',
      'vtctld-1 1',
      'vttablet-1 1',
      'vttablet-2 1',
      'vttablet-3 1',
      'vttablet-4 1',
      'vtgate-1 2',
      'vtgate-2 2',
    ]);
    const vitess = {
      programs: '/programs',
      shards: { 'vttablet-2': '80-', 'vttablet-4': '80-', 'vttablet-5': '-40', 'vttablet-6': '40-80' },
      replicas: { 'vttablet-4': 'vttablet-2' },
    };
    const more = [...(await furtherServers(first, 'mysql', 2)), ...(await furtherServers(first, 'vttablet', 2))];
    expect(more.map(({ name }) => name)).toEqual(['mysql-5', 'mysql-6', 'vttablet-5', 'vttablet-6']);
    const ended = ['mysql-1', 'mysql-3', 'vttablet-1', 'vttablet-3'];
    const processes = [...first.processes.filter(({ name }) => !ended.includes(name)), ...more];
    const split: StackState = { processes, database: { kind: 'vitess', vitess } };
    writeState(dir, split);
    expect(readState(dir)).toEqual(split);
    const again = await layOut(split, { vitess: '/elsewhere' });
    expect(tablets(again)).toEqual(vitess.shards);
    expect(again.database?.vitess?.programs).toBe('/elsewhere');
    expect(again.processes.map(({ name }) => name).sort()).toEqual(processes.map(({ name }) => name).sort());
    for (const wrong of [
      { shards: { x: '-80' } },
      { replicas: { 'vttablet-4': 'vttablet-9' } },
      { replicas: undefined },
    ]) {
      const database = { kind: 'vitess', vitess: { ...vitess, ...wrong } } as StackState['database'];
      writeState(dir, { ...split, ...(database && { database }) });
      expect(() => readState(dir)).toThrow('has a database that this version did not write');
    }
  });

  test('has the Redises that are asked for, and others when others are', async () => {
    const names = ({ processes }: StackState) =>
      processes.filter(({ role }) => role === 'redis').map(({ name, extraPorts }) => `${name} ${extraPorts.length}`);
    const watched = await layOut(undefined, { redis: 'sentinel' });
    const of = (prefix: string, count: number, extra: number) =>
      Array.from({ length: count }, (_, i) => `${prefix}-${i + 1} ${extra}`);
    expect(names(watched)).toEqual([...of('redis', 3, 0), ...of('sentinel', 3, 0)]);
    expect(await layOut(watched, {})).toEqual(watched);
    writeState(dir, watched);
    expect(readState(dir)).toEqual(watched);
    const cluster = await layOut(watched, { redis: 'cluster' });
    expect(names(cluster)).toEqual(of('redis', 6, 1));
    const portOf = ({ processes }: StackState) => processes.find(({ name }) => name === 'redis-3')?.port;
    expect(portOf(cluster)).toBe(portOf(watched));
    expect(names(await layOut(cluster, {}))).toEqual(names(cluster));
    const single = await layOut(cluster, { redis: 'single' });
    expect([names(single), single.redis]).toEqual([['redis-1 0'], undefined]);
  });

  test('remembers what its database is, and who was made the primary last', async () => {
    const replicas = await layOut(undefined, { db: 'replicas' });
    expect(replicas.processes.filter(({ role }) => role === 'mysql')).toHaveLength(3);
    expect(replicas.database).toEqual({ kind: 'replicas', primary: 'mysql-1' });
    const promoted: StackState = { ...replicas, database: { kind: 'replicas', primary: 'mysql-3' } };
    expect((await layOut(promoted, {})).database).toEqual(promoted.database);
    writeState(dir, promoted);
    expect(readState(dir)).toEqual(promoted);
    await expect(layOut(promoted, { db: 'mariadb' })).rejects.toThrow("this stack's database is replicas, not mariadb");

    const galera = await layOut(undefined, { db: 'galera' });
    expect(galera.processes.filter(({ extraPorts }) => extraPorts.length === 3)).toHaveLength(3);
    writeState(dir, galera);
    expect(await layOut(readState(dir), {})).toEqual(galera);
    expect((await layOut(undefined, { db: 'mariadb' })).database).toBeUndefined();
  });
});

test('the passwords of a stack are random, kept, and readable by their owner only', () => {
  const accounts = stackPasswords(dir);
  expect(stackPasswords(dir)).toEqual(accounts);
  expect(accounts.password).not.toBe(accounts.migratePassword);
  expect(accounts.password).toMatch(/^[\w-]{32}$/);
  expect(statSync(secretFile(dir, 'accounts.json')).mode & 0o777).toBe(0o600);
  const other = join(dir, 'other');
  mkdirSync(other);
  expect(stackPasswords(other).password).not.toBe(accounts.password);
  writeFileSync(secretFile(dir, 'accounts.json'), '{"password": "s3cret"');
  expect(() => stackPasswords(dir)).toThrow(StateCorruptError);
  expect(() => stackPasswords(dir)).not.toThrow('s3cret');
});
