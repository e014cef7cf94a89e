import { describeBusyCodes, until } from '@lakh/testkit';
import { createRedisBusyCodes, Masters, parseRedisUrl } from '../src/index.js';
import { createSeal } from '../src/seal.js';
import { type RunningRedis, SEAL_KEY, startRedis } from './harness.js';

const KEY = 'lakh:busy:0';
let redis: RunningRedis;
let masters: Masters;

beforeAll(async () => {
  redis = await startRedis();
  masters = new Masters({ target: parseRedisUrl(redis.url), deadlineMs: 5_000 });
  await until(() => masters.isWhole, 'redis is asked');
});
afterAll(async () => {
  await masters?.close();
  await redis?.dispose();
});

const send = (...args: string[]) => masters.of(KEY)?.send(args);
const open = (sealKey: Uint8Array | undefined = SEAL_KEY) => createRedisBusyCodes({ masters, sealKey: () => sealKey });

beforeEach(async () => void (await send('FLUSHALL')));

describeBusyCodes('redis', async () => ({ codes: open(), others: open() }));

test('it ends by itself', async () => {
  await open().keep(0, ['a']);
  const livesMs = Number(await send('PTTL', KEY));
  expect(livesMs).toBeGreaterThan(3_000_000);
  expect(livesMs).toBeLessThanOrEqual(3_600_000);
});

const sealed = (body: string, key = KEY) => `1|${createSeal(SEAL_KEY)(`${key}|${body}`)}|${body}`;
const LATER = 4_000_000_000_000;

test('what can be no code of it is left out', async () => {
  await send('SET', KEY, sealed(`${LATER}|a ../b  c ${'d'.repeat(200)}`));
  expect(await open().recall(0)).toEqual(['a', 'c']);
});

test.each([
  ['somebody else’s', `1|${'a'.repeat(22)}|${LATER}|a`],
  ['of another domain', sealed(`${LATER}|a`, 'lakh:busy:1')],
  ['old', sealed('1790000000000|a')],
  ['of another format', sealed(`${LATER}|a`).replace('1|', '2|')],
  ['without an end', sealed('a b')],
  ['gigantic', sealed(`${LATER}|${'a '.repeat(200_000)}`)],
  ['no ASCII', 'й'.repeat(100)],
  ['empty', ''],
])('what is %s is not believed, and gives way', async (_what, text) => {
  await send('SET', KEY, text);
  expect(await open().recall(0)).toEqual([]);
  await open().keep(0, ['b']);
  expect(await open().recall(0)).toEqual(['b']);
});

test('what is no text is told of', async () => {
  await send('LPUSH', KEY, 'a');
  await expect(open().recall(0)).rejects.toThrow('WRONGTYPE');
});

test('without the key of seals, or without a master, nothing is kept and nobody can tell', async () => {
  const unsealed = createRedisBusyCodes({ masters, sealKey: () => undefined });
  await expect(unsealed.keep(0, ['a'])).rejects.toThrow('what is sealed is not known yet');
  await expect(unsealed.recall(0)).rejects.toThrow('what is sealed is not known yet');
  const nowhere = new Masters({ target: parseRedisUrl('redis://127.0.0.1:1') });
  const away = createRedisBusyCodes({ masters: nowhere, sealKey: () => SEAL_KEY });
  await expect(away.recall(0)).rejects.toThrow('lakh:busy:0 has no master');
  await nowhere.close();
});
