import { StoreUnavailableError } from '@lakh/links';
import { base62, CODEC_FACT, type Codec, createCodec, parseSealedKeys, recordOfCodec } from '@lakh/short-code';
import { SIZE, System } from './support.js';

/** The end of the counter space: warned of, then said, never passed. */
const KEY_A = 'A:2b7e151628aed2a6abf7158809cf4f3c:100000';
const sealedWith = (...keys: string[]): Codec =>
  createCodec({ codec: 'sealed', keys: parseSealedKeys(keys.join(' ')) });
/** base62 over a space that is small, or begins late: of 100,000 counters 1 % is one range. */
const until = (endCounter: number): Codec => ({ ...base62(), capacity: { firstCounter: 100_000, endCounter } });

let system: System;
beforeEach(() => {
  system = new System();
});
afterEach(() => system.dispose());

const SPACE_LEFT = 'lakh_ids_unleased';
const ENDING = 'the counter space comes to its end';
const times = (text: string, part: string): number => text.split(part).length - 1;
/** Longer than it takes to notice a burst and to wait with jitter. */
const aMoment = () => system.time.advance(3_000);

test('what is left is told once a mark was read; plenty of it is no warning', async () => {
  const { issuing, start, metric, log } = system.server();
  expect(await metric(SPACE_LEFT)).toBeNaN();
  await start();
  expect(await metric(SPACE_LEFT)).toBe(62 ** 7 - 102_000);
  expect(issuing.health()).toEqual({ status: 'ok', detail: '2000 ids held' });
  expect(log()).not.toContain(ENDING);
});

test.each([
  ['568 million counters before the end of a key', sealedWith(KEY_A), 100_000 + 62 ** 6, 568_000_000],
  ['568 million before 62^7', base62(), 62 ** 7, 568_000_000],
  ['1 % of a smaller space', until(200_000), 200_000, SIZE],
])('degraded and warned of once from %s', async (_, codec, end, little) => {
  await system.server({ codec }).start();
  const client = system.node.client();
  const { version } = (await client.read()) as { version: unknown };
  // Everything but a little is another server's, on record with both witnesses.
  const next = end - little - 2 * SIZE;
  await client.write(version, { next, ledgered: next });
  const holder = { serverId: 'other', host: 'other', processStartMs: 0, codec: codec.name };
  const range = { start: 102_000, end: next };
  await system.ledger.client().record({ range, holder, leasedAtMs: 0, witnessVersion: 0 });

  const { issuing, start, take, metric, log } = system.server({ codec });
  await start();
  expect(await metric(SPACE_LEFT)).toBe(little);
  expect(issuing.health().status).toBe('ok');
  expect(log()).not.toContain(ENDING);
  await take(SIZE + 1);
  await aMoment();
  expect(issuing.health().status).toBe('degraded');
  expect(issuing.health().detail).toMatch(/^\d+ ids held; \d+ counters are left .*counter_space_ended\.md$/);
  if (little > SIZE) await take(SIZE);
  await aMoment();
  expect(issuing.figures().leasedRanges).toBe(little > SIZE ? 4 : 3);
  expect(times(log(), ENDING)).toBe(1);
});

test('every counter to the last one is issued once; then a named error, a gauge of 0, and nothing wraps', async () => {
  const { issuing, start, take, metric } = system.server({ codec: until(101_500) });
  await start();
  expect(issuing.figures().heldIds).toBe(1500);
  expect(await take(1500)).toEqual(Array.from({ length: 1500 }, (_, i) => 100_000 + i));
  await aMoment();
  expect(issuing.figures().lastErrorCode).toBe('counter_space_ended');
  const next = issuing.codes.nextOrWait();
  await expect(next).rejects.toMatchObject({ code: 'counter_space_ended' });
  await expect(next).rejects.toThrow('the mark is 101500 and counters end at 101500');
  expect(issuing.health()).toMatchObject({ status: 'down', detail: expect.stringContaining('counter_space_ended') });
  expect(await metric(SPACE_LEFT)).toBe(0);
});

describe('another server adds a key', () => {
  const withB = (start: number): string =>
    recordOfCodec(sealedWith(KEY_A, `B:ef4359d8d580aa4f7f036d6f04fc6a94:${start}`));

  test('this one issues to its start and says why not further, without key material', async () => {
    const codec = sealedWith(KEY_A);
    const { issuing, start, take, metric, log } = system.server({ codec });
    await start();
    await system.facts.replace(CODEC_FACT, recordOfCodec(codec), withB(102_500));
    await take(SIZE + 1);
    await aMoment();
    expect(issuing.figures().leasedRanges).toBe(3);
    expect(await metric(SPACE_LEFT)).toBe(0);
    expect((await take(1499)).at(-1)).toBe(102_499);
    await aMoment();
    await expect(issuing.codes.nextOrWait()).rejects.toThrow(
      /codes are of key B \(fingerprint [0-9a-f]{16}\), which this server/,
    );
    expect(times(log(), 'another server has a key that this one lacks')).toBe(1);
    expect(log()).not.toMatch(/2b7e1516|ef4359d8/i);
  });

  test('and starts with it; this one claims no remainder beyond its start', async () => {
    const codec = sealedWith(KEY_A);
    const first = system.server({ codec });
    await first.start();
    await system.facts.replace(CODEC_FACT, recordOfCodec(codec), withB(102_500));
    const other = system.server({ codec: sealedWith(KEY_A, `B:ef4359d8d580aa4f7f036d6f04fc6a94:102500`) });
    await other.start();
    await other.issuing.stop();
    expect(system.node.released).toEqual(['102000-103000', '103000-104000']);
    await first.take(SIZE + 1);
    await aMoment();
    expect(first.issuing.figures()).toMatchObject({ leasedRanges: 2, lastErrorCode: 'counter_space_ended' });
    expect(system.node.released).toEqual(['102000-103000', '103000-104000']);
  });

  test('a record that cannot be read is the lease’s own matter; one that is no record stops leasing', async () => {
    const recordOnce = jest.fn((name: string, value: string) => system.facts.recordOnce(name, value));
    const { issuing, take } = system.server({
      codec: sealedWith(KEY_A),
      facts: { ...system.facts, recordOnce },
    });
    await issuing.start();
    recordOnce.mockClear();
    recordOnce.mockImplementation(() => Promise.reject(new StoreUnavailableError('down')));
    await aMoment();
    expect(issuing.figures().heldIds).toBe(2 * SIZE);
    expect(recordOnce).toHaveBeenCalledTimes(2);
    recordOnce.mockImplementation(() => Promise.resolve('{}') as Promise<never>);
    await take(SIZE + 1);
    await aMoment();
    expect(issuing.figures()).toMatchObject({ leasedRanges: 2, lastErrorCode: 'unexpected' });
  });

  test('codecs without keys ask nothing once they have started', async () => {
    const recordOnce = jest.fn((name: string, value: string) => system.facts.recordOnce(name, value));
    const { issuing } = system.server({ facts: { ...system.facts, recordOnce } });
    await issuing.start();
    recordOnce.mockClear();
    await aMoment();
    expect(issuing.figures().heldIds).toBe(2 * SIZE);
    expect(recordOnce).not.toHaveBeenCalled();
  });
});
