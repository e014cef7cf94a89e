import type { LinkCache } from '@lakh/links';
import { AWKWARD_URLS, SampleLinks, storedAs, tombstoneOf } from './sample-links.js';

/** One empty cache for a whole suite: every test uses codes of its own. */
export interface LinkCacheHarness {
  readonly cache: LinkCache;
  dispose(): Promise<void>;
}

/** The behaviour of every LinkCache while it is up, to be passed unchanged by the fake and the real one. */
export function describeLinkCache(name: string, makeHarness: () => Promise<LinkCacheHarness>): void {
  describe(`LinkCache: ${name}`, () => {
    let harness: LinkCacheHarness;
    let cache: LinkCache;
    const sample = new SampleLinks();

    beforeAll(async () => {
      harness = await makeHarness();
      cache = harness.cache;
    });
    afterAll(async () => {
      await harness?.dispose();
    });

    test('is available, and knows nothing at first', async () => {
      expect(cache.available).toBe(true);
      expect(await cache.get(0, 'unknown')).toBeUndefined();
    });

    test('gives back exactly what was put', async () => {
      const links = [
        ...AWKWARD_URLS.map((longUrl) => sample.generated({ longUrl })),
        sample.alias({ expiresAtMs: Date.now() + 3_600_000, redirectStatus: 307 }),
        sample.generated({ counter: 62 ** 7 - 1 }),
        // It is asked for as before, and whether it still redirects is judged then.
        sample.alias({ expiresAtMs: 1 }),
      ].map((link) => storedAs(link));
      expect(await Promise.all(links.map((link) => cache.put(link)))).toEqual(links.map(() => true));
      expect(await Promise.all(links.map((link) => cache.get(0, link.code)))).toEqual(links);
    });

    test('keeps case, near codes and domains apart', async () => {
      const lower = storedAs(sample.generated({ code: 'casey' }));
      const upper = storedAs(sample.generated({ code: 'CASEY' }));
      const abroad = storedAs(sample.generated({ code: 'casey', domainId: 1 }));
      for (const link of [lower, upper, abroad]) await cache.put(link);
      expect(await cache.get(0, 'casey')).toEqual(lower);
      expect(await cache.get(0, 'CASEY')).toEqual(upper);
      expect(await cache.get(1, 'casey')).toEqual(abroad);
      expect(await cache.get(0, 'case')).toBeUndefined();
    });

    test('a newer version replaces an older one, never the other way round', async () => {
      const link = sample.generated();
      const older = storedAs(link, 9);
      const newer = storedAs({ ...link, longUrl: 'https://example.com/edited' }, 10);
      await cache.put(older);
      expect(await cache.put(newer)).toBe(true);
      expect(await cache.get(0, link.code)).toEqual(newer);
      expect(await cache.put(older)).toBe(true);
      expect(await cache.get(0, link.code)).toEqual(newer);
      const newest = storedAs(link, 11);
      expect(await cache.announce(newest)).toBe(true);
      expect(await cache.announce(newer)).toBe(true);
      expect(await cache.get(0, link.code)).toEqual(newest);
    });

    test('a tombstone beats the older live value, before it and after it', async () => {
      const link = sample.generated();
      await cache.put(storedAs(link));
      expect(await cache.announce(tombstoneOf(link))).toBe(true);
      expect(await cache.get(0, link.code)).toEqual(tombstoneOf(link));
      await cache.put(storedAs(link));
      expect(await cache.get(0, link.code)).toEqual(tombstoneOf(link));

      const neverCached = sample.generated();
      await cache.put(tombstoneOf(neverCached));
      await cache.put(storedAs(neverCached));
      expect(await cache.get(0, neverCached.code)).toEqual(tombstoneOf(neverCached));
    });

    test('putting the same version again changes nothing', async () => {
      const link = storedAs(sample.generated());
      expect(await cache.put(link)).toBe(true);
      expect(await cache.put(link)).toBe(true);
      expect(await cache.get(0, link.code)).toEqual(link);
    });

    test('versions that arrive at once in any order leave the highest', async () => {
      const link = sample.generated();
      const versions = Array.from({ length: 40 }, (_, index) => ((index * 27) % 40) + 1);
      await Promise.all(
        versions.map((version) => cache.put(storedAs({ ...link, longUrl: `https://v.example/${version}` }, version))),
      );
      expect(await cache.get(0, link.code)).toEqual(storedAs({ ...link, longUrl: 'https://v.example/40' }, 40));
    });

    test('500 reads at once, known and unknown, each get their own answer', async () => {
      const known = Array.from({ length: 250 }, () => storedAs(sample.generated()));
      await Promise.all(known.map((link) => cache.put(link)));
      const found = await Promise.all(
        known.flatMap((link) => [cache.get(0, link.code), cache.get(0, `${link.code}x`)]),
      );
      expect(found).toEqual(known.flatMap((link) => [link, undefined]));
    });
  });
}
