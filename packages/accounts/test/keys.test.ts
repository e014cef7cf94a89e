import { MemoryFactStore } from '@lakh/testkit';
import { createKeys, KeyRing, type Keys } from '../src/index.js';
import { KEY_BOOK_FACT, KEYS_MAX, KeyBook } from '../src/key-book.js';
import { crypto, DAY_MS, T0_MS } from './support.js';

let facts: MemoryFactStore;
let nowMs: number;
let keys: Keys;
let ring: KeyRing;

beforeEach(() => {
  facts = new MemoryFactStore();
  nowMs = T0_MS;
  const clock = { nowMs: () => nowMs };
  keys = createKeys({ facts, clock, crypto });
  ring = new KeyRing({ facts, clock, crypto });
});

/** Whether a text lets anybody in, on a server that has just read the keys. */
async function letsIn(text: string): Promise<boolean> {
  await ring.load();
  return ring.find(text) !== undefined;
}

test('a key lets in whoever has its text, and nobody else', async () => {
  const { key, text } = await keys.create({
    name: 'ci',
    owner: 'web@example.com',
    scopes: ['links:read'],
    reach: 'own',
  });
  expect(text).toMatch(new RegExp(`^lakh_${key.id}_[0-9A-Za-z]{43}$`));
  expect(key).toEqual({
    ...{ id: key.id, name: 'ci', owner: 'web@example.com', scopes: ['links:read'], reach: 'own', createdAtMs: T0_MS },
    ...{ expiresAtMs: null, revokedAtMs: null, isValid: true, lastUsedAtMs: null },
  });
  await ring.load();
  expect(ring.find(text)).toMatchObject({ name: 'ci', owner: 'web@example.com' });
  for (const wrong of [
    '',
    'lakh_',
    `${text}x`,
    text.slice(0, -1),
    text.replace(key.id, key.id.split('').reverse().join('')),
  ]) {
    expect([wrong, ring.find(wrong)]).toEqual([wrong, undefined]);
  }
  expect(ring.find(`lakh_${key.id}_${'0'.repeat(43)}`)).toBeUndefined();
});

test('neither the text nor its secret part is kept', async () => {
  const { text } = await keys.create({ name: 'ci' });
  expect(await facts.read(KEY_BOOK_FACT)).not.toContain(text.split('_')[2]);
});

test('what is not said is the least surprising: its own name as owner, all that concerns links, no end', async () => {
  const { key } = await keys.create({ name: 'ci' });
  expect(key).toMatchObject({ owner: 'ci', reach: 'all', expiresAtMs: null });
  expect(key.scopes).toEqual(['links:create', 'links:read', 'links:write', 'links:delete']);
});

test.each([
  [{ name: '' }, 'name'],
  [{ name: 'a b' }, 'name'],
  [{ name: 'x'.repeat(65) }, 'name'],
  [{ name: undefined }, 'name'],
  [{ name: 'a', owner: 'a:b' }, 'owner'],
  [{ name: 'a', scopes: [] }, 'scopes'],
  [{ name: 'a', scopes: ['links:all'] }, 'scopes'],
  [{ name: 'a', scopes: 'admin' }, 'scopes'],
  [{ name: 'a', reach: 'some' }, 'reach'],
  [{ name: 'a', expiresAt: 'tomorrow' }, 'expires_at'],
  [{ name: 'a', expiresAt: '2001-01-01T00:00:00Z' }, 'expires_at'],
  [{ name: 'a', expiresAt: 5 }, 'expires_at'],
  [{ name: 'a', expiresAt: '2099-02-30T00:00:00Z' }, 'expires_at'],
])('%j is refused', async (request, field) => {
  await expect(keys.create(request)).rejects.toMatchObject({ code: 'invalid_key', problems: [{ field }] });
  expect(await keys.list()).toEqual([]);
});

test('everything that is wrong is said at once', async () => {
  const all = { name: '', owner: '', scopes: 1, reach: 1, expiresAt: 1 };
  await expect(keys.create(all)).rejects.toMatchObject({ problems: { length: 5 } });
});

test('a name is one valid key’s, and free again behind it', async () => {
  await keys.create({ name: 'ci', expiresAt: new Date(T0_MS + DAY_MS).toISOString() });
  await expect(keys.create({ name: 'ci' })).rejects.toMatchObject({ code: 'key_name_taken' });
  nowMs += DAY_MS;
  const { key } = await keys.create({ name: 'ci' });
  await keys.revoke('ci');
  await keys.create({ name: 'ci' });
  await expect(keys.revoke('nobody')).rejects.toMatchObject({ code: 'key_not_found' });
  expect((await keys.list()).filter(({ isValid }) => isValid)).toHaveLength(1);
  expect((await keys.list()).find(({ id }) => id === key.id)).toMatchObject({ revokedAtMs: nowMs, isValid: false });
});

test('a key ends at its end, and when it is revoked; revoking again changes nothing', async () => {
  const { text } = await keys.create({ name: 'short', expiresAt: new Date(T0_MS + 1_000).toISOString() });
  const { text: other, key } = await keys.create({ name: 'other' });
  nowMs += 999;
  expect([await letsIn(text), await letsIn(other)]).toEqual([true, true]);
  nowMs += 1;
  expect([await letsIn(text), await letsIn(other)]).toEqual([false, true]);
  const revoked = await keys.revoke(key.id);
  nowMs += 1;
  expect(await keys.revoke(key.id)).toEqual(revoked);
  expect(await letsIn(other)).toBe(false);
});

