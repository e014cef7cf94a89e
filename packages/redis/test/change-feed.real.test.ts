import { bucketOf, type ChangeListener, type Invalidation, type StoredLink } from '@lakh/links';
import { SampleLinks, storedAs, tombstoneOf, until } from '@lakh/testkit';
import { createRedisChangeFeed, Masters, parseRedisUrl } from '../src/index.js';
import { openWhole, type RunningRedis, startRedis, type TestCopy } from './harness.js';

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
let changing: TestCopy;
let masters: Masters;
let heard: Heard;
let states: boolean[];
let stop: () => Promise<void>;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.dispose());

/** Brings a change to the copy. */
async function bring(change: StoredLink): Promise<boolean> {
  const bucket = bucketOf(change.domainId, change.code);
  const holder = changing.copy.holderOf(bucket);
  if (holder === undefined) return false;
  const [from = ''] = await holder.read([bucket]);
  return holder.apply(
    { bucket, from, to: `${from}.` },
    { epoch: 'e'.repeat(16), changes: [{ ...change, link: change }] },
  );
}

beforeEach(async () => {
  changing = await openWhole(redis.url);
  heard = new Heard();
  states = [];
  masters = new Masters({ target: parseRedisUrl(redis.url) });
  stop = createRedisChangeFeed({ masters, hearing: (isHearing) => states.push(isHearing) }).follow(heard);
  await until(() => heard.times === 1, 'it listens');
});
afterEach(async () => {
  await Promise.all([stop(), masters.close(), changing.close()]);
});

test('what changes in the copy is heard at once, in its order', async () => {
  const link = sample.generated();
  const edited: StoredLink = { ...storedAs(link, 2), longUrl: 'https://example.com/edited' };
  const startedMs = performance.now();
  for (const change of [edited, tombstoneOf(link, 3)]) expect(await bring(change)).toBe(true);
  await until(() => heard.changes.length === 2, 'all are heard');
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect(heard.changes).toEqual([changeOf(edited), changeOf(tombstoneOf(link, 3))]);
  expect([heard.times, states]).toEqual([1, [false, true]]);
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
  const link = sample.generated();
  await until(() => bring(tombstoneOf(link)).catch(() => false), 'it takes changes');
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
  await bring(tombstoneOf(sample.generated()));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(heard.changes).toEqual([]);
});
