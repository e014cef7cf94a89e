import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeLinkCopy, MemoryLinkStore, SampleLinks, storedAs, tombstoneOf, until } from '@lakh/testkit';
import { openWhole, startServer } from './harness.js';
import { command, startCluster, startSentinel, type Topology } from './topologies.js';

jest.setTimeout(60_000);

const VALID_FOR_MS = 1_500;
const sample = new SampleLinks();

async function stopAll({ servers }: Topology, dir: string): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(dir, { recursive: true });
}

describe('a Cluster', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-redis-'));
  let topology: Topology;

  beforeAll(async () => {
    topology = await startCluster(dir, { replicas: 1 });
  });
  afterAll(() => stopAll(topology, dir));

  describeLinkCopy('redis cluster', async () => {
    const { copy, close } = await openWhole(topology.url);
    return { copy, dispose: close };
  });

  test('keeps links on each of its masters; what one of them holds is gone with it, and no more; a replica that lacks the end is not believed', async () => {
    const store = new MemoryLinkStore();
    const server = await startServer(topology.url, store, { validForMs: VALID_FOR_MS, deadlineMs: 200 });
    const links = Array.from({ length: 60 }, () => sample.generated());
    const served = () => Promise.all(links.map(({ code }) => server.served(code)));
    for (const link of links) {
      await store.insert(link);
      const put = async () => server.keeper.cache.put((await store.sight(0, link.code)) as never);
      await until(put, 'it is put');
    }
    await until(async () => !(await served()).includes(undefined), 'all may be served');
    const [first] = topology.servers;
    const port = first?.plan.port as number;
    await command(port, 'WAIT', '1', '1000');
    // What its replica hears of no more: it is cut off at the changes that come now.
    const replica = topology.servers[3];
    await replica?.signal('SIGSTOP');
    for (const { code } of links) await store.remove(0, code);
    await Promise.all(links.map(({ code }) => server.keeper.hasten(0, code)));
    await until(async () => (await served()).every((link) => link?.state === 'deleted'), 'all are deleted in it');
    await first?.signal('SIGKILL');
    await replica?.signal('SIGCONT');
    const heldByOthers = (await served()).filter((link) => link !== undefined);
    expect(heldByOthers.length).toBeGreaterThan(20);
    await until(
      async () => {
        const now = await served();
        expect(now.filter((link) => link?.state === 'live')).toEqual([]);
        return server.masters.isWhole && now.filter((link) => link?.state === 'deleted').length >= heldByOthers.length;
      },
      'the replica has taken its place',
      30_000,
    );
    await until(async () => server.keeper.ageMs() < VALID_FOR_MS, 'all of it is proven');
    for (const link of links) expect((await server.served(link.code)) ?? tombstoneOf(link)).toEqual(tombstoneOf(link));
    await server.close();
  });
});

test('Sentinel: the copy follows its master through a failover, and is believed only where it is proven again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-redis-'));
  const topology = await startSentinel(dir);
  const [master] = topology.servers;
  const store = new MemoryLinkStore();
  const server = await startServer(topology.url, store, { validForMs: VALID_FOR_MS, deadlineMs: 200 });
  const link = sample.generated();
  await store.insert(link);
  await until(async () => server.keeper.cache.put((await store.sight(0, link.code)) as never), 'it is put');
  await until(async () => (await server.served(link.code)) !== undefined, 'it may be served');
  expect(await server.served(link.code)).toEqual(storedAs(link));
  await command(master?.plan.port as number, 'WAIT', '1', '1000');
  await master?.signal('SIGKILL');
  await until(() => server.copy.holderOf(0) === undefined, 'nobody holds it');
  expect(await server.served(link.code)).toBeUndefined();
  await store.remove(0, link.code);
  await until(
    async () => {
      const now = await server.served(link.code);
      expect(now).not.toEqual(storedAs(link));
      return now?.state === 'deleted';
    },
    'the deletion is in the new master',
    30_000,
  );
  await server.close();
  await stopAll(topology, dir);
});
