import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalServer } from '@lakh/local';
import { until } from '@lakh/testkit';
import { createScript, type Master, Masters, parseRedisUrl, slotOf } from '../src/index.js';
import { type RunningRedis, startRedis } from './harness.js';
import { command, startCluster, startSentinel, type Topology } from './topologies.js';

jest.setTimeout(30_000);

let dir: string;
let servers: LocalServer[];
let masters: Masters;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-redis-'));
  servers = [];
});
afterEach(async () => {
  await masters?.close();
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(dir, { recursive: true });
});

async function open(topology: Topology | RunningRedis): Promise<void> {
  masters = new Masters({ target: parseRedisUrl(topology.url) });
  await until(() => masters.isWhole, 'there is a master of everything');
}

/** How long it takes until `condition` holds, in milliseconds. */
async function taken(condition: () => boolean | Promise<boolean>, what: string, deadlineMs: number): Promise<number> {
  const startedMs = performance.now();
  await until(condition, what, deadlineMs);
  return performance.now() - startedMs;
}

const portOf = (server: LocalServer | undefined) => (server as LocalServer).plan.port;
const isAt = (master: Master | undefined, server: LocalServer | undefined) =>
  master?.name === `127.0.0.1:${portOf(server)}`;

test('one server: commands, scripts and messages; frozen, killed and made a replica', async () => {
  const redis = await startRedis();
  try {
    await open(redis);
    const first = masters.of('any') as Master;
    expect(await first.send(['SET', 'key', 'ünï'])).toBe('OK');
    expect(await first.get('key', 100)).toBe('ünï');
    const script = createScript('redis.call("PUBLISH", KEYS[1], ARGV[1]) return {KEYS[1], ARGV[1]}');
    const heard: string[] = [];
    await first.subscribe('channel', (message) => void heard.push(message));
    for (const text of ['1', '2']) expect(await first.run(script, ['channel'], [text])).toEqual(['channel', text]);
    await until(() => heard.length === 2, 'it is heard on the same connection');
    expect(await first.get('key', 100)).toBe('ünï');

    await redis.server.signal('SIGSTOP');
    expect(await taken(() => first.isEnded, 'it is given up, though nobody asks it', 3_000)).toBeLessThan(2_000);
    expect(masters.of('any')).toBeUndefined();
    await redis.server.signal('SIGCONT');
    await until(() => masters.isWhole, 'it is asked again', 3_000);

    const second = masters.of('any') as Master;
    await redis.server.signal('SIGKILL');
    await until(() => second.isEnded, 'its end is noticed', 500);
    await redis.server.restart();
    await until(() => masters.isWhole, 'it is asked again', 2_000);

    const third = masters.of('any') as Master;
    const port = Number(new URL(redis.url).port);
    await command(port, 'REPLICAOF', '127.0.0.1', '1');
    await until(() => third.isEnded, 'it is a replica', 1_000);
    await command(port, 'REPLICAOF', 'NO', 'ONE');
    await until(() => masters.isWhole, 'it is a master', 2_000);
    expect(masters.of('any')?.generation).toBeGreaterThan(third.generation);
  } finally {
    await masters.close();
    await redis.dispose();
  }
});

test('Sentinel: a failover is followed', async () => {
  const topology = await startSentinel(dir);
  servers.push(...topology.servers);
  const [old, replica, sentinel] = servers;
  await open(topology);
  const first = masters.of('any') as Master;
  expect(isAt(first, old)).toBe(true);
  await first.send(['SET', 'key', 'kept']);
  await command(portOf(old), 'WAIT', '1', '1000');

  await old?.signal('SIGKILL');
  await until(() => first.isEnded, 'its end is noticed', 500);
  await until(
    async () =>
      String(await command(portOf(sentinel), 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')).endsWith(
        String(portOf(replica)),
      ),
    'the sentinel names another',
  );
  const followedMs = await taken(() => isAt(masters.of('any'), replica), 'it is followed', 5_000);
  expect(followedMs).toBeLessThan(1_500);
  expect(await masters.of('any')?.get('key', 100)).toBe('kept');
});

test('Cluster: a slot that moves, a master that is frozen, and one that is killed and succeeded by its replica', async () => {
  const topology = await startCluster(dir, { replicas: 1 });
  servers.push(...topology.servers);
  const [first, second, third, replica] = servers;
  await open(topology);
  const keys = Array.from({ length: 60 }, (_, i) => `key ${i}`);
  for (const key of keys) expect(await masters.of(key)?.send(['SET', key, key])).toBe('OK');
  await command(portOf(first), 'WAIT', '1', '1000');
  const all = masters.all();
  expect(new Set(keys.map((key) => masters.of(key)))).toEqual(new Set(all));
  const [a, b, c] = [first, second, third].map((server) => all.find((master) => isAt(master, server)) as Master);

  // The third's last slot goes to the second, as it goes in a Cluster that is resharded: without a claim of its own the first would not believe it.
  const [from, to] = await Promise.all(
    [third, second].map(async (server) => String(await command(portOf(server), 'CLUSTER', 'MYID'))),
  );
  await command(portOf(second), 'CLUSTER', 'SETSLOT', '16383', 'IMPORTING', from as string);
  await command(portOf(third), 'CLUSTER', 'SETSLOT', '16383', 'MIGRATING', to as string);
  for (const server of [second, third])
    await command(portOf(server), 'CLUSTER', 'SETSLOT', '16383', 'NODE', to as string);
  const moved = await c?.send(['EXISTS', keyOfSlot(16_383)]).catch(String);
  expect(moved).toMatch(/MOVED 16383|another master/);
  expect(c?.isEnded).toBe(true);
  await until(() => masters.isWhole && masters.of(16_383) === b, 'the second has it', 2_000);
  expect(isAt(masters.of(16_382), third)).toBe(true);
  expect([a?.isEnded, b?.isEnded]).toEqual([false, false]);

  await second?.signal('SIGSTOP');
  const answers = keys.map((key) => masters.of(key)?.get(key, 100));
  const settled = await Promise.allSettled(answers);
  expect(settled.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
  await until(() => b?.isEnded === true, 'it is given up', 2_000);
  // The others are asked meanwhile.
  expect(await masters.of(16_382)?.send(['PING'])).toBe('PONG');
  await second?.signal('SIGCONT');
  await until(() => masters.isWhole, 'it is asked again', 5_000);

  await first?.signal('SIGKILL');
  await until(
    async () => String(await command(portOf(replica), 'INFO', 'replication')).includes('role:master'),
    'the replica is promoted',
  );
  const servedMs = await taken(() => isAt(masters.of(0), replica) && masters.isWhole, 'it is followed', 5_000);
  expect(servedMs).toBeLessThan(3_000);
  for (const key of keys) {
    await until(
      async () =>
        (await masters
          .of(key)
          ?.get(key, 100)
          .catch(() => null)) === key,
      `${key} is there`,
      3_000,
    );
  }
});

function keyOfSlot(slot: number): string {
  for (let i = 0; ; i += 1) if (slotOf(`${i}`) === slot) return `${i}`;
}
