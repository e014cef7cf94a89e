import type { Link } from '@lakh/links';
import { L1Cache } from '../src/l1-cache.js';

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
const cache = (maxBytes = 1_000_000) => new L1Cache({ ttlMs: 5_000, maxBytes, policy: { status: 301, maxAgeS: 90 } });
const cacheControl = (headers: readonly string[] | undefined) =>
  headers?.[(headers.indexOf('Cache-Control') ?? -2) + 1];

describe('the L1 cache', () => {
  test('an entry is valid for one TTL from the start of its read, however often it is hit', () => {
    const l1 = cache();
    l1.beginRead(1_000)(link);
    l1.get('/Q0u');
    expect(l1.get('/Q0u')?.validUntilMs).toBe(6_000);
  });

  test('an entry is never valid past its link’s expiry, nor does a browser keep it past that', () => {
    const l1 = cache();
    l1.beginRead(1_000)({ ...link, expiresAtMs: 4_000 });
    expect(l1.get('/Q0u')?.validUntilMs).toBe(4_000);
    expect(cacheControl(l1.get('/Q0u')?.headers)).toBe('private, max-age=0');
    l1.beginRead(1_000)({ ...link, expiresAtMs: 16_999 });
    expect(cacheControl(l1.get('/Q0u')?.headers)).toBe('private, max-age=10');
  });

  test('a read that began before an invalidation does not fill the cache after it', () => {
    const l1 = cache();
    const found = l1.beginRead(1_000);
    l1.invalidate('Q0u');
    found(link);
    expect(l1.get('/Q0u')).toBeUndefined();
  });

  test('it is bounded in bytes and forgets the least recently used', () => {
    const l1 = cache(10_000);
    for (let i = 0; i < 100; i++) l1.beginRead(0)({ ...link, code: `c${i}` });
    expect(l1.bytes).toBeLessThanOrEqual(10_000);
    expect(l1.get('/c99')).toBeDefined();
    expect(l1.get('/c0')).toBeUndefined();
  });

  test('a link’s own status wins over the server’s', () => {
    const l1 = cache();
    l1.beginRead(0)({ ...link, redirectStatus: 307 });
    expect(l1.get('/Q0u')?.status).toBe(307);
  });
});