test('a rotation leaves the old key for a while, with the same name, owner and scopes, and never longer than it had', async () => {
  const { key, text } = await keys.create({ name: 'ci', owner: 'web', scopes: ['links:read'], reach: 'own' });
  const { key: next, text: second } = await keys.rotate('ci');
  expect(next).toMatchObject({ name: 'ci', owner: 'web', scopes: ['links:read'], reach: 'own', expiresAtMs: null });
  nowMs += DAY_MS - 1;
  expect([await letsIn(text), await letsIn(second)]).toEqual([true, true]);
  // By the name, the one that stays is meant.
  const { text: third } = await keys.rotate('ci', 0);
  expect([await letsIn(text), await letsIn(second), await letsIn(third)]).toEqual([true, false, true]);
  nowMs += 1;
  expect(await letsIn(text)).toBe(false);
  await expect(keys.rotate(key.id)).rejects.toMatchObject({ code: 'key_not_found' });
  const { key: brief } = await keys.create({ name: 'brief', expiresAt: new Date(nowMs + 5_000).toISOString() });
  await keys.rotate(brief.id);
  expect((await keys.list()).find(({ id }) => id === brief.id)?.expiresAtMs).toBe(nowMs + 5_000);
  for (const wrong of [-1, 1.5, '60', 91 * 86_400]) {
    await expect(keys.rotate('ci', wrong)).rejects.toMatchObject({ problems: [{ field: 'overlap_s' }] });
  }
});

test('of a key that ends before the overlap is over, its name means the new one, too', async () => {
  const expiresAt = new Date(T0_MS + 3_600_000).toISOString();
  const { text } = await keys.create({ name: 'ci', expiresAt });
  const { text: second } = await keys.rotate('ci');
  await keys.revoke('ci');
  expect([await letsIn(text), await letsIn(second)]).toEqual([true, false]);
  await keys.revoke('ci');
  expect(await letsIn(text)).toBe(false);
});

test('changes of several people at once are all made, and one name given once', async () => {
  await Promise.all(Array.from({ length: 5 }, (_, i) => keys.create({ name: `key-${i}` })));
  const same = await Promise.allSettled(Array.from({ length: 5 }, () => keys.create({ name: 'same' })));
  expect(same.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await keys.list()).toHaveLength(6);
});

test('who never stops changing keys makes others give up, and not wait for ever', async () => {
  jest.spyOn(facts, 'replace').mockResolvedValue(false);
  await expect(keys.create({ name: 'ci' })).rejects.toMatchObject({ code: 'key_contention', retryAfterS: 1 });
});

test('there is an end to how many keys there are, and old ones make room', async () => {
  const { key } = await keys.create({ name: 'one' });
  await keys.revoke('one');
  const sum = crypto.sumOf('');
  const full = Array.from({ length: KEYS_MAX - 1 }, (_, i) => ({
    ...key,
    id: `${i}`.padStart(12, '0'),
    name: `k${i}`,
    sum,
  }));
  const text = (await facts.read(KEY_BOOK_FACT)) as string;
  const [gone] = KeyBook.parse(text).keys;
  await facts.replace(KEY_BOOK_FACT, text, new KeyBook([...(gone ? [gone] : []), ...full]).toString());
  await expect(keys.create({ name: 'more' })).rejects.toMatchObject({ code: 'too_many_keys' });
  nowMs += 91 * DAY_MS;
  await keys.create({ name: 'more' });
  expect(await keys.list()).toHaveLength(KEYS_MAX);
});

test('a document that is none of ours stops whoever would change it, and leaves a server what it knew', async () => {
  const { text } = await keys.create({ name: 'ci' });
  await ring.load();
  const book = (await facts.read(KEY_BOOK_FACT)) as string;
  for (const wrong of ['nonsense', '{}', 'null', '{"format":2,"keys":[]}', '{"format":1,"keys":[{}]}']) {
    await facts.replace(KEY_BOOK_FACT, (await facts.read(KEY_BOOK_FACT)) as string, wrong);
    await expect(ring.load()).rejects.toMatchObject({ code: 'key_book_invalid' });
    await expect(keys.create({ name: 'other' })).rejects.toMatchObject({ code: 'key_book_invalid' });
    expect(ring.find(text)?.name).toBe('ci');
  }
  await facts.replace(KEY_BOOK_FACT, '{"format":1,"keys":[{}]}', book);
  expect(await ring.load()).toBe(false);
});

test('when a key was last used is known after a while, and of several servers the latest', async () => {
  const { text, key } = await keys.create({ name: 'ci' });
  const other = new KeyRing({ facts, clock: { nowMs: () => nowMs + 500 }, crypto });
  await Promise.all([ring.load(), other.load()]);
  ring.find(text);
  other.find(text);
  ring.find(`lakh_${key.id}_${'0'.repeat(43)}`);
  expect((await keys.list())[0]?.lastUsedAtMs).toBeNull();
  await other.noteUses();
  await ring.noteUses();
  expect((await keys.list())[0]?.lastUsedAtMs).toBe(T0_MS + 500);
  const replace = jest.spyOn(facts, 'replace');
  await ring.noteUses();
  expect(replace).not.toHaveBeenCalled();
  nowMs += 10_000;
  ring.find(text);
  replace.mockRejectedValueOnce(new Error('away'));
  await expect(ring.noteUses()).rejects.toThrow('away');
  await ring.noteUses();
  expect((await keys.list())[0]?.lastUsedAtMs).toBe(T0_MS + 10_000);
});
