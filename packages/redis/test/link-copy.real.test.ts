import { bucketOf, type CopyHolder, formatCopyState, type Link, type StoredLink } from '@lakh/links';
import { describeLinkCopy, until } from '@lakh/testkit';
import { createClient } from 'redis';
import { linkKey, stateKey } from '../src/copy-keys.js';
import { openCopy, openWhole, type RunningRedis, startRedis, type TestCopy } from './harness.js';

jest.setTimeout(30_000);

const EPOCH = 'e'.repeat(16);
const NONCE = 'f'.repeat(16);

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
    terms: null,
    version: 1,
    ...changes,
  };
}
const tombstone = (code: string, version = 2): StoredLink => ({ state: 'deleted', domainId: 0, code, version });
const keyOf = (code: string) => linkKey({ domainId: 0, code }, EPOCH);

let pulses = 0;
const textAt = (seq: number) => {
  pulses += 1;
  return formatCopyState({ pulse: pulses, nonce: NONCE, epoch: EPOCH, position: { seq, nonce: NONCE } });
};

/** A code's bucket by its holder. */
function bucketIn({ copy }: TestCopy, code: string) {
  const bucket = bucketOf(0, code);
  const holder = copy.holderOf(bucket) as CopyHolder;
  const stateNow = async () => (await holder.read([bucket]))[0] as string;
  return {
    holder,
    stateNow,
    get: () => holder.get(0, code, EPOCH),
    async apply(...changes: readonly StoredLink[]) {
      const move = { bucket, from: await stateNow(), to: textAt(1) };
      return holder.apply(move, { epoch: EPOCH, changes: changes.map((each) => ({ ...each, link: each })) });
    },
    async fill(read: StoredLink) {
      await holder.advance([{ bucket, from: await stateNow(), to: textAt(7) }]);
      return holder.fill(read, { epoch: EPOCH, position: { seq: 7, nonce: NONCE } });
    },
  };
}

describeLinkCopy('redis', async () => {
  const redis = await startRedis();
  const opened = await openWhole(redis.url);
  return {
    copy: opened.copy,
    dispose: async () => {
      await opened.close();
      await redis.dispose();
    },
  };
});

