import { createRyowCookie } from '@lakh/http';
import { StoreUnavailableError } from '@lakh/links';
import { RYOW_KEY, setUp, T0_MS } from './clicks.js';

const given = (key = RYOW_KEY, nowMs = T0_MS) => createRyowCookie(key, false)(nowMs).split(';')[0] as string;
const digits = given().slice(0, 24);
const FORGED = [
  digits,
  `${digits}.`,
  `${digits}.${'A'.repeat(22)}`,
  given(new Uint8Array(32)),
  given(RYOW_KEY, T0_MS - 31_000),
  given(RYOW_KEY, T0_MS + 3_600_000),
  `ryow_until=${T0_MS + 20_000}.${given().slice(-22)}`,
];

/** Nothing of the store is answered until the returned function is called. */
function closeGateOf(store: Awaited<ReturnType<typeof setUp>>['store']): () => void {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  store.gate = () => passed;
  return open;
}

test('who has just written is answered by the primary, past the cache, by the lane’s way and in whatever Cookie header it is sent', async () => {
  const { add, click, reads } = await setUp();
  await add('abc', null);
  await click('abc');
  expect(reads()).toBe(1);
  for (const cookies of [[given()], ['a=1', given()], [given(), 'a=1'], ['b=2', `a=1; ${given()}`, 'c=3']]) {
    const before = reads();
    expect(await click('abc', cookies)).toBe(302);
    expect(reads()).toBe(before + 1);
  }
});

test('who has just deleted a link sees it gone while the cache still has it', async () => {
  const { add, click, store } = await setUp();
  await add('abc', null);
  await click('abc');
  await store.remove(0, 'abc');
  expect(await click('abc')).toBe(302);
  expect(await click('abc', [given()])).toBe('This link was deleted.');
  // And whoever reads it past the cache fills it for all.
  expect(await click('abc')).toBe('This link was deleted.');
});

test.each(FORGED)('a cookie that was not given, %j, gets nobody past the cache', async (cookie) => {
  const { add, click, reads } = await setUp();
  await add('abc', null);
  await click('abc');
  for (let clicks = 0; clicks < 100; clicks += 1) {
    expect(await click('abc', [cookie])).toBe(302);
    expect(await click('abc', Array(50).fill(cookie))).toBe(302);
  }
  expect(reads()).toBe(1);
});

test('a thousand clicks at once with a true cookie are two reads, and no place of anybody else’s', async () => {
  const { add, click, reads, store } = await setUp();
  await add('abc', null);
  const open = closeGateOf(store);
  const clicks = Array.from({ length: 1_000 }, () => click('abc', [given()]));
  const other = click('other-one');
  open();
  expect(new Set(await Promise.all(clicks))).toEqual(new Set([302]));
  expect(await other).toBe('There is no link with this code.');
  expect(reads()).toBe(3);
});

test('while the primary cannot be asked, those with a true cookie are answered as anyone: by the cache', async () => {
  const { add, click, store } = await setUp();
  await add('abc', null);
  await click('abc');
  store.gate = () => Promise.reject(new StoreUnavailableError('the database is away'));
  expect(await click('abc')).toBe(302);
  expect(await click('abc', [given()])).toBe(302);
  await expect(click('other-one', [given()])).rejects.toThrow('the database is away');
  await expect(click('abc.', [given()])).rejects.toThrow('the database is away');
});

test('where no place is left for them, those with a true cookie are answered as anyone: by the cache', async () => {
  const { add, click, reads, store } = await setUp();
  await add('abc', null);
  await click('abc');
  const open = closeGateOf(store);
  const flood = Array.from({ length: 64 }, (_, i) => click(`code${i}`, [given()]));
  const before = reads();
  expect(await click('abc', [given()])).toBe(302);
  expect(reads()).toBe(before);
  open();
  await Promise.all(flood);
});
