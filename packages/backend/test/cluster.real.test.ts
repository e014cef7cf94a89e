import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalServer, launch, zookeeperEnsemble } from '@lakh/local';
import { createLogger, createMetrics, thisProcess } from '@lakh/process';
import { parseRedisUrl } from '@lakh/redis';
import { describeLinkCache, SampleLinks, storedAs } from '@lakh/testkit';
import { parseZookeeperAddress } from '@lakh/zookeeper';
import { eventually, startDatabase, type TestDatabase } from '../../mysql/test/database.js';
import { type RunningRedis, startRedis } from '../../redis/test/harness.js';
import { type ClusterSettings, migrateCluster, openCluster } from '../src/cluster/index.js';
import type { Backend } from '../src/index.js';
import { describeBackend } from './describe-backend.js';

jest.setTimeout(60_000);

let dir: string;
let zookeeper: LocalServer;
let zookeeperHosts: string;
let database: TestDatabase;
let redis: RunningRedis;
let systems = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-backend-'));
  const ensemble = await zookeeperEnsemble({ dir, nodes: 1 });
  zookeeperHosts = ensemble.connectString;
  [zookeeper, database, redis] = await Promise.all([
    launch(ensemble.plans[0] as (typeof ensemble.plans)[number]),
    startDatabase(),
    startRedis(),
  ]);
  await migrateCluster({ database: [database.migrator] });
});
afterAll(async () => {
  await Promise.all([zookeeper?.stop(), database?.stop(), redis?.dispose()]);
  await rm(dir, { recursive: true, force: true });
});

const settingsOf = (system: number): ClusterSettings => ({
  namespace: `ns-${system}`,
  zookeeper: parseZookeeperAddress(`${zookeeperHosts}/system-${system}`),
  database: [database.app],
  redis: parseRedisUrl(redis.url),
  storeDeadlineMs: 3_000,
});

/** Over tables without rows. */
async function openUnused(): Promise<{ system: number; backend: Backend }> {
  await database.sql('DELETE FROM links; DELETE FROM settings; DELETE FROM changes');
  systems += 1;
  return { system: systems, backend: openCluster({ settings: settingsOf(systems) }) };
}

/** Resolves with it once it has a session, for writes to ZooKeeper wait for none, and the keys, without which nothing is put into Redis. */
async function connected(backend: Backend): Promise<Backend> {
  await backend.loadKeys(new AbortController().signal);
  await (await backend.admin()).marks.inspect();
  return backend;
}

describeBackend('a cluster', async () => {
  const { system, backend } = await openUnused();
  await connected(backend);
  const opened = [backend];
  return {
    backend: () => backend,
    async another() {
      const more = openCluster({ settings: settingsOf(system) });
      opened.push(more);
      return connected(more);
    },
    dropHead: async () => void (await database.sql(`DELETE FROM id_heads WHERE namespace='ns-${system}'`)),
    dispose: async () => void (await Promise.all(opened.map((one) => one.close()))),
  };
});

describeLinkCache('a cluster', async () => {
  const { backend } = await openUnused();
  const { cache } = backend;
  if (cache === undefined) throw new Error('Redis was named');
  await backend.loadKeys(new AbortController().signal);
  await eventually(() => cache.available);
  return { cache, dispose: () => backend.close() };
});

test('its name tells where it is and no password; its checks tell what has been opened', async () => {
  const { system, backend } = await openUnused();
  const { host, port } = database.app;
  expect(backend.name).toBe(`${zookeeperHosts}/system-${system} and ${host}:${port}/lakh, namespace ns-${system}`);
  expect(Object.keys(backend.checks).sort()).toEqual(['database', 'redis']);
  await backend.witnesses().marks.read();
  const { database: ofDatabase, zookeeper: ofZookeeper } = backend.checks;
  expect([await ofDatabase?.(), await ofZookeeper?.()]).toEqual([{ status: 'ok' }, { status: 'ok' }]);
  await backend.close();
  expect(await ofZookeeper?.()).toEqual({ status: 'degraded', detail: 'closed' });
});

