import type { ChangeListener, Invalidation, StoredLink } from '@lakh/links';
import { SampleLinks, storedAs, tombstoneOf } from '@lakh/testkit';
import { createClient } from 'redis';
import { createRedisChangeFeed, Masters, parseRedisUrl } from '../src/index.js';
import { openCache, type RunningRedis, startRedis, type TestCache, until } from './harness.js';

class Heard implements ChangeListener {
  readonly changes: Invalidation[] = [];
  times = 0;
  changed(invalidation: Invalidation): void {
    this.changes.push(invalidation);
  }
  missed(): void {
    this.times += 1;
  }
}

const sample = new SampleLinks();
const changeOf = ({ domainId, code, version }: StoredLink) => ({ domainId, code, version });
let redis: RunningRedis;
let cache: TestCache;
let masters: Masters;
let heard: Heard;
let states: boolean[];
let stop: () => Promise<void>;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.dispose());

beforeEach(async () => {
  cache = openCache({ url: redis.url, ttlS: 60, quarantineMs: 50 });
  heard = new Heard();
  states = [];
  masters = new Masters({ target: parseRedisUrl(redis.url) });
  stop = createRedisChangeFeed({ masters, hearing: (isHearing) => states.push(isHearing) }).follow(heard);
  await Promise.all([cache.whenAvailable(10_000), until(() => heard.times === 1, 'it listens')]);
});
afterEach(async () => {
  await Promise.all([stop(), masters.close(), cache.close()]);
});

test('what is announced is heard at once, also where the cache had it already; what is filled is not', async () => {
  const link = sample.generated();
  await cache.put(storedAs(link));
  const edited = storedAs({ ...link, longUrl: 'https://example.com/edited' }, 2);
  await cache.put(edited);
  const startedMs = performance.now();
  for (const change of [edited, tombstoneOf(link, 3), tombstoneOf(link, 3)]) await cache.announce(change);
  await until(() => heard.changes.length === 3, 'all are heard');
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect(heard.changes).toEqual([changeOf(edited), ...Array(2).fill(changeOf(tombstoneOf(link, 3)))]);
  expect([heard.times, states]).toEqual([1, [false, true]]);
});

test('a Redis that takes no more values passes messages on', async () => {
  const admin = createClient({ url: redis.url });
  await admin.connect();
  await admin.configSet('maxmemory', '1');
  try {
    const link = sample.generated();
    expect(await cache.announce(tombstoneOf(link))).toBe(false);
    await until(() => heard.changes.length === 1, 'it is heard');
  } finally {
    await admin.configSet('maxmemory', '0');
    admin.destroy();
  }
});

test('a Redis that was away, or still for a while, is listened to again, and tells that something may have been missed', async () => {
  await redis.server.signal('SIGSTOP');
  await until(() => states.at(-1) === false, 'its silence is noticed', 5_000);
  await redis.server.signal('SIGCONT');
  await until(() => heard.times === 2, 'it listens again');
  await redis.server.signal('SIGKILL');
  await until(() => states.at(-1) === false, 'its end is noticed');
  await redis.server.restart();
  await until(() => heard.times === 3, 'it listens again');
  await cache.whenAvailable(10_000);
  const link = sample.generated();
  await until(async () => cache.announce(tombstoneOf(link)), 'it takes changes');
  await until(() => heard.changes.length > 0, 'it is heard');
  expect(heard.changes[0]).toEqual(changeOf(tombstoneOf(link)));
});

test('it can be stopped as soon as it was begun, or while it subscribes', async () => {
  for (const turns of [0, 1, 2]) {
    const late = new Heard();
    const end = createRedisChangeFeed({ masters }).follow(late);
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await end();
    const { times } = late;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(late.times).toBe(times);
  }
});

test('nothing is heard once it was stopped, which takes no time', async () => {
  await stop();
  expect(states.at(-1)).toBe(false);
  await cache.announce(tombstoneOf(sample.generated()));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(heard.changes).toEqual([]);
});
