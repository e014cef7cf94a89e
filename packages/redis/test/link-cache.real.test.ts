import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Link, StoredLink } from '@lakh/links';
import { describeLinkCache } from '@lakh/testkit';
import { createClient } from 'redis';
import {
  createRedisLinkCache,
  parseRedisUrl,
  RedisConnection,
  type RedisLinkCacheOptions,
  type RedisOptions,
} from '../src/index.js';
import { linkKey } from '../src/value.js';
import { openCache, type RunningRedis, SEAL_KEY, startRedis, type TestCache, until } from './harness.js';

jest.setTimeout(30_000);

function link(code: string, changes: Partial<Link> = {}): Link {
  return {
    state: 'live',
    domainId: 0,
    code,
    kind: 'generated',
    counter: 100_000,
    longUrl: `https://example.com/${code}`,
    createdAtMs: 1_790_000_000_000,
    expiresAtMs: null,
    redirectStatus: null,
    version: 1,
    ...changes,
  };
}
const tombstone = (code: string, version = 2): StoredLink => ({ state: 'deleted', domainId: 0, code, version });

async function open(url: string, changes: Partial<RedisOptions & RedisLinkCacheOptions> = {}): Promise<TestCache> {
  // Patient: what deadlines do is for those tests to see that set one.
  const cache = openCache({ url, ttlS: 3_600, deadlineMs: 5_000, ...changes });
  if (!(await cache.whenAvailable(10_000))) throw new Error('redis did not become available');
  return cache;
}

describeLinkCache('redis', async () => {
  const redis = await startRedis();
  const cache = await open(redis.url);
  return {
    cache,
    dispose: async () => {
      await cache.close();
      await redis.dispose();
    },
  };
});

