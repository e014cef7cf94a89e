import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalServer, launch, zookeeperEnsemble } from '@lakh/local';
import { createLogger, createMetrics, thisProcess } from '@lakh/process';
import { parseRedisUrl } from '@lakh/redis';
import { SampleLinks } from '@lakh/testkit';
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

test('its name tells where it is and no password; its checks tell what has been opened', async () => {
  const { system, backend } = await openUnused();
  const { host, port } = database.app;
  expect(backend.name).toBe(`${zookeeperHosts}/system-${system} and ${host}:${port}/lakh, namespace ns-${system}`);
  expect(Object.keys(backend.checks).sort()).toEqual(['copy', 'database', 'redis']);
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

test('a user that may only read is enough for whoever makes no links: for look-ups, keys, and keeping the copy exact', async () => {
  const { system, backend: writer } = await openUnused();
  await database.sql("CREATE USER reader@'%' IDENTIFIED BY 'r'; GRANT SELECT ON lakh.* TO reader@'%'");
  const { registry } = createMetrics({ program: 'test', version: '0' });
  const log = createLogger({ program: 'test', serverId: 'server', level: 'silent' });
  const { redis: ofRedis, storeDeadlineMs } = settingsOf(system);
  const reader = openCluster({
    settings: {
      database: [{ ...database.app, user: 'reader', password: 'r' }],
      storeDeadlineMs,
      ...(ofRedis && { redis: ofRedis }),
    },
    observed: { log, registry },
  });
  const { signal } = new AbortController();
  const stop = reader.relay();
  try {
    await writer.loadKeys(signal);
    await Promise.all([reader.loadKeys(signal), reader.reachLinks(signal)]);
    const link = new SampleLinks().generated();
    await writer.links.insert(link);
    expect(await reader.links.find(link.domainId, link.code)).toMatchObject({ longUrl: link.longUrl });
    await eventually(async () => /lakh_copy_rounds_total.outcome="advanced". [1-9]/.test(await registry.metrics()));
    await writer.links.remove(link.domainId, link.code);
    expect(await reader.cache?.get(link.domainId, link.code)).toBeUndefined();
    for (const check of Object.values(reader.checks)) expect(await check()).toEqual({ status: 'ok' });
  } finally {
    await stop();
    await Promise.all([reader.close(), writer.close()]);
  }
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

/** What a backend's cache may serve of a code now. */
async function served({ cache }: Backend, code: string) {
  const found = await cache?.get(0, code);
  return found && performance.now() < found.validUntilMs ? found.link : undefined;
}

test('servers of one database have one copy of its links: what is read by one is found by the other, what is changed too, and heard of', async () => {
  const { system, backend } = await openUnused();
  const other = openCluster({ settings: settingsOf(system) });
  await Promise.all([backend, other].map((each) => each.loadKeys(new AbortController().signal)));
  const stops = [backend.relay(), other.relay()];
  const heard: string[] = [];
  const listening = new Promise<void>((resolve) => {
    const unfollow = other.changes?.follow({ changed: ({ code }) => void heard.push(code), missed: resolve });
    stops.push(async () => unfollow?.());
  });
  await listening;
  const sample = new SampleLinks();
  const [link, deleted] = [sample.generated(), sample.generated()];
  const fill = async (code: string) => backend.cache?.put((await backend.links.sight(0, code)) as never);
  for (const each of [link, deleted]) {
    await backend.links.insert(each);
    await eventually(async () => (await fill(each.code)) === true);
    await eventually(async () => (await served(other, each.code))?.state === 'live');
  }
  await backend.links.remove(0, deleted.code);
  await backend.links.edit(0, link.code, { longUrl: 'https://example.com/edited' });
  for (const { code } of [deleted, link]) await eventually(async () => (await backend.hasten?.(0, code)) === true);
  expect(await served(other, deleted.code)).toMatchObject({ state: 'deleted' });
  expect(await served(other, link.code)).toMatchObject({ longUrl: 'https://example.com/edited', version: 2 });
  await eventually(() => heard.includes(deleted.code) && heard.includes(link.code));

  // Who does not know the keys yet, for want of the database, believes by form.
  const early = openCluster({ settings: settingsOf(system) });
  stops.push(early.relay());
  await eventually(async () => (await early.cache?.get(0, link.code)) !== undefined);
  expect((await early.cache?.get(0, link.code))?.link).toMatchObject({ version: 2 });
  expect(await early.cache?.put((await backend.links.sight(0, link.code)) as never)).toBe(false);
  await Promise.all(stops.map((stop) => stop()));
  await Promise.all([backend, other, early].map((one) => one.close()));
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