describe('over a Redis that works', () => {
  let redis: RunningRedis;
  let opened: TestCopy;
  let admin: ReturnType<typeof createClient>;

  beforeAll(async () => {
    redis = await startRedis();
    opened = await openWhole(redis.url);
    admin = createClient({ url: redis.url });
    admin.on('error', () => {});
    await admin.connect();
  });
  afterAll(async () => {
    admin.destroy();
    await opened.close();
    await redis.dispose();
  });

  test.each([
    ['text', (key: string) => admin.set(key, 'somebody else was here')],
    ['a value of another format', (key: string) => admin.set(key, '3|7|whatever comes')],
    ['a list', (key: string) => admin.rPush(key, ['a', 'b'])],
  ])('%s under the key of a link is no link, and the next fill replaces it', async (what, write) => {
    const code = `foreign-${what.length}`;
    const { get, fill } = bucketIn(opened, code);
    await write(keyOf(code));
    const before = opened.reads.get('bad-value') ?? 0;
    expect(await get().catch(() => undefined)).toBeUndefined();
    expect(opened.reads.get('bad-value')).toBe(before + 1);
    expect(await fill(link(code))).toBe(true);
    expect(await get()).toEqual(link(code));
  });

  test('however much is under the key of a link, no more of it is read than a link has', async () => {
    const { get, fill } = bucketIn(opened, 'huge');
    await admin.setRange(keyOf('huge'), 8_000_000, 'x');
    const sent = async () => Number(/total_net_output_bytes:(\d+)/.exec(await admin.info('stats'))?.[1]);
    const before = await sent();
    expect(await get()).toBeUndefined();
    expect((await sent()) - before).toBeLessThan(1_000_000);
    expect(await fill(link('huge'))).toBe(true);
    expect(await get()).toEqual(link('huge'));
  });

  test('however much is under the key of a state, little of it is read, and the next round replaces it', async () => {
    const { holder, stateNow, get, fill } = bucketIn(opened, 'huge-state');
    const bucket = bucketOf(0, 'huge-state');
    const key = stateKey(bucket);
    const beginning = textAt(7);
    await admin.set(key, beginning);
    await admin.setRange(key, 64_000_000, 'x');
    const sent = async () => Number(/total_net_output_bytes:(\d+)/.exec(await admin.info('stats'))?.[1]);
    // Once: whether it arrives in time or not.
    await stateNow().catch(() => '');
    const before = await sent();
    const from = await stateNow();
    expect(await holder.read(holder.buckets)).toHaveLength(holder.buckets.length);
    expect((await sent()) - before).toBeLessThan(1_000_000);
    expect(from).toBe('');
    expect(await holder.fill(link('huge-state'), { epoch: EPOCH, position: { seq: 7, nonce: NONCE } })).toBe(false);
    const to = textAt(1);
    expect(await holder.advance([{ bucket, from: beginning, to }])).toEqual([false]);
    expect(await holder.advance([{ bucket, from, to }])).toEqual([true]);
    expect(await stateNow()).toBe(to);
    expect(await fill(link('huge-state'))).toBe(true);
    expect(await get()).toEqual(link('huge-state'));
  });

  test.each([
    ['no text', (key: string) => admin.rPush(key, ['a', 'b'])],
    ['no characters', (key: string) => admin.sendCommand(['SET', key, Buffer.from([0x31, 0x7c, 0xff, 0xfe])])],
    ['other characters', (key: string) => admin.set(key, 'é'.repeat(100))],
  ])('what is %s under the key of a state is no state, and is replaced', async (_what, put) => {
    const { holder, stateNow } = bucketIn(opened, 'a-list');
    const bucket = bucketOf(0, 'a-list');
    await admin.del(stateKey(bucket));
    await put(stateKey(bucket));
    expect(await stateNow()).toBe('');
    const to = textAt(1);
    expect(await holder.advance([{ bucket, from: '', to }])).toEqual([true]);
    expect(await stateNow()).toBe(to);
  });

  test('whoever can write to Redis can make it ask the database, and nothing else: no target, no other code’s or epoch’s value', async () => {
    const target = (line: string) => line.replace('example.com', 'evil.example');
    const other = 'e'.repeat(15).padEnd(16, 'd');
    const forgeries: Record<string, (ours: string, code: string) => string | Promise<string>> = {
      'another target': target,
      'a version that nothing is above': (ours) => ours.replace('2|1|', '2|1000000000|'),
      'a tombstone': (ours) => `2|9|${ours.split('|')[2]}|${ours.split('|')[3]}|D`,
      'a guess': (ours) => target(ours).replace(/^(2\|1\|).{22}/, `$1${'A'.repeat(22)}`),
      'one of another epoch': async (_, code) => {
        const { holder, stateNow } = bucketIn(opened, code);
        const move = { bucket: bucketOf(0, code), from: await stateNow(), to: textAt(1) };
        await holder.apply(move, { epoch: other, changes: [{ ...link(code), link: link(code) }] });
        return (await admin.get(linkKey(link(code), other))) as string;
      },
    };
    for (const [what, forge] of Object.entries(forgeries)) {
      const code = `forged-${what.length}`;
      const { get, fill } = bucketIn(opened, code);
      await fill(link(code));
      const ours = (await admin.get(keyOf(code))) as string;
      await admin.set(keyOf(code), await forge(ours, code));
      expect([what, await get()]).toEqual([what, undefined]);
      // The next fill, which every miss brings about, puts things right; a life is given back to what had none.
      expect(await fill(link(code))).toBe(true);
      expect([what, await get()]).toEqual([what, link(code)]);
      expect(await admin.pTTL(keyOf(code))).toBeGreaterThan(0);
    }
    expect(opened.reads.get('bad-seal')).toBe(Object.keys(forgeries).length);
  });

  test('servers of two databases that share a Redis take nothing from each other', async () => {
    const stranger = await openWhole(redis.url, { sealKey: () => new Uint8Array(32) });
    await bucketIn(stranger, 'shared').fill(link('shared', { longUrl: 'https://other.example/' }));
    expect(await bucketIn(opened, 'shared').get()).toBeUndefined();
    await stranger.close();
  });

  test('without the key a value is believed by its form, and nothing is put; with it by its seal, from then on', async () => {
    let key: Uint8Array | undefined;
    const late = await openWhole(redis.url, { sealKey: () => key });
    const [ours, theirs] = [bucketIn(opened, 'sealed'), bucketIn(late, 'sealed')];
    await ours.fill(link('sealed'));
    expect(await theirs.get()).toEqual(link('sealed'));
    await expect(theirs.fill(link('sealed'))).rejects.toThrow('sealed');
    // What changed goes, and nothing takes its place.
    expect(await theirs.apply(tombstone('sealed'))).toBe(true);
    expect(await ours.get()).toBeUndefined();
    await ours.fill(link('sealed'));
    const forged = ((await admin.get(keyOf('sealed'))) as string).replace('example.com', 'evil.example');
    await admin.set(keyOf('sealed'), forged);
    expect(await theirs.get()).toMatchObject({ longUrl: 'https://evil.example/sealed' });
    key = new Uint8Array(32).fill(7);
    expect(await theirs.get()).toBeUndefined();
    expect(await theirs.fill(link('sealed'))).toBe(true);
    await late.close();
  });

  test('lives are jittered, outlast an expiry, and are not prolonged by a read; a state has no end', async () => {
    const lives: number[] = [];
    for (let index = 0; index < 20; index += 1) {
      const code = `life${index}`;
      const { apply, fill } = bucketIn(opened, code);
      await (index % 2 ? apply(tombstone(code)) : fill(link(code, { expiresAtMs: 1 })));
      lives.push(await admin.pTTL(keyOf(code)));
      expect(await admin.pTTL(stateKey(bucketOf(0, code)))).toBe(-1);
    }
    expect(new Set(lives).size).toBeGreaterThan(10);
    expect(Math.min(...lives)).toBeGreaterThan(3_600_000 * 0.9 - 1_000);
    expect(Math.max(...lives)).toBeLessThanOrEqual(3_600_000 * 1.1);
    await admin.pExpire(keyOf('life1'), 10_000);
    await bucketIn(opened, 'life1').get();
    expect(await admin.pTTL(keyOf('life1'))).toBeLessThanOrEqual(10_000);
  });

  test('scripts are sent again when the server has forgotten them', async () => {
    await admin.scriptFlush();
    expect(await bucketIn(opened, 'scripted').fill(link('scripted'))).toBe(true);
    expect(await bucketIn(opened, 'scripted').apply(tombstone('scripted'))).toBe(true);
    expect(await bucketIn(opened, 'scripted').get()).toEqual(tombstone('scripted'));
  });

  test('reads of one turn travel together, and all states of one server are one question', async () => {
    const { holder, fill } = bucketIn(opened, 'hot');
    await fill(link('hot'));
    const figure = async (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(await admin.info('stats'))?.[1]);
    const before = [await figure('total_reads_processed'), await figure('total_commands_processed')] as const;
    const found = await Promise.all(Array.from({ length: 1_000 }, () => holder.get(0, 'hot', EPOCH)));
    expect(found.every((each) => each?.state === 'live')).toBe(true);
    // Some 50 KB in a few pieces; confirmations and INFO are among them.
    expect((await figure('total_reads_processed')) - before[0]).toBeLessThan(60);
    const commands = await figure('total_commands_processed');
    for (let polls = 0; polls < 10; polls += 1) await holder.read(holder.buckets);
    expect((await figure('total_commands_processed')) - commands).toBeLessThan(60);
  });

  test.each([
    ['has no memory', 'maxmemory', '1', '0', 'OOM'],
    ['has too few replicas', 'min-replicas-to-write', '1', '0', 'NOREPLICAS'],
  ])('a server that %s refuses each step whole, and goes on serving reads', async (_, setting, bad, good, refusal) => {
    const { get, fill, apply, holder, stateNow } = bucketIn(opened, 'refused');
    await fill(link('refused'));
    const state = await stateNow();
    await admin.configSet(setting, bad);
    try {
      await expect(apply(tombstone('refused'))).rejects.toThrow(refusal);
      await expect(fill(link('refused'))).rejects.toThrow(refusal);
      expect([await get(), await stateNow(), holder.ended.aborted]).toEqual([link('refused'), state, false]);
    } finally {
      await admin.configSet(setting, good);
    }
    expect(await apply(tombstone('refused'))).toBe(true);
  });

  test('a user who may not delete makes a bucket begin anew rather than leave in it what changed', async () => {
    await admin.sendCommand(['ACL', 'SETUSER', 'narrow', 'on', '>secret', '~*', '&*', '+@all', '-del']);
    const narrow = await openWhole(redis.url.replace('//', '//narrow:secret@'));
    const { fill, holder, stateNow } = bucketIn(narrow, 'narrow');
    await fill(link('narrow'));
    const move = { bucket: bucketOf(0, 'narrow'), from: await stateNow(), to: textAt(2) };
    await holder.apply(move, { epoch: EPOCH, changes: [{ ...link('narrow'), version: 2, link: undefined }] });
    expect(await stateNow()).toBe('');
    await narrow.close();
  });

  test('a server that becomes a replica holds nothing any more, as soon as it is polled or written to', async () => {
    const own = await startRedis();
    const ownAdmin = createClient({ url: own.url });
    await ownAdmin.connect();
    try {
      for (const use of ['polled', 'written'] as const) {
        const of = await openWhole(own.url);
        const { holder, stateNow } = bucketIn(of, 'demoted');
        const state = await stateNow();
        await ownAdmin.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
        const asked =
          use === 'polled'
            ? holder.read(holder.buckets)
            : holder.advance([{ bucket: bucketOf(0, 'demoted'), from: state, to: textAt(1) }]);
        await expect(asked).rejects.toThrow();
        expect([holder.ended.aborted, of.copy.holderOf(0)]).toEqual([true, undefined]);
        await ownAdmin.sendCommand(['REPLICAOF', 'NO', 'ONE']);
        await until(() => of.copy.holderOf(0) !== undefined, 'it is held again');
        expect(of.copy.holderOf(0)).not.toBe(holder);
        await of.close();
      }
    } finally {
      ownAdmin.destroy();
      await own.dispose();
    }
  });
});