describe('over a Redis that works', () => {
  let redis: RunningRedis;
  let cache: TestCache;
  let admin: ReturnType<typeof createClient>;

  beforeAll(async () => {
    redis = await startRedis();
    cache = await open(redis.url);
    admin = createClient({ url: redis.url });
    admin.on('error', () => {});
    await admin.connect();
  });
  afterAll(async () => {
    admin.destroy();
    await cache.close();
    await redis.dispose();
  });

  test('in a race of 100 writers over two connections the newest version stays', async () => {
    const other = await open(redis.url);
    for (let round = 0; round < 10; round += 1) {
      const versions = Array.from({ length: 100 }, (_, index) => index + 1).sort(() => Math.random() - 0.5);
      await Promise.all(
        versions.map((version, index) =>
          (index % 2 ? cache : other).put(link(`race${round}`, { version, longUrl: `https://example.com/${version}` })),
        ),
      );
      expect(await cache.get(0, `race${round}`)).toMatchObject({ version: 100, longUrl: 'https://example.com/100' });
    }
    await other.close();
  });

  test.each([
    ['text', (key: string) => admin.set(key, 'somebody else was here')],
    ['a value without a version', (key: string) => admin.set(key, '2||D')],
    ['a list', (key: string) => admin.rPush(key, ['a', 'b'])],
  ])('%s under the key is a miss that is counted, and the next fill replaces it', async (what, write) => {
    const code = `foreign-${what}`;
    await write(linkKey(0, code));
    const before = cache.seen.get('read bad-value') ?? 0;
    for (let reads = 0; reads < 10; reads += 1) expect(await cache.get(0, code)).toBeUndefined();
    expect(cache.seen.get('read bad-value')).toBe(before + 10);
    expect(cache.available).toBe(true);
    expect(await cache.put(link(code))).toBe(true);
    expect(await cache.get(0, code)).toEqual(link(code));
  });

  test('a value of a later format is a miss here, and is not overwritten by an older version', async () => {
    await admin.set(linkKey(0, 'later'), '3|7|whatever comes');
    expect(await cache.get(0, 'later')).toBeUndefined();
    expect(await cache.put(link('later', { version: 6 }))).toBe(true);
    expect(await admin.get(linkKey(0, 'later'))).toBe('3|7|whatever comes');
    await cache.put(link('later', { version: 8 }));
    expect(await cache.get(0, 'later')).toEqual(link('later', { version: 8 }));
  });

  test('whoever can write to Redis can make it ask the database, and nothing else: no target, no version that stays', async () => {
    const target = (line: string) => line.replace('example.com', 'evil.example');
    const forgeries: Record<string, (ours: string) => string> = {
      'another target': target,
      'a version that nothing is above': (ours) => ours.replace('2|1|', '2|1000000000|'),
      'a tombstone': (ours) => `2|9|${ours.split('|')[2]}|${ours.split('|')[3]}|D`,
      'a guess': (ours) => target(ours).replace(/^(2\|1\|).{22}/, `$1${'A'.repeat(22)}`),
      'the format before, unsealed': () => '1|1|G|100000|1790000000000|||https://evil.example/',
    };
    for (const [what, forge] of Object.entries(forgeries)) {
      const forged = link(`forged-${what.length}`);
      const key = linkKey(0, forged.code);
      await cache.put(forged);
      const ours = (await admin.get(key)) as string;
      await admin.set(key, forge(ours));
      const before = cache.seen.get('read hit') ?? 0;
      expect([what, await cache.get(0, forged.code)]).toEqual([what, undefined]);
      expect(cache.seen.get('read hit') ?? 0).toBe(before);
      // The next fill, which every miss brings about, puts things right; a life is given back to what had none.
      expect(await cache.put(forged)).toBe(true);
      expect([what, await cache.get(0, forged.code)]).toEqual([what, forged]);
      expect(await admin.pTTL(key)).toBeGreaterThan(0);
    }
    expect(cache.seen.get('read bad-seal')).toBe(4);
  });

  test('a forged version hides no delete, and a value under another code’s key is none', async () => {
    const [one, two] = [link('one'), link('two', { longUrl: 'https://example.com/two' })];
    await cache.put(one);
    await cache.put(two);
    await admin.set(linkKey(0, 'one'), (await admin.get(linkKey(0, 'two'))) as string);
    expect(await cache.get(0, 'one')).toBeUndefined();
    await admin.set(linkKey(0, 'one'), `2|1000000000|${'x'.repeat(22)}`);
    expect(await cache.put(tombstone('one'))).toBe(true);
    expect(await cache.get(0, 'one')).toEqual(tombstone('one'));
  });

  test('a cache that nobody observes keeps what it is given as well', async () => {
    const connection = new RedisConnection({ target: parseRedisUrl(redis.url), deadlineMs: 5_000 });
    const unobserved = createRedisLinkCache({ redis: connection, ttlS: 60, sealKey: () => SEAL_KEY });
    await until(() => unobserved.available, 'redis is available');
    expect(await unobserved.put(link('unobserved'))).toBe(true);
    expect(await cache.get(0, 'unobserved')).toEqual(link('unobserved'));
    await connection.close();
  });

  test('servers of two databases that share a Redis take nothing from each other', async () => {
    const stranger = await open(redis.url, { sealKey: () => new Uint8Array(32) });
    await stranger.put(link('shared', { longUrl: 'https://other.example/', version: 5 }));
    expect(await cache.get(0, 'shared')).toBeUndefined();
    await cache.put(link('shared'));
    expect(await cache.get(0, 'shared')).toEqual(link('shared'));
    expect(await stranger.get(0, 'shared')).toBeUndefined();
    await stranger.close();
  });

  test('without the key a value is believed by its form, and nothing is put; with it by its seal, from then on', async () => {
    let key: Uint8Array | undefined;
    const late = await open(redis.url, { sealKey: () => key });
    await cache.put(link('sealed'));
    const forged = await admin.get(linkKey(0, 'sealed'));
    await admin.set(linkKey(0, 'forged'), forged as string);
    expect(await late.get(0, 'sealed')).toEqual(link('sealed'));
    expect(await late.get(0, 'forged')).toEqual(link('forged', { longUrl: link('sealed').longUrl }));
    expect(await late.put(tombstone('sealed'))).toBe(false);
    expect(late.seen.get('write no-key')).toBe(1);
    key = SEAL_KEY;
    expect(await late.get(0, 'sealed')).toEqual(link('sealed'));
    expect(await late.get(0, 'forged')).toBeUndefined();
    expect(late.seen.get('read bad-seal')).toBe(1);
    expect(await late.put(tombstone('sealed'))).toBe(true);
    await late.close();
  });

  test('lives are jittered, outlast an expiry, and are not prolonged by another put or a read', async () => {
    const lives: number[] = [];
    for (let index = 0; index < 20; index += 1) {
      await cache.put(index % 2 ? link(`life${index}`) : tombstone(`life${index}`));
      lives.push(await admin.pTTL(linkKey(0, `life${index}`)));
    }
    expect(new Set(lives).size).toBeGreaterThan(10);
    expect(Math.min(...lives)).toBeGreaterThan(3_600_000 * 0.9 - 1_000);
    expect(Math.max(...lives)).toBeLessThanOrEqual(3_600_000 * 1.1);

    await cache.put(link('expired', { expiresAtMs: Date.now() - 1 }));
    expect(await admin.pTTL(linkKey(0, 'expired'))).toBeGreaterThan(3_600_000 * 0.9 - 1_000);

    await admin.pExpire(linkKey(0, 'life1'), 10_000);
    await cache.put(link('life1'));
    await cache.get(0, 'life1');
    expect(await admin.pTTL(linkKey(0, 'life1'))).toBeLessThanOrEqual(10_000);
  });

  test('the script is sent again when the server has forgotten it', async () => {
    await admin.scriptFlush();
    expect(await cache.put(link('scripted'))).toBe(true);
    expect(await cache.get(0, 'scripted')).toEqual(link('scripted'));
  });

  test('reads of one turn travel together', async () => {
    const patient = await open(redis.url, { deadlineMs: 5_000 });
    await patient.put(link('hot'));
    const readsOfTheServer = async () => Number(/total_reads_processed:(\d+)/.exec(await admin.info('stats'))?.[1]);
    const before = await readsOfTheServer();
    const found = await Promise.all(Array.from({ length: 1_000 }, () => patient.get(0, 'hot')));
    expect(found.every((each) => each?.state === 'live')).toBe(true);
    // Some 40 KB in a few pieces; probes, pings and INFO are among them.
    expect((await readsOfTheServer()) - before).toBeLessThan(50);
    await patient.close();
  });

  test('a read that starts after a put does not join one that started before it', async () => {
    await cache.put(link('joined'));
    const before = cache.get(0, 'joined');
    const put = cache.put(tombstone('joined'));
    await put;
    const after = await cache.get(0, 'joined');
    await before;
    expect(after).toEqual(tombstone('joined'));
  });

  test('a server without memory refuses writes, and goes on serving reads', async () => {
    await cache.put(link('kept'));
    await admin.configSet('maxmemory', '1');
    try {
      for (let writes = 0; writes < 10; writes += 1) expect(await cache.put(link(`refused${writes}`))).toBe(false);
      expect(cache.available).toBe(true);
      expect(await cache.get(0, 'kept')).toEqual(link('kept'));
      // There is no room for the newer one, and nobody is sent to the older one until it ends by itself.
      expect(await cache.announce(tombstone('kept'))).toBe(false);
      expect(await cache.get(0, 'kept')).toBeUndefined();
    } finally {
      await admin.configSet('maxmemory', '0');
    }
  });
});