test('a database that answers and takes no rows is no place to send creates to', async () => {
  const { system, backend: unobserved } = await openUnused();
  const { registry } = createMetrics({ program: 'test', version: '0' });
  const log = createLogger({ program: 'test', serverId: 'server', level: 'silent' });
  const backend = openCluster({ settings: settingsOf(system), observed: { log, registry } });
  const check = async () => backend.checks.database?.();
  await database.sql('SET GLOBAL read_only=1');
  try {
    await expect(backend.links.insert(new SampleLinks().generated())).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(await check()).toEqual({ status: 'down', detail: expect.stringMatching(/takes no rows.*1290/) });
    const metrics = await registry.metrics();
    expect(metrics).toMatch(/lakh_store_writable\{member="[^"]+"\} 0/);
    expect(metrics).toMatch(/lakh_store_writes_refused_total\{member="[^"]+",errno="1290"\} [1-9]/);
  } finally {
    await database.sql('SET GLOBAL read_only=0');
  }
  await eventually(async () => (await check())?.status === 'ok');
  await backend.close();
  await unobserved.close();
});

test('whoever makes no links can do without a database that takes rows, also when it was the first to propose a secret', async () => {
  const { backend: unobserved } = await openUnused();
  const { registry } = createMetrics({ program: 'test', version: '0' });
  const log = createLogger({ program: 'test', serverId: 'server', level: 'silent' });
  const settings = { database: [database.app], storeDeadlineMs: 3_000 };
  const backend = openCluster({ settings, observed: { log, registry } });
  const stop = new AbortController();
  await database.sql('SET GLOBAL read_only=1');
  try {
    void backend.loadKeys(stop.signal);
    await eventually(async () => /lakh_store_writes_refused_total.* [1-9]/.test(await registry.metrics()));
    expect(await backend.checks.database?.()).toEqual({ status: 'ok' });
  } finally {
    await database.sql('SET GLOBAL read_only=0');
    stop.abort();
  }
  await Promise.all([backend, unobserved].map((each) => each.close()));
});

test('before links are asked for it is known whether the database answers', async () => {
  const { registry } = createMetrics({ program: 'test', version: '0' });
  const log = createLogger({ program: 'test', serverId: 'server', level: 'silent' });
  const nowhere = { ...database.app, port: 1 };
  const { signal } = new AbortController();
  const away = openCluster({ settings: { database: [nowhere], storeDeadlineMs: 3_000 }, observed: { log, registry } });
  expect(await away.checks.database?.()).toEqual({ status: 'ok' });
  await away.reachLinks(signal);
  expect(await away.checks.database?.()).toMatchObject({ status: 'degraded' });
  await away.close();
  const { backend } = await openUnused();
  await backend.reachLinks(signal);
  expect(await backend.checks.database?.()).toEqual({ status: 'ok' });
  await backend.close();
});

test('a registered server is seen by operators until it closes', async () => {
  const { system, backend } = await openUnused();
  const operator = openCluster({ settings: settingsOf(system) });
  const { runningServers } = await operator.admin();
  backend.register('server-1', { url: 'http://127.0.0.1:1', rangeSize: 100 });
  await eventually(async () => (await runningServers()).length > 0);
  const { serverId, processStartMs } = thisProcess('server-1');
  expect(await runningServers()).toEqual([{ serverId, processStartMs }]);
  await backend.close();
  await eventually(async () => (await runningServers()).length === 0);
  await operator.close();
});

test('servers of one database believe what they have put into Redis; one that has not asked the database yet believes by form, and puts nothing', async () => {
  const { system, backend } = await openUnused();
  const other = openCluster({ settings: settingsOf(system) });
  const link = storedAs(new SampleLinks().generated());
  const { signal } = new AbortController();
  await Promise.all([backend.prepare(signal), other.loadKeys(signal)]);
  await eventually(async () => backend.cache?.available === true && other.cache?.available === true);
  expect(await backend.cache?.put(link)).toBe(true);
  expect(await other.cache?.get(0, link.code)).toEqual(link);

  const early = openCluster({ settings: settingsOf(system) });
  await eventually(async () => early.cache?.available === true);
  expect(await early.cache?.get(0, link.code)).toEqual(link);
  expect(await early.cache?.put(storedAs(new SampleLinks().alias()))).toBe(false);
  await early.loadKeys(signal);
  expect(await early.cache?.get(0, link.code)).toEqual(link);
  expect(await early.cache?.put(storedAs(new SampleLinks().alias()))).toBe(true);
  await Promise.all([backend, other, early].map((one) => one.close()));
});

test('a removal that waits in the outbox is relayed to the cache', async () => {
  const { backend } = await openUnused();
  await backend.loadKeys(new AbortController().signal);
  const { cache, links, outbox } = backend;
  await eventually(() => cache?.available === true);
  const sample = new SampleLinks();
  const [link, edited] = [sample.generated(), sample.generated()];
  for (const each of [link, edited]) await links.insert(each);
  await links.remove(0, link.code);
  await links.edit(0, edited.code, { longUrl: 'https://example.com/edited' });
  expect(await outbox?.pending(10)).toHaveLength(2);
  const stop = backend.relay();
  await eventually(async () => (await outbox?.pending(10))?.length === 0);
  await stop();
  expect(await cache?.get(0, link.code)).toMatchObject({ state: 'deleted' });
  expect(await cache?.get(0, edited.code)).toMatchObject({ longUrl: 'https://example.com/edited', version: 2 });
  await backend.close();
});

test('a schema is only looked at where it may not be changed, and a stop ends the wait for a database that is away', async () => {
  const whole = openCluster({ settings: { ...settingsOf(0), migrate: 'never' } });
  await whole.prepare(new AbortController().signal);
  await whole.close();
  const stopped = new AbortController();
  const away = openCluster({ settings: { database: [{ ...database.app, port: 1 }], storeDeadlineMs: 200 } });
  setTimeout(() => stopped.abort(), 500);
  await expect(away.prepare(stopped.signal)).rejects.toThrow(/abort/i);
  expect(() => away.witnesses()).toThrow('no ZooKeeper is named');
  await away.close();
});
