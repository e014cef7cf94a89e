import type { StoredLink } from '@lakh/links';
import { setUp, T0_MS } from './clicks.js';

const HOUR_MS = 3_600_000;

test('a link that has expired is read once in the life of an entry, however often it is clicked; one that was deleted too', async () => {
  const { add, click, reads, clock, redirects, store } = await setUp();
  await add('old', T0_MS - 1);
  await add('deleted', null);
  await store.remove(0, 'deleted');
  for (let clicks = 0; clicks < 11; clicks += 1) {
    expect(await click('old')).toBe('This link has expired.');
    expect(await click('deleted')).toBe('This link was deleted.');
  }
  expect(reads()).toBe(2);
  expect([redirects.l1.hits, redirects.l1.misses]).toEqual([20, 2]);
  clock.ageMs += 5_000;
  await click('old');
  expect(reads()).toBe(3);
});

test('a link whose expiry is changed is followed again as soon as this server hears of it, and within an entry’s life if not', async () => {
  const { add, click, redirects, store, clock } = await setUp();
  await add('late', T0_MS - 1);
  const found = (await store.find(0, 'late')) as StoredLink & { state: 'live' };
  for (const tell of [
    () => redirects.l1.changed({ domainId: 0, code: 'late', version: 9 }),
    () => (clock.ageMs += 5_000),
  ]) {
    store.overwrite({ ...found, expiresAtMs: T0_MS - 1 });
    redirects.l1.changed({ domainId: 0, code: 'late', version: 9 });
    expect(await click('late')).toBe('This link has expired.');
    store.overwrite({ ...found, expiresAtMs: T0_MS + HOUR_MS });
    expect(await click('late')).toBe('This link has expired.');
    tell();
    expect(await click('late')).toBe(302);
  }
});

test('a clock that is set back an hour does not lengthen the life of a deleted link', async () => {
  const { add, click, clock, store } = await setUp();
  await add('abc', null);
  expect(await click('abc')).toBe(302);
  await store.remove(0, 'abc');
  clock.wallMs -= HOUR_MS;
  clock.ageMs = 4_900;
  expect(await click('abc')).toBe(302);
  clock.ageMs = 5_000;
  expect(await click('abc')).toBe('This link was deleted.');
});

test('a clock that is set ahead does not empty the cache', async () => {
  const { add, click, clock, reads } = await setUp();
  await add('abc', null);
  await click('abc');
  clock.wallMs += HOUR_MS;
  expect(await click('abc')).toBe(302);
  expect(reads()).toBe(1);
});

test('a link expires on the wall clock, on hits too', async () => {
  const { add, click, clock, reads } = await setUp();
  await add('abc', T0_MS + HOUR_MS);
  expect(await click('abc')).toBe(302);
  clock.wallMs += HOUR_MS + 100;
  expect(await click('abc')).toBe('This link has expired.');
  expect(reads()).toBe(1);
});

test('a request that no lane answers has asked for the link once: what is gone is read ahead when it was asked for three times, as what is there', async () => {
  const { add, click, clock, redirects, reads, store } = await setUp();
  await add('deleted', null);
  await store.remove(0, 'deleted');
  await click('deleted');
  clock.ageMs = 4_500;
  const later = () => new Promise((resolve) => void setImmediate(resolve));
  for (const expected of [1, 1, 2]) {
    await click('deleted');
    await later();
    expect(reads()).toBe(expected);
  }
  expect([redirects.l1.hits, redirects.l1.misses]).toEqual([3, 1]);
});
