import type { Link } from '@lakh/links';
import { L1Cache } from '../src/l1-cache.js';
import { createAnswers } from '../src/redirect-response.js';

/** Entries end up to one tick early. */
const TICK_MS = 16;

const link: Link = {
  state: 'live',
  domainId: 0,
  code: 'Q0u',
  kind: 'generated',
  counter: 100_000,
  longUrl: 'https://example.org/',
  createdAtMs: 0,
  expiresAtMs: null,
  redirectStatus: null,
  version: 1,
};
const cache = (maxBytes = 1_000_000) =>
  new L1Cache({ ttlMs: 5_000, maxBytes, answerOf: createAnswers({ status: 301, maxAgeS: 90 }), nowMs: 0 });

describe('the L1 cache', () => {
  test('an entry is valid for one TTL from the start of its read, however often it is hit', () => {
    const l1 = cache();
    l1.beginRead(1_000)(link);
    for (let nowMs = 1_000; nowMs <= 6_000 - TICK_MS; nowMs += 100) expect(l1.get('/Q0u', nowMs)).toBeDefined();
    expect(l1.get('/Q0u', 6_000 - TICK_MS)).toBeDefined();
    expect(l1.get('/Q0u', 6_000)).toBeUndefined();
  });

  test('an entry is never valid past its link’s expiry, nor does a browser keep it past that', () => {
    const l1 = cache();
    l1.beginRead(1_000)({ ...link, expiresAtMs: 4_000 });
    expect(l1.get('/Q0u', 4_000 - TICK_MS)).toBeDefined();
    expect(l1.get('/Q0u', 4_000)).toBeUndefined();
    expect(l1.get('/Q0u', 1_000)?.cacheControl).toBe('private, max-age=0');
    l1.beginRead(1_000)({ ...link, expiresAtMs: 16_999 });
    expect(l1.get('/Q0u', 1_000)?.cacheControl).toBe('private, max-age=10');
  });

  test('a read that began before an invalidation does not fill the cache after it', () => {
    const l1 = cache();
    const found = l1.beginRead(1_000);
    l1.invalidate('Q0u');
    found(link);
    expect(l1.get('/Q0u', 1_000)).toBeUndefined();
  });

  test('without room nothing is kept', () => {
    const l1 = cache(0);
    l1.beginRead(1_000)(link);
    expect(l1.get('/Q0u', 1_000)).toBeUndefined();
    expect([l1.size, l1.bytes]).toEqual([0, 0]);
  });

  test('it is bounded in bytes and forgets the least recently used', () => {
    const l1 = cache(10_000);
    for (let i = 0; i < 100; i++) l1.beginRead(0)({ ...link, code: `c${i}` });
    expect(l1.bytes).toBeLessThanOrEqual(10_000);
    expect(l1.get('/c99', 0)).toBeDefined();
    expect(l1.get('/c0', 0)).toBeUndefined();
  });

  test('a link’s own status wins over the server’s', () => {
    const l1 = cache();
    l1.beginRead(0)({ ...link, redirectStatus: 307 });
    expect(l1.get('/Q0u', 1_000)?.status).toBe(307);
  });
});