test('a server that takes no writes is not believed: a change could not be put there', async () => {
  const redis = await startRedis();
  const cache = await open(redis.url, { quarantineMs: 100 });
  const admin = createClient({ url: redis.url });
  await admin.connect();
  try {
    await cache.put(link('held'));
    await admin.configSet('min-replicas-to-write', '1');
    expect(await cache.announce(tombstone('held'))).toBe(false);
    await until(() => cache.state === 'down', 'it is noticed');
    expect(await cache.get(0, 'held')).toBeUndefined();
    await admin.configSet('min-replicas-to-write', '0');
    await until(() => cache.available, 'it is asked again');
    expect(await cache.announce(tombstone('held'))).toBe(true);
    expect(await cache.get(0, 'held')).toEqual(tombstone('held'));
  } finally {
    admin.destroy();
    await cache.close();
    await redis.dispose();
  }
});

describe('over a Redis that fails', () => {
  const DEADLINE_MS = 100;
  /** For the machine's own delays. */
  const SLACK_MS = 150;
  let redis: RunningRedis;
  let cache: TestCache;

  beforeEach(async () => {
    redis = await startRedis();
    cache = await open(redis.url, { deadlineMs: DEADLINE_MS, quarantineMs: 300 });
  });
  afterEach(async () => {
    await cache.close();
    await redis.dispose();
  });

  async function timed<T>(run: () => Promise<T>): Promise<{ value: T; tookMs: number }> {
    const started = performance.now();
    const value = await run();
    return { value, tookMs: performance.now() - started };
  }

  test('killed: misses at once; restarted: back by itself, after the quarantine', async () => {
    await cache.put(link('a'));
    await redis.server.signal('SIGKILL');
    await until(() => !cache.available, 'the breaker opens');
    const { value, tookMs } = await timed(() => cache.get(0, 'a'));
    expect(value).toBeUndefined();
    expect(tookMs).toBeLessThan(20);
    expect(await cache.announce(tombstone('a'))).toBe(false);

    await redis.server.restart();
    await until(() => cache.state === 'quarantine', 'a probe is answered');
    // Reads are bypassed and refills refused; an invalidation that waited goes through.
    expect(await cache.get(0, 'a')).toBeUndefined();
    expect(await cache.put(link('b'))).toBe(false);
    expect(await cache.put(tombstone('b'))).toBe(false);
    expect(await cache.announce(tombstone('a'))).toBe(true);
    expect(await cache.announce(link('edited', { version: 2 }))).toBe(true);
    expect(await cache.whenAvailable(5_000)).toBe(true);
    expect(await cache.get(0, 'a')).toEqual(tombstone('a'));
    expect(await cache.put(link('b'))).toBe(true);
  });

  test('frozen: each call is bounded, then answered at once; memory stays flat; awake again: back by itself', async () => {
    await cache.put(link('a'));
    await redis.server.signal('SIGSTOP');
    const frozenAt = performance.now();
    for (let calls = 0; cache.available; calls += 1) {
      const { tookMs } = await timed(() => (calls % 2 ? cache.put(link('b')) : cache.get(0, 'a')));
      expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
    }
    expect(performance.now() - frozenAt).toBeLessThan(2_000);

    const burst = await timed(() =>
      Promise.all(Array.from({ length: 1_000 }, (_, index) => cache.get(0, `x${index}`))),
    );
    expect(burst.tookMs).toBeLessThan(SLACK_MS);
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const collect = () => {
      gc();
      return process.memoryUsage().heapUsed;
    };
    const before = collect();
    for (let index = 0; index < 10_000; index += 1) {
      expect(await cache.get(0, `y${index}`)).toBeUndefined();
      if (index % 1_000 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(collect() - before).toBeLessThan(8 * 2 ** 20);
    // Longer than the socket's timeout, so that reconnecting to a frozen server has been tried too.
    await until(() => performance.now() - frozenAt > 3_000, 'three seconds frozen');

    await redis.server.signal('SIGCONT');
    const { value, tookMs } = await timed(() => cache.whenAvailable(10_000));
    expect(value).toBe(true);
    expect(tookMs).toBeLessThan(5_000);
    expect(await cache.get(0, 'a')).toEqual(link('a'));
    expect(cache.seen.get('state quarantine')).toBeGreaterThanOrEqual(1);
  });

  test('frozen under a burst: all of it settles within the deadline', async () => {
    await redis.server.signal('SIGSTOP');
    const burst = await timed(() =>
      Promise.all(Array.from({ length: 12_000 }, (_, index) => cache.get(0, `z${index}`))),
    );
    expect(burst.value.every((each) => each === undefined)).toBe(true);
    // Sending 4,096 commands and rejecting them is work, too; one deadline after another would take minutes.
    expect(burst.tookMs).toBeLessThan(2_000);
    expect(cache.available).toBe(false);
    // More than may be under way at once were not even asked.
    expect(cache.seen.get('read bypassed')).toBeGreaterThanOrEqual(12_000 - 4_096);
  });

  test('frozen without any traffic: noticed all the same', async () => {
    await redis.server.signal('SIGSTOP');
    await until(() => !cache.available, 'the probes notice', 3_000);
  });

  test('close does not wait for a frozen server, and calls afterwards miss', async () => {
    await redis.server.signal('SIGSTOP');
    const reading = cache.get(0, 'a');
    const { tookMs } = await timed(() => cache.close());
    expect(tookMs).toBeLessThan(1_500);
    expect(await reading).toBeUndefined();
    expect(await cache.get(0, 'a')).toBeUndefined();
    expect(await cache.put(link('a'))).toBe(false);
  });

  test('a stall of this process alone is not taken for an outage', async () => {
    await cache.put(link('a'));
    const reads = Array.from({ length: 50 }, () => cache.get(0, 'a'));
    await new Promise((resolve) => setImmediate(resolve));
    const end = performance.now() + 3 * DEADLINE_MS;
    while (performance.now() < end);
    expect(await Promise.all(reads)).toEqual(reads.map(() => link('a')));
    expect(cache.available).toBe(true);
  });
});

test('a server that is not there yet is joined when it comes, and close does not wait for one that never does', async () => {
  const redis = await startRedis();
  await redis.server.stop();
  const cache = openCache({ url: redis.url, ttlS: 60, quarantineMs: 50 });
  expect(await cache.get(0, 'a')).toBeUndefined();
  expect(await cache.whenAvailable(200)).toBe(false);
  await redis.server.restart();
  expect(await cache.whenAvailable(5_000)).toBe(true);
  expect(await cache.put(link('a'))).toBe(true);
  await redis.server.stop();
  const started = performance.now();
  await cache.close();
  expect(performance.now() - started).toBeLessThan(1_500);
  await redis.dispose();
});

test('a password is used, a wrong one is an outage, and neither is ever logged', async () => {
  const redis = await startRedis(['--requirepass', 'hunter2']);
  const logged: unknown[] = [];
  const log = {
    info: (fields: object, message: string) => logged.push(fields, message),
    warn: (fields: object, message: string) => logged.push(fields, String((fields as { err?: unknown }).err), message),
  };
  const right = openCache({ url: redis.url.replace('//', '//:hunter2@'), ttlS: 60, log });
  expect(await right.whenAvailable(5_000)).toBe(true);
  const wrong = openCache({ url: redis.url.replace('//', '//:hunter3@'), ttlS: 60, log });
  expect(await wrong.whenAvailable(500)).toBe(false);
  expect(JSON.stringify(logged)).not.toMatch(/hunter/);
  await Promise.all([right.close(), wrong.close()]);
  await redis.dispose();
});