describe('over a Redis that fails', () => {
  const DEADLINE_MS = 100;
  let redis: RunningRedis;
  let opened: TestCopy;

  beforeEach(async () => {
    redis = await startRedis();
    opened = await openWhole(redis.url, { deadlineMs: DEADLINE_MS });
  });
  afterEach(async () => {
    await opened.close();
    await redis.dispose();
  });

  test('killed: nobody holds anything, and whoever comes back is another', async () => {
    const { holder, fill } = bucketIn(opened, 'a');
    await fill(link('a'));
    await redis.server.signal('SIGKILL');
    await until(() => holder.ended.aborted, 'it ends');
    expect(opened.copy.holderOf(0)).toBeUndefined();
    await expect(holder.get(0, 'a', EPOCH)).rejects.toThrow();
    await redis.server.restart();
    await until(() => opened.copy.holderOf(0) !== undefined, 'it is back');
    expect(opened.copy.holderOf(0)).not.toBe(holder);
  });

  test('frozen: each call is bounded, and soon there is nobody to call', async () => {
    const { holder } = bucketIn(opened, 'a');
    await redis.server.signal('SIGSTOP');
    const frozenMs = performance.now();
    const burst = await Promise.allSettled(Array.from({ length: 12_000 }, () => holder.get(0, 'a', EPOCH)));
    expect(burst.every(({ status }) => status === 'rejected')).toBe(true);
    // Sending 4,096 commands and rejecting them is work, too; one deadline after another would take minutes.
    expect(performance.now() - frozenMs).toBeLessThan(2_000);
    expect([holder.ended.aborted, opened.copy.holderOf(0)]).toEqual([true, undefined]);
  });

  test('a stall of this process alone is not taken for an outage', async () => {
    const { holder, fill } = bucketIn(opened, 'a');
    await fill(link('a'));
    const reads = Array.from({ length: 50 }, () => holder.get(0, 'a', EPOCH));
    await new Promise((resolve) => setImmediate(resolve));
    const end = performance.now() + 3 * DEADLINE_MS;
    while (performance.now() < end);
    expect(await Promise.all(reads)).toEqual(reads.map(() => link('a')));
    expect(holder.ended.aborted).toBe(false);
  });
});

