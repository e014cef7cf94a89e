import { randomBytes } from 'node:crypto';
import { type EditReceipt, IDEMPOTENCY_KEY_KEPT_MS, type LinkRecord, type LinkStore, type NewLink } from '@lakh/links';
import { AWKWARD_URLS, FULL_DETAILS, FULL_TERMS, recordAs, type SampleLinks, tombstoneOf } from './sample-links.js';

const OTHER_URL = 'https://example.com/other';

/** Edits, and deletes of a given version, of every LinkStore: a part of `describeLinkStore`. */
export function describeEdits(
  sample: SampleLinks,
  harness: () => { readonly store: LinkStore; another(): Promise<LinkStore> },
): void {
  describe('edits', () => {
    async function inserted(link: NewLink = sample.generated()): Promise<LinkRecord> {
      await harness().store.insert(link);
      return recordAs(link);
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
        expect(await store.read(0, link.code)).toEqual(edited);
        link = edited;
      }
    });

    test('terms and details field by field, and takes them away', async () => {
      const { store } = harness();
      let link = await inserted(sample.generated({ owner: 'ci' }));
      for (const [changes, terms, details] of [
        [{ terms: { maxClicks: 3 } }, { maxClicks: 3 }, null],
        [{ terms: { notBeforeMs: 7 }, details: { title: 'A' } }, { notBeforeMs: 7, maxClicks: 3 }, { title: 'A' }],
        [{ terms: FULL_TERMS, details: FULL_DETAILS }, FULL_TERMS, FULL_DETAILS],
        [{ details: { title: null, note: 'ü' } }, FULL_TERMS, { ...FULL_DETAILS, title: undefined, note: 'ü' }],
        [{ terms: nothingOf(FULL_TERMS), details: nothingOf(FULL_DETAILS) }, null, null],
      ] as const) {
        const edited = { ...link, terms, details, version: link.version + 1 };
        expect(await store.edit(0, link.code, changes)).toEqual({ outcome: 'edited', link: edited });
        expect(await store.read(0, link.code)).toEqual(edited);
        expect(await store.edit(0, link.code, changes)).toMatchObject({ outcome: 'unchanged' });
        link = edited as typeof link;
      }
      expect(link.owner).toBe('ci');
    });

    test('nothing that does not go with what the link has', async () => {
      const { store } = harness();
      const link = await inserted(sample.generated({ expiresAtMs: 1_999_999_999_999 }));
      const late = await store.edit(0, link.code, { terms: { notBeforeMs: 1_999_999_999_999 } });
      expect(late).toMatchObject({ outcome: 'invalid', link, problems: [{ field: 'not_before' }] });
      const early = await store.edit(0, link.code, { terms: { notBeforeMs: 1_999_999_999_998 } });
      expect(early).toMatchObject({ outcome: 'edited' });
      expect(await store.edit(0, link.code, { expiresAtMs: 5 })).toMatchObject({ outcome: 'invalid' });
      expect(await store.read(0, link.code)).toMatchObject({ version: 2, expiresAtMs: 1_999_999_999_999 });
    });

    test.each(AWKWARD_URLS.map((url, index) => [index, url] as const))('to awkward URL %i', async (_, longUrl) => {
      const { code } = await inserted(sample.alias());
      await harness().store.edit(0, code, { longUrl });
      expect(await harness().store.read(0, code)).toMatchObject({ longUrl, version: 2 });
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
      expect(await store.read(0, link.code)).toEqual(link);
    });

    test('are none where a click is counted, of which there are as many as may be, however many come at once', async () => {
      const link = await inserted();
      const stores = [harness().store, await harness().another()];
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => stores[i % 2]!.click(link, 7, true)));
      expect(outcomes.filter((outcome) => outcome === 'counted')).toHaveLength(7);
      expect(outcomes.filter((outcome) => outcome === 'spent')).toHaveLength(13);
      const { store } = harness();
      expect(await store.read(0, link.code)).toEqual(link);
      expect([await store.click(link, 7, false), await store.click(link, 8, false)]).toEqual(['spent', 'counted']);
      expect([await store.click(link, 8, true), await store.click(link, 8, true)]).toEqual(['counted', 'spent']);
      await store.edit(0, link.code, { longUrl: OTHER_URL });
      expect(await store.click(link, 99, true)).toBe('changed');
      expect(await store.click({ ...link, version: 2 }, 8, true)).toBe('spent');
      expect(await store.click({ ...link, version: 2 }, 9, true)).toBe('counted');
      await store.remove(0, link.code);
      expect(await store.click({ ...link, version: 3 }, 99, true)).toBe('changed');
      expect(await store.click({ domainId: 0, code: 'neverHere', version: 1 }, 9, true)).toBe('changed');
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
      expect(await store.remove(0, link.code, [1])).toMatchObject({ outcome: 'conflict', link: { version: 2 } });
      expect(await store.read(0, link.code)).toEqual(edited);
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
      expect(await store.read(0, link.code)).toEqual(tombstone);
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
      expect(last).toMatchObject({ link: await harness().store.read(0, code) });
    });

    test('by several callers at once that all know the same version: one wins', async () => {
      const { code } = await inserted();
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, i) => harness().store.edit(0, code, { longUrl: `${OTHER_URL}/${i}` }, [1])),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'edited')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(9);
    });

    describe('with a receipt', () => {
      const AT_MS = 1_790_000_000_000;
      function receipt(changes: Partial<EditReceipt> = {}): EditReceipt {
        return { keyHash: randomBytes(32).toString('hex'), requestHash: 'b'.repeat(64), atMs: AT_MS, ...changes };
      }

      test('are made once, also by another process, whatever became of the link since', async () => {
        const { store } = harness();
        const link = await inserted();
        const [own, edited] = [receipt(), { ...link, longUrl: OTHER_URL, version: 2 }];
        expect(await store.edit(0, link.code, { longUrl: OTHER_URL }, [1], own)).toEqual({
          outcome: 'edited',
          link: edited,
        });
        const another = await harness().another();
        expect(await another.edit(0, link.code, { longUrl: OTHER_URL }, [1], own)).toEqual({
          outcome: 'repeated',
          link: edited,
        });
        const later = { ...edited, redirectStatus: 307 as const, version: 3 };
        await another.edit(0, link.code, { redirectStatus: 307 }, undefined, receipt());
        await another.edit(0, link.code, { longUrl: link.longUrl });
        expect(await another.edit(0, link.code, { longUrl: OTHER_URL }, undefined, own)).toEqual({
          outcome: 'repeated',
          link: { ...later, longUrl: link.longUrl, version: 4 },
        });
      });

      test('are refused where the receipt is of another edit', async () => {
        const { store } = harness();
        const link = await inserted();
        const own = receipt();
        expect(await store.edit(0, link.code, {}, undefined, own)).toEqual({ outcome: 'unchanged', link });
        const other = { ...own, requestHash: 'c'.repeat(64) };
        expect(await store.edit(0, link.code, { longUrl: OTHER_URL }, undefined, other)).toEqual({
          outcome: 'reused',
          link,
        });
        const beside = await inserted();
        expect(await store.edit(0, beside.code, { longUrl: OTHER_URL }, undefined, other)).toMatchObject({
          outcome: 'edited',
        });
      });

      test('leave none where nothing was made, nor where a link was deleted', async () => {
        const { store } = harness();
        const { code } = await inserted();
        const own = receipt();
        expect(await store.edit(0, 'neverHere', {}, undefined, own)).toEqual({ outcome: 'missing' });
        expect(await store.edit(0, code, { longUrl: OTHER_URL }, [7], own)).toMatchObject({ outcome: 'conflict' });
        expect(await store.edit(0, code, { longUrl: OTHER_URL }, [1], own)).toMatchObject({ outcome: 'edited' });
        await store.remove(0, code);
        expect(await store.edit(0, code, { longUrl: OTHER_URL }, [1], own)).toMatchObject({ outcome: 'deleted' });
      });

      test('are made again once the receipt is a day old, and forget it in pieces', async () => {
        const { store } = harness();
        const { code } = await inserted();
        const own = receipt();
        await store.edit(0, code, { redirectStatus: 307 }, undefined, own);
        const nearly = { ...own, atMs: AT_MS + IDEMPOTENCY_KEY_KEPT_MS - 1 };
        expect(await store.edit(0, code, { redirectStatus: 308 }, undefined, nearly)).toMatchObject({
          outcome: 'repeated',
        });
        const late = { ...own, requestHash: 'c'.repeat(64), atMs: AT_MS + IDEMPOTENCY_KEY_KEPT_MS };
        expect(await store.edit(0, code, { redirectStatus: 308 }, undefined, late)).toMatchObject({
          outcome: 'edited',
        });
        while ((await store.forgetReceipts(late.atMs, 2)) === 2);
        expect(await store.forgetReceipts(late.atMs, 2)).toBe(0);
        expect(await store.edit(0, code, { redirectStatus: 308 }, undefined, late)).toMatchObject({
          outcome: 'repeated',
        });
        expect(await store.forgetReceipts(late.atMs + 1, 1)).toBe(1);
        // Of a suite before this one, on the same database, too.
        while ((await store.forgetReceipts(late.atMs + 1, 2)) === 2);
        expect(await store.edit(0, code, { redirectStatus: 308 }, undefined, late)).toMatchObject({
          outcome: 'unchanged',
        });
      });

      test('by several callers at once: one makes it', async () => {
        const { code } = await inserted();
        const stores = [harness().store, await harness().another()];
        const own = receipt();
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, (_, i) => stores[i % 2]!.edit(0, code, { longUrl: OTHER_URL }, [1], own)),
        );
        expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['edited', ...Array(9).fill('repeated')]);
      });
    });
  });
}

function nothingOf<T extends object>(fields: T): { readonly [K in keyof T]: null } {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, null])) as { readonly [K in keyof T]: null };
}
