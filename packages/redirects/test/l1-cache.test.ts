import type { Link, StoredLink } from '@lakh/links';
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
  terms: null,
  version: 1,
};
const invalidation = { domainId: 0, code: 'Q0u', version: 2 };
/** Of both clocks, and each may be set. */
const clock = { ms: 0, wallAheadMs: 0, monotonicMs: () => clock.ms, nowMs: () => clock.ms + clock.wallAheadMs };
beforeEach(() => {
  clock.ms = 0;
  clock.wallAheadMs = 0;
});
const cache = (maxBytes = 1_000_000) =>
  new L1Cache({ domainId: 0, maxBytes, answerOf: createAnswers({ status: 301, maxAgeS: 90 }), clock });

/** A read that begins at a moment, and finds what may be served for five seconds from then on. */
function beginRead(l1: L1Cache, domainId: number, code: string, nowMs: number) {
  const end = l1.beginRead(domainId, code);
  return (found: StoredLink | undefined) => end(found && { link: found, validUntilMs: nowMs + 5_000 });
}

describe('the L1 cache', () => {
  test('an entry is valid for one TTL from the start of its read, however often it is hit', () => {
    const l1 = cache();
    beginRead(l1, 0, 'Q0u', 1_000)(link);
    for (let nowMs = 1_000; nowMs <= 6_000 - TICK_MS; nowMs += 100) expect(l1.get('/Q0u', nowMs)).toBeDefined();
    expect(l1.get('/Q0u', 6_000 - TICK_MS)).toBeDefined();
    expect(l1.get('/Q0u', 6_000)).toBeUndefined();
  });

  test('an entry redirects until its link expires and is gone from then on, by the wall clock; no browser keeps it past that', () => {
    const l1 = cache();
    clock.ms = 1_000;
    beginRead(l1, 0, 'Q0u', 1_000)({ ...link, expiresAtMs: 4_000 });
    expect(l1.get('/Q0u', 1_000)?.cacheControl).toBe('private, max-age=0');
    clock.ms = 4_000 - TICK_MS;
    expect([l1.get('/Q0u', clock.ms), l1.goneBy('/Q0u', clock.ms)]).toEqual([expect.anything(), undefined]);
    for (const ms of [4_000, 4_000 + TICK_MS, 5_900]) {
      clock.ms = ms;
      expect(l1.get('/Q0u', ms)).toBeUndefined();
    }
    expect(l1.goneBy('/Q0u', clock.ms)).toBe('expiry');
    expect(l1.goneBy('/Q0u', 6_000)).toBeUndefined();
    clock.ms = 1_000;
    beginRead(l1, 0, 'Q0u', 1_000)({ ...link, expiresAtMs: 16_999 });
    expect(l1.get('/Q0u', 1_000)?.cacheControl).toBe('private, max-age=10');
  });

  test('until the very millisecond of its expiry no link is gone', () => {
    for (const expiresAtMs of [4_000, 4_001, 4_008, 4_015]) {
      const l1 = cache();
      beginRead(l1, 0, 'Q0u', 0)({ ...link, expiresAtMs });
      for (clock.ms = expiresAtMs - 40; clock.ms < expiresAtMs; clock.ms += 1) {
        expect(l1.goneBy('/Q0u', clock.ms)).toBeUndefined();
      }
      for (clock.ms = expiresAtMs; clock.ms < expiresAtMs + 40; clock.ms += 1) {
        expect(l1.get('/Q0u', clock.ms)).toBeUndefined();
      }
      clock.ms = expiresAtMs + 2 * TICK_MS;
      expect(l1.goneBy('/Q0u', clock.ms)).toBe('expiry');
    }
  });

  test.each([-50 * 365 * 24, -24, -1, 1, 24, 50 * 365 * 24])(
    'a wall clock that is set by %i hours changes nothing of an age',
    (hours) => {
      const l1 = cache();
      beginRead(l1, 0, 'Q0u', 0)(link);
      beginRead(l1, 0, 'gone', 0)({ state: 'deleted', domainId: 0, code: 'gone', version: 2 });
      clock.wallAheadMs = hours * 3_600_000;
      expect([l1.get('/Q0u', 4_900), l1.goneBy('/Q0u', 4_900)]).toEqual([expect.anything(), undefined]);
      expect([l1.get('/gone', 4_900), l1.goneBy('/gone', 4_900)]).toEqual([undefined, 'delete']);
      for (const path of ['/Q0u', '/gone']) {
        expect([l1.get(path, 5_000), l1.goneBy(path, 5_000)]).toEqual([undefined, undefined]);
      }
    },
  );

  test('whether a link has expired follows the wall clock, whichever way it is set, while the entry lives', () => {
    const l1 = cache();
    beginRead(l1, 0, 'Q0u', 0)({ ...link, expiresAtMs: 3_600_000 });
    const answers = () => [l1.get('/Q0u', 1_000) !== undefined, l1.goneBy('/Q0u', 1_000)];
    expect(answers()).toEqual([true, undefined]);
    clock.wallAheadMs = 3_700_000;
    expect(answers()).toEqual([false, 'expiry']);
    clock.wallAheadMs = 0;
    expect(answers()).toEqual([true, undefined]);
  });

  test('a read that began before an invalidation does not fill the cache after it', () => {
    const l1 = cache();
    const found = beginRead(l1, 0, 'Q0u', 1_000);
    l1.changed(invalidation);
    found(link);
    expect(l1.get('/Q0u', 1_000)).toBeUndefined();
  });

  test('what may be served no more, or never could, is not kept', () => {
    const l1 = cache();
    clock.ms = 1_000;
    for (const validUntilMs of [1_000, 900, Number.NEGATIVE_INFINITY]) {
      l1.beginRead(0, 'Q0u')({ link, validUntilMs });
      expect([l1.get('/Q0u', 0), l1.knows('/Q0u', 0)]).toEqual([undefined, false]);
    }
    l1.beginRead(0, 'Q0u')({ link, validUntilMs: 2_000 });
    expect([l1.get('/Q0u', 1_900), l1.get('/Q0u', 2_000)]).toEqual([expect.anything(), undefined]);
  });

  test('without room nothing is kept', () => {
    const l1 = cache(0);
    beginRead(l1, 0, 'Q0u', 1_000)(link);
    expect(l1.get('/Q0u', 1_000)).toBeUndefined();
    expect([l1.size, l1.bytes]).toEqual([0, 0]);
  });

  test('an invalidation drops the entry, and a read that begins after it fills the cache again', () => {
    const l1 = cache();
    beginRead(l1, 0, 'Q0u', 1_000)(link);
    l1.changed(invalidation);
    expect(l1.get('/Q0u', 1_000)).toBeUndefined();
    beginRead(l1, 0, 'Q0u', 1_000)(link);
    expect(l1.get('/Q0u', 1_000)).toBeDefined();
  });

  test('a stream of invalidations of other codes does not starve a fill', () => {
    const l1 = cache();
    const found = beginRead(l1, 0, 'Q0u', 1_000);
    for (let i = 0; i < 1_000; i++) {
      const other = beginRead(l1, 0, `c${i}`, 1_000);
      l1.changed({ domainId: 0, code: `c${i}`, version: 2 });
      other({ ...link, code: `c${i}` });
    }
    expect(l1.size).toBe(0);
    found(link);
    expect(l1.get('/Q0u', 1_000)).toBeDefined();
  });

  test('of two reads of one code, the one that began before an invalidation is dropped, whichever ends first', () => {
    for (const oldEndsFirst of [true, false]) {
      const l1 = cache();
      const old = beginRead(l1, 0, 'Q0u', 1_000);
      l1.changed(invalidation);
      const young = beginRead(l1, 0, 'Q0u', 1_100);
      const endOld = () => old({ ...link, longUrl: 'https://example.org/old' });
      if (oldEndsFirst) endOld();
      young(link);
      if (!oldEndsFirst) endOld();
      expect(l1.get('/Q0u', 1_100)?.location).toBe(link.longUrl);
      // Nothing is left over of the old one: the next invalidation drops what is read now.
      const next = beginRead(l1, 0, 'Q0u', 1_200);
      l1.changed({ ...invalidation, version: 3 });
      next(link);
      expect(l1.get('/Q0u', 1_200)).toBeUndefined();
    }
  });

  test('an invalidation drops every read of its code that is under way, and the end of one leaves the others their turn', () => {
    const l1 = cache();
    const reads = [1, 2, 3].map(() => beginRead(l1, 0, 'Q0u', 1_000));
    reads[0]?.(undefined);
    expect(l1.get('/Q0u', 1_000)).toBeUndefined();
    reads[1]?.(link);
    expect(l1.get('/Q0u', 1_000)).toBeDefined();
    l1.changed(invalidation);
    reads[2]?.(link);
    expect(l1.get('/Q0u', 1_000)).toBeUndefined();
  });

  test('where changes may have been missed, nothing is kept, nor what reads that are under way will find', () => {
    const l1 = cache();
    beginRead(l1, 0, 'other', 0)({ ...link, code: 'other' });
    const end = beginRead(l1, 0, 'Q0u', 0);
    l1.missed();
    end(link);
    expect([l1.size, l1.get('/Q0u', 0), l1.get('/other', 0)]).toEqual([0, undefined, undefined]);
    beginRead(l1, 0, 'Q0u', 0)(link);
    expect(l1.get('/Q0u', 0)).toBeDefined();
  });

  test('links and invalidations of another domain are none of its business', () => {
    const l1 = cache();
    beginRead(l1, 1, 'Q0u', 1_000)({ ...link, domainId: 1 });
    expect(l1.get('/Q0u', 1_000)).toBeUndefined();
    const found = beginRead(l1, 0, 'Q0u', 1_000);
    l1.changed({ ...invalidation, domainId: 1 });
    found(link);
    l1.changed({ ...invalidation, domainId: 1 });
    expect(l1.get('/Q0u', 1_000)).toBeDefined();
  });

  test('it is bounded in bytes, and what is new has room in it', () => {
    const l1 = cache(10_000);
    for (let i = 0; i < 100; i++) beginRead(l1, 0, `c${i}`, 0)({ ...link, code: `c${i}` });
    expect(l1.bytes).toBeLessThanOrEqual(10_000);
    expect(l1.get('/c99', 0)).toBeDefined();
    expect(l1.get('/c0', 0)).toBeUndefined();
  });

  test('a link’s own status wins over the server’s', () => {
    const l1 = cache();
    beginRead(l1, 0, 'Q0u', 0)({ ...link, redirectStatus: 307 });
    expect(l1.get('/Q0u', 1_000)?.status).toBe(307);
  });
});