test('a server that is not there yet is joined when it comes', async () => {
  const redis = await startRedis();
  await redis.server.stop();
  const { copy, close } = openCopy(redis.url);
  const held: CopyHolder[] = [];
  copy.follow((holder) => held.push(holder));
  expect(copy.holderOf(7)).toBeUndefined();
  await redis.server.restart();
  await until(() => held.length === 1, 'it comes');
  expect(copy.holderOf(7)).toBe(held[0]);
  await close();
  await redis.dispose();
});

test('a password is used, a wrong one is an outage, and neither is ever logged', async () => {
  const redis = await startRedis(['--requirepass', 'hunter2']);
  const logged: unknown[] = [];
  const log = {
    info: (fields: object, message: string) => logged.push(fields, message),
    warn: (fields: object, message: string) => logged.push(fields, String((fields as { err?: unknown }).err), message),
  };
  const right = await openWhole(redis.url.replace('//', '//:hunter2@'), { log });
  const wrong = openCopy(redis.url.replace('//', '//:hunter3@'), { log });
  await until(() => logged.includes('redis is not asked'), 'it is told');
  expect(wrong.copy.holderOf(0)).toBeUndefined();
  expect(JSON.stringify(logged)).not.toMatch(/hunter/);
  await Promise.all([right.close(), wrong.close()]);
  await redis.dispose();
});
