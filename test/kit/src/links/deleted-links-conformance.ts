import { randomBytes } from 'node:crypto';
import { bucketOf, type LinkStore, type NewLink } from '@lakh/links';
import { FULL_DETAILS, FULL_TERMS, recordAs, type SampleLinks, storedAs, tombstoneOf } from './sample-links.js';

const DELETED_MS = 1_790_000_000_000;
const LATER_MS = DELETED_MS + 1;

/** How deleted links of every LinkStore come back, and how not: a part of `describeLinkStore`. */
export function describeDeleted(
  sample: SampleLinks,
  harness: () => { readonly store: LinkStore; another(): Promise<LinkStore> },
): void {
  const insertId = () => randomBytes(16).toString('hex').toUpperCase();
  const FULL = { terms: FULL_TERMS, details: FULL_DETAILS, owner: 'ci', redirectStatus: 307 } as const;

  /** Inserted, and deleted: kept, unless `keptAtMs` is null. */
  async function deleted(link: NewLink, keptAtMs: number | null = DELETED_MS): Promise<NewLink> {
    const { store } = harness();
    await store.insert(link);
    const removed = await store.remove(0, link.code, undefined, keptAtMs ?? undefined);
    expect(removed).toEqual({ outcome: 'removed', tombstone: tombstoneOf(link) });
    return link;
  }

  function inOneBucket(count: number): readonly NewLink[] {
    const links = [sample.generated()];
    const bucket = bucketOf(0, links[0]!.code);
    while (links.length < count) {
      const link = sample.generated();
      if (bucketOf(0, link.code) === bucket) links.push(link);
    }
    return links;
  }

  describe('restores', () => {
    test('a link as it was, once, as the next version', async () => {
      const { store } = harness();
      for (const link of [sample.generated(FULL), sample.alias({ expiresAtMs: 1_999_999_999_001 })]) {
        await deleted(link);
        const keptSinceMs = DELETED_MS;
        const { kind, owner } = link;
        expect(await store.deleted.read(0, link.code)).toEqual({
          ...{ tombstone: tombstoneOf(link), kind, owner, keptSinceMs },
        });
        expect(await store.read(0, link.code)).toEqual(tombstoneOf(link));
        const restored = recordAs(link, 3);
        const again = { ...tombstoneOf(link), version: 2 };
        expect(await store.deleted.restore(again, DELETED_MS)).toEqual({ outcome: 'restored', link: restored });
        expect(await store.read(0, link.code)).toEqual(restored);
        expect(await store.find(0, link.code, { fresh: true })).toEqual(storedAs(link, 3));
        expect(await store.deleted.restore(again, DELETED_MS)).toEqual({ outcome: 'changed' });
        expect(await store.deleted.read(0, link.code)).toBeUndefined();
        expect(await store.insert(link)).toEqual({ outcome: 'inserted', link: restored });
      }
    });

    test('again after another deletion, and as it was edited in between', async () => {
      const { store } = harness();
      const link = await deleted(sample.generated(FULL));
      await store.deleted.restore(tombstoneOf(link), 0);
      await store.edit(0, link.code, { longUrl: 'https://example.com/edited', details: { title: 'B' } });
      await store.remove(0, link.code, undefined, LATER_MS);
      const tombstone = tombstoneOf(link, 5);
      expect(await store.deleted.read(0, link.code)).toMatchObject({ tombstone, keptSinceMs: LATER_MS });
      expect(await store.deleted.restore(tombstone, LATER_MS)).toMatchObject({
        outcome: 'restored',
        link: { version: 6, longUrl: 'https://example.com/edited', details: { ...FULL_DETAILS, title: 'B' } },
      });
    });

    test('nothing that was kept for too long, was never kept or was erased', async () => {
      const { store } = harness();
      const old = await deleted(sample.generated());
      const never = await deleted(sample.generated(), null);
      const erased = await deleted(sample.generated());
      await store.deleted.erase({ ...tombstoneOf(erased), version: 1 });
      expect(await store.deleted.read(0, erased.code)).toMatchObject({ keptSinceMs: DELETED_MS });
      await store.deleted.erase(tombstoneOf(erased));
      for (const [link, sinceMs] of [
        [old, LATER_MS],
        [never, 0],
        [erased, 0],
      ] as const) {
        expect(await store.deleted.restore(tombstoneOf(link), sinceMs)).toEqual({ outcome: 'forgotten' });
        expect(await store.find(0, link.code, { fresh: true })).toEqual(tombstoneOf(link));
      }
      expect(await store.deleted.read(0, never.code)).toMatchObject({ keptSinceMs: undefined, kind: 'generated' });
    });

    test('nothing of another version, nor where there is none', async () => {
      const { store } = harness();
      const link = await deleted(sample.generated());
      const live = sample.generated();
      await store.insert(live);
      for (const wrong of [
        { ...tombstoneOf(link), version: 1 },
        { ...tombstoneOf(link), version: 3 },
        { ...tombstoneOf(link), domainId: 2 },
        { ...tombstoneOf(live), version: 1 },
        tombstoneOf({ domainId: 0, code: 'neverDeleted' }),
      ]) {
        expect(await store.deleted.restore(wrong, 0)).toEqual({ outcome: 'changed' });
      }
      expect(await store.deleted.read(0, live.code)).toBeUndefined();
      expect(await store.deleted.read(0, 'neverDeleted')).toBeUndefined();
      expect(await store.find(0, link.code)).toEqual(tombstoneOf(link));
    });

    test('by several callers at once: one restored it', async () => {
      const link = await deleted(sample.generated());
      const stores = [harness().store, await harness().another()];
      const asked = Array.from({ length: 10 }, (_, i) => stores[i % 2]!.deleted.restore(tombstoneOf(link), 0));
      const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome).sort();
      expect(outcomes).toEqual([...Array(9).fill('changed'), 'restored']);
      expect(await harness().store.find(0, link.code, { fresh: true })).toEqual(storedAs(link, 3));
    });

    test('and forgets what is kept, the oldest first, and nothing else', async () => {
      const { store } = harness();
      while ((await store.deleted.forget(LATER_MS, 2)) === 2);
      // Of one bucket: what lies on several shards is forgotten shard after shard.
      const links = inOneBucket(3);
      for (const [i, link] of links.entries()) await deleted(link, DELETED_MS - 2 + i);
      expect(await store.deleted.forget(DELETED_MS - 2, 9)).toBe(0);
      expect(await store.deleted.forget(LATER_MS, 2)).toBe(2);
      expect(await store.deleted.restore(tombstoneOf(links[0]!), 0)).toEqual({ outcome: 'forgotten' });
      expect(await store.deleted.restore(tombstoneOf(links[2]!), 0)).toMatchObject({ outcome: 'restored' });
      expect(await store.deleted.forget(LATER_MS, 9)).toBe(0);
    });
  });

  describe('revives a deleted alias', () => {
    test('for its owner, as what is asked for now: a change of its row, which is the new insert’s own', async () => {
      const { store } = harness();
      const was = await deleted(sample.alias({ ...FULL, expiresAtMs: 1_999_999_999_001 }), null);
      const claim = sample.alias({ code: was.code, owner: 'ci', createdAtMs: 1_795_000_000_000 });
      const revived = recordAs(claim, 3);
      expect(await store.insert(claim)).toEqual({ outcome: 'taken', link: tombstoneOf(was) });
      expect(await store.deleted.revive(claim, 0)).toEqual({ outcome: 'revived', link: revived });
      expect(await store.read(0, was.code)).toEqual(revived);
      expect(await store.insert(claim)).toEqual({ outcome: 'inserted', link: revived });
      expect(await store.insert(was)).toEqual({ outcome: 'taken', link: revived });
      expect(await store.deleted.revive({ ...claim, insertId: insertId() }, 0)).toEqual({
        outcome: 'taken',
        link: revived,
      });
      expect(await store.click({ ...claim, version: 3 }, 1, true)).toBe('counted');
    });

    test('not while it can be restored, and with nothing left of that afterwards', async () => {
      const { store } = harness();
      const was = await deleted(sample.alias(FULL));
      const claim = sample.alias({ code: was.code, owner: 'ci' });
      expect(await store.deleted.revive(claim, DELETED_MS)).toEqual({ outcome: 'kept', deletedAtMs: DELETED_MS });
      expect(await store.deleted.revive(claim, LATER_MS)).toMatchObject({ outcome: 'revived' });
      await store.remove(0, was.code);
      expect(await store.deleted.restore(tombstoneOf(was, 4), 0)).toEqual({ outcome: 'forgotten' });
    });

    test('never for another owner, nor where a code was generated', async () => {
      const { store } = harness();
      const alias = await deleted(sample.alias({ owner: 'ci' }), null);
      const generated = await deleted(sample.generated({ owner: 'ci' }), null);
      for (const [was, owner] of [
        [alias, 'another'],
        [alias, ''],
        [alias, 'CI'],
        [generated, 'ci'],
      ] as const) {
        const claim = sample.alias({ code: was.code, owner });
        expect(await store.deleted.revive(claim, 0)).toEqual({ outcome: 'taken', link: tombstoneOf(was) });
        expect(await store.find(0, was.code)).toEqual(tombstoneOf(was));
      }
    });

    test('for several callers at once: one has it', async () => {
      const was = await deleted(sample.alias({ owner: 'ci' }), null);
      const stores = [harness().store, await harness().another()];
      const claims = Array.from({ length: 10 }, () => sample.alias({ code: was.code, owner: 'ci' }));
      const outcomes = await Promise.all(claims.map((claim, i) => stores[i % 2]!.deleted.revive(claim, 0)));
      const winner = outcomes.findIndex(({ outcome }) => outcome === 'revived');
      expect(outcomes.filter(({ outcome }) => outcome === 'revived')).toHaveLength(1);
      expect(await harness().store.read(0, was.code)).toEqual(recordAs(claims[winner]!, 3));
    });
  });
}
