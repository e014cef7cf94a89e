import type { Link, LinkStore, NewLink } from '@lakh/links';
import { AWKWARD_URLS, type SampleLinks, storedAs, tombstoneOf } from './sample-links.js';

const OTHER_URL = 'https://example.com/other';

/** Edits, and deletes of a given version, of every LinkStore: a part of `describeLinkStore`. */
export function describeEdits(
  sample: SampleLinks,
  harness: () => { readonly store: LinkStore; another(): Promise<LinkStore> },
): void {
  describe('edits', () => {
    async function inserted(link: NewLink = sample.generated()): Promise<Link> {
      await harness().store.insert(link);
      return storedAs(link);
    }

    test('each field by itself, and raises the version by one each time', async () => {
      const { store } = harness();
      let link = await inserted(sample.generated({ expiresAtMs: 1_999_999_999_999 }));
      const edits = [
        { longUrl: OTHER_URL },
        { redirectStatus: 307 },
        { expiresAtMs: null },
        { expiresAtMs: 1_999_999_999_001 },
      ] as const;
      for (const changes of [
        ...edits,
        { redirectStatus: null },
        { longUrl: AWKWARD_URLS[0]!, redirectStatus: 308 as const },
      ]) {
        const edited = { ...link, ...changes, version: link.version + 1 };
        expect(await store.edit(0, link.code, changes)).toEqual({ outcome: 'edited', link: edited });
        expect(await store.find(0, link.code, { fresh: true })).toEqual(edited);
        link = edited;
      }
    });

    test.each(AWKWARD_URLS.map((url, index) => [index, url] as const))('to awkward URL %i', async (_, longUrl) => {
      const { code } = await inserted(sample.alias());
      await harness().store.edit(0, code, { longUrl });
      expect(await harness().store.find(0, code, { fresh: true })).toMatchObject({ longUrl, version: 2 });
    });

    test('nothing, where the link is like that already', async () => {
      const { store } = harness();
      const link = await inserted(sample.generated({ redirectStatus: 302 }));
      for (const changes of [
        {},
        { longUrl: link.longUrl },
        { longUrl: link.longUrl, expiresAtMs: null, redirectStatus: 302 as const },
      ]) {
        expect(await store.edit(0, link.code, changes)).toEqual({ outcome: 'unchanged', link });
      }
      expect(await store.find(0, link.code, { fresh: true })).toEqual(link);
    });

    test('only a link of a version that was asked for', async () => {
      const { store } = harness();
      const link = await inserted();
      expect(await store.edit(0, link.code, { longUrl: OTHER_URL }, [2])).toEqual({ outcome: 'conflict', link });
      expect(await store.edit(0, link.code, { longUrl: OTHER_URL }, [])).toEqual({ outcome: 'conflict', link });
      const edited = { ...link, longUrl: OTHER_URL, version: 2 };
      expect(await store.edit(0, link.code, { longUrl: OTHER_URL }, [7, 1])).toEqual({
        outcome: 'edited',
        link: edited,
      });
      expect(await store.edit(0, link.code, { longUrl: OTHER_URL }, [1])).toEqual({
        outcome: 'conflict',
        link: edited,
      });
      expect(await store.remove(0, link.code, [1])).toEqual({ outcome: 'conflict', link: edited });
      expect(await store.find(0, link.code, { fresh: true })).toEqual(edited);
      expect(await store.remove(0, link.code, [2])).toMatchObject({ outcome: 'removed', tombstone: { version: 3 } });
      expect(await store.remove(0, link.code, [2])).toMatchObject({
        outcome: 'already-removed',
        tombstone: { version: 3 },
      });
    });

    test('nothing that was deleted, or is not there', async () => {
      const { store } = harness();
      const link = sample.generated();
      await inserted(link);
      await store.remove(0, link.code);
      const tombstone = tombstoneOf(link);
      expect(await store.edit(0, link.code, { longUrl: OTHER_URL })).toEqual({ outcome: 'deleted', tombstone });
      expect(await store.edit(0, link.code, { longUrl: OTHER_URL }, [1])).toEqual({ outcome: 'deleted', tombstone });
      expect(await store.find(0, link.code, { fresh: true })).toEqual(tombstone);
      for (const code of ['neverHere', '', 'x'.repeat(65), 'ü']) {
        expect(await store.edit(0, code, { longUrl: OTHER_URL })).toEqual({ outcome: 'missing' });
      }
      expect(await store.edit(3, link.code, { longUrl: OTHER_URL })).toEqual({ outcome: 'missing' });
    });

    test('by several callers at once: each is applied, one after another', async () => {
      const { code } = await inserted();
      const stores = [harness().store, await harness().another()];
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) => stores[i % 2]!.edit(0, code, { longUrl: `${OTHER_URL}/${i}` })),
      );
      const versions = outcomes.map((each) => (each.outcome === 'edited' ? each.link.version : each.outcome));
      expect([...versions].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 20 }, (_, i) => i + 2));
      const last = outcomes[versions.indexOf(21)]!;
      expect(last).toMatchObject({ link: await harness().store.find(0, code, { fresh: true }) });
    });

    test('by several callers at once that all know the same version: one wins', async () => {
      const { code } = await inserted();
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, i) => harness().store.edit(0, code, { longUrl: `${OTHER_URL}/${i}` }, [1])),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'edited')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(9);
    });
  });
}
