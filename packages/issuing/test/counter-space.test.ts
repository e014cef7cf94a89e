import { PassThrough } from 'node:stream';
import { StoreUnavailableError } from '@lakh/links';
import { createLogger, createMetrics } from '@lakh/process';
import { base62, CODEC_FACT, type Codec, createCodec, parseSealedKeys, recordOfCodec } from '@lakh/short-code';
import { MemoryFactStore, MemoryLedger, MemoryMarkNode } from '@lakh/testkit';
import { type AllocationOptions, createAllocation } from '../src/allocation.js';

/** The end of the counter space: warned of, then said, never passed. */
const SIZE = 1000;
const KEY_A = 'A:2b7e151628aed2a6abf7158809cf4f3c:100000';
const sealedWith = (...keys: string[]): Codec =>
  createCodec({ codec: 'sealed', keys: parseSealedKeys(keys.join(' ')) });
/** base62 over a space that is small, or begins late: of 100,000 counters 1 % is one range. */
const until = (endCounter: number): Codec => ({ ...base62(), capacity: { firstCounter: 100_000, endCounter } });

let node: MemoryMarkNode;
let ledger: MemoryLedger;
const stops: (() => void)[] = [];

beforeEach(() => {
  node = new MemoryMarkNode();
  ledger = new MemoryLedger();
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function open(codec: Codec, recorded?: AllocationOptions['recorded']) {
  const metrics = createMetrics({ program: 'test', version: '0' });
  const stream = new PassThrough();
  const allocation = createAllocation({
    marks: node.client(),
    ledger: ledger.client(),
    remainders: node.remainders(),
    codec,
    ...(recorded === undefined ? {} : { recorded }),
    settings: { rangeSize: SIZE, runwayS: 1, rangesMaxHeld: 4, drainTimeoutMs: 1000 },
    serverId: 'server',
    newClusterId: () => 'cluster-1',
    log: createLogger({ program: 'test', serverId: 'server', level: 'info', stream }),
    registry: metrics.registry,
  });
  stops.push(metrics.stop, () => void allocation.stop());
  let log = '';
  return {
    allocation,
    left: async () => /^lakh_counter_space_left (\S+)$/m.exec(await metrics.registry.metrics())?.[1],
    log: () => {
      log += String(stream.read() ?? '');
      return log;
    },
    /** Starts, and waits for what a server holds without creates. */
    async holds(ids: number): Promise<void> {
      allocation.start();
      await eventually(() => allocation.snapshot().heldIds === ids);
    },
    take(count: number): number[] {
      return Array.from({ length: count }, () => allocation.codes.next().counter);
    },
  };
}

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
const times = (text: string, part: string): number => text.split(part).length - 1;

test('what is left is told once a mark was read; plenty of it is no warning', async () => {
  const { allocation, holds, left, log } = open(base62());
  expect(await left()).toMatch(/^nan$/i);
  await holds(2 * SIZE);
  expect(await left()).toBe(String(62 ** 7 - 102_000));
  expect(allocation.check()).toEqual({ status: 'ok', detail: '2000 ids held' });
  expect(log()).not.toContain('comes to its end');
});

test.each([
  ['568 million counters before the end of a key', sealedWith(KEY_A), 100_000 + 62 ** 6, 568_000_000],
  ['568 million before 62^7', base62(), 62 ** 7, 568_000_000],
  ['1 % of a smaller space', until(200_000), 200_000, SIZE],
])('degraded and warned of once from %s', async (_, codec, end, little) => {
  const before = open(codec);
  await before.holds(2 * SIZE);
  const client = node.client();
  const { version } = (await client.read()) as { version: unknown };
  await client.write(version, { next: end - little - 2 * SIZE, ledgered: 102_000 });

  const { allocation, holds, take, left, log } = open(codec);
  await holds(2 * SIZE);
  expect(await left()).toBe(String(little));
  expect(allocation.check().status).toBe('ok');
  take(SIZE + 1);
  await eventually(() => allocation.check().status === 'degraded');
  expect(allocation.check().detail).toMatch(/\d+ ids held; \d+ counters are left .*counter_space_ended\.md/);
  await eventually(() => log().includes('the counter space comes to its end'));
  if (little > SIZE) take(SIZE);
  await eventually(() => allocation.snapshot().leasedRanges === (little > SIZE ? 4 : 3));
  expect(times(log(), 'the counter space comes to its end')).toBe(1);
});

test('every counter to the last one is issued once; then a named error, a gauge of 0, and nothing wraps', async () => {
  const { allocation, holds, take, left } = open(until(101_500));
  await holds(1500);
  expect(take(1500)).toEqual(Array.from({ length: 1500 }, (_, i) => 100_000 + i));
  await eventually(() => allocation.snapshot().lastErrorCode === 'counter_space_ended');
  expect(() => allocation.codes.next()).toThrow('the mark is 101500 and counters end at 101500');
  await expect(allocation.codes.nextOrWait()).rejects.toMatchObject({ code: 'counter_space_ended' });
  expect(allocation.check()).toMatchObject({ status: 'down', detail: expect.stringContaining('counter_space_ended') });
  expect(await left()).toBe('0');
});

describe('another server adds a key', () => {
  const withB = (start: number): string =>
    recordOfCodec(sealedWith(KEY_A, `B:ef4359d8d580aa4f7f036d6f04fc6a94:${start}`));

  test('this one issues to its start and says why not further, without key material', async () => {
    const settings = new MemoryFactStore();
    const codec = sealedWith(KEY_A);
    const { allocation, holds, take, left, log } = open(codec, settings);
    await holds(2 * SIZE);
    await settings.replace(CODEC_FACT, recordOfCodec(codec), withB(102_500));
    take(SIZE + 1);
    await eventually(() => allocation.snapshot().leasedRanges === 3);
    expect(await left()).toBe('0');
    expect(take(1499).at(-1)).toBe(102_499);
    await eventually(() => allocation.snapshot().lastErrorCode === 'counter_space_ended');
    expect(() => allocation.codes.next()).toThrow(/codes are of key B \(fingerprint [0-9a-f]{16}\), which this server/);
    expect(times(log(), 'another server has a key that this one lacks')).toBe(1);
    expect(log()).not.toMatch(/2b7e1516|ef4359d8/i);
  });

  test('a record that cannot be read is the lease’s own matter; one that is no record stops leasing', async () => {
    const recordOnce = jest.fn(() => Promise.reject(new StoreUnavailableError('down')));
    const { allocation, holds, take } = open(sealedWith(KEY_A), { recordOnce });
    await holds(2 * SIZE);
    expect(recordOnce).toHaveBeenCalledTimes(2);
    recordOnce.mockImplementation(() => Promise.resolve('{}') as Promise<never>);
    take(SIZE + 1);
    await eventually(() => allocation.snapshot().lastErrorCode !== null);
    expect(allocation.snapshot().leasedRanges).toBe(2);
  });

  test('codecs without keys ask nothing', async () => {
    const recordOnce = jest.fn();
    await open(base62(), { recordOnce }).holds(2 * SIZE);
    expect(recordOnce).not.toHaveBeenCalled();
  });
});
