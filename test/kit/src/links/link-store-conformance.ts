import {
  type InsertOutcome,
  type LinkStore,
  type NewLink,
  OWNER_MAX_LENGTH,
  type RedirectStatus,
  type StoredRecord,
  TERMS_MAX_LENGTH,
} from '@lakh/links';
import { describeDeleted } from './deleted-links-conformance.js';
import { describeEdits } from './link-edit-conformance.js';
import {
  AWKWARD_DETAILS,
  AWKWARD_URLS,
  FULL_DETAILS,
  FULL_TERMS,
  recordAs,
  SampleLinks,
  storedAs,
  tombstoneOf,
} from './sample-links.js';

/** One store for a whole suite: every test uses codes of its own. */
export interface LinkStoreHarness {
  readonly store: LinkStore;
  /** A second store on the same rows, as another process has it. */
  another(): Promise<LinkStore>;
  dispose(): Promise<void>;
}

const CONCURRENT_INSERTS = 2_000;
const CONCURRENT_FINDS = 500;
const LAST_COUNTER = 62 ** 7 - 1;
const END_OF_YEAR_9999_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The behaviour of every LinkStore, to be passed unchanged by the fake, the embedded and the real one. */
export function describeLinkStore(name: string, makeHarness: () => Promise<LinkStoreHarness>): void {
  describe(`LinkStore: ${name}`, () => {
    let harness: LinkStoreHarness;
    let store: LinkStore;
    const sample = new SampleLinks();

    beforeAll(async () => {
      harness = await makeHarness();
      store = harness.store;
    });
    afterAll(async () => {
      await harness?.dispose();
    });

    async function insertedThenFound(link: NewLink): Promise<void> {
      expect(await store.insert(link)).toEqual({ outcome: 'inserted', link: recordAs(link) });
      expect(await store.read(link.domainId, link.code)).toEqual(recordAs(link));
      expect(await store.find(link.domainId, link.code)).toEqual(storedAs(link));
      expect(await store.find(link.domainId, link.code, { fresh: true })).toEqual(storedAs(link));
      for (const fresh of [false, true]) {
        const sighting = await store.sight(link.domainId, link.code, { fresh });
        expect(sighting?.link).toEqual(storedAs(link));
        expect(sighting?.lagMs).toBeGreaterThanOrEqual(0);
        expect(sighting?.position?.nonce ?? 'f'.repeat(16)).toMatch(/^[0-9a-f]{16}$/);
      }
    }

    describe('gives back exactly what was inserted', () => {
      test('a generated link and an alias', async () => {
        await insertedThenFound(sample.generated());
        await insertedThenFound(sample.alias());
      });

      test('the last counter, and the longest code', async () => {
        await insertedThenFound(sample.generated({ counter: LAST_COUNTER }));
        await insertedThenFound(sample.alias({ code: 'L'.repeat(64) }));
      });

      test('an expiry to the millisecond, up to the end of the year 9999', async () => {
        await insertedThenFound(sample.generated({ expiresAtMs: 1_790_000_000_001 }));
        await insertedThenFound(sample.generated({ expiresAtMs: END_OF_YEAR_9999_MS }));
      });

      test.each<RedirectStatus>([301, 302, 307, 308])('redirect status %i', async (redirectStatus) => {
        await insertedThenFound(sample.generated({ redirectStatus }));
      });

      test('whose it is, how it is followed and what it is', async () => {
        await insertedThenFound(sample.generated({ owner: 'ci.example_1' }));
        await insertedThenFound(sample.alias({ owner: 'o'.repeat(OWNER_MAX_LENGTH), terms: FULL_TERMS }));
        await insertedThenFound(sample.generated({ details: FULL_DETAILS }));
        await insertedThenFound(sample.generated({ terms: { maxClicks: 1 }, details: AWKWARD_DETAILS }));
        const many = Array.from({ length: 40 }, (_, i) =>
          sample.generated({
            ...(i % 3 === 0 && { terms: FULL_TERMS }),
            ...(i % 2 === 0 && { details: FULL_DETAILS }),
          }),
        );
        const outcomes = await Promise.all(many.map((link) => store.insert(link)));
        expect(outcomes).toEqual(many.map((link) => met('inserted', recordAs(link))));
        expect(await Promise.all(many.map(({ code }) => store.read(0, code)))).toEqual(
          many.map((link) => recordAs(link)),
        );
        expect(await Promise.all(many.map(({ code }) => store.find(0, code)))).toEqual(
          many.map((link) => storedAs(link)),
        );
      });

      test('the longest details and terms that there may be', async () => {
        const astral = '\u{1f517}';
        const details = {
          title: astral.repeat(200),
          description: astral.repeat(1_000),
          image: AWKWARD_URLS.at(-1)!,
          tags: Array.from({ length: 20 }, (_, i) => `${i}${astral.repeat(48)}`),
          note: astral.repeat(2_000),
        };
        const longUrl = `https://example.com/${'r'.repeat(TERMS_MAX_LENGTH - 200)}`;
        const terms = { rules: [{ device: 'ios' as const, longUrl }] };
        await insertedThenFound(sample.generated({ details, terms }));
      });

      test.each(AWKWARD_URLS.map((url, index) => [index, url] as const))('awkward URL %i', async (_, longUrl) => {
        await insertedThenFound(sample.generated({ longUrl }));
      });
    });

    describe('keeps codes apart', () => {
      test('that differ in case only', async () => {
        const lower = sample.generated({ code: 'abc' });
        const upper = sample.generated({ code: 'ABC' });
        await insertedThenFound(lower);
        await insertedThenFound(upper);
        expect(await store.find(0, 'abc')).toEqual(storedAs(lower));
        expect(await store.find(0, 'aBc')).toBeUndefined();
      });

      test('that differ in a trailing space only', async () => {
        const link = sample.generated();
        await insertedThenFound(link);
        expect(await store.find(0, `${link.code} `)).toBeUndefined();
      });

      test('of different domains', async () => {
        const here = sample.generated();
        await insertedThenFound(here);
        expect(await store.find(1, here.code)).toBeUndefined();
        await insertedThenFound({ ...here, domainId: 1, longUrl: 'https://other.example/' });
        expect(await store.find(0, here.code)).toEqual(storedAs(here));
      });
    });

    describe('is the only arbiter of a code', () => {
      test('a generated insert that meets an alias is taken', async () => {
        const alias = sample.alias({ code: 'promo2026' });
        await insertedThenFound(alias);
        expect(await store.insert(sample.generated({ code: 'promo2026' }))).toEqual(met('taken', recordAs(alias)));
        expect(await store.find(0, 'promo2026')).toEqual(storedAs(alias));
      });

      test('a generated insert that meets another generated row is a duplicate, even when both are equal', async () => {
        const link = sample.generated();
        await insertedThenFound(link);
        expect(await store.insert(sample.generated({ code: link.code }))).toEqual(met('duplicate', recordAs(link)));
        const { insertId } = sample.generated();
        expect(await store.insert({ ...link, insertId })).toEqual(met('duplicate', recordAs(link)));
        expect(await store.find(0, link.code)).toEqual(storedAs(link));
      });

      test.each(['generated', 'alias'] as const)('an insert that meets its own id is inserted: %s', async (kind) => {
        const link = sample[kind]();
        await insertedThenFound(link);
        const another = await harness.another();
        for (const each of [store, another, another]) {
          expect(await each.insert(link)).toEqual(met('inserted', recordAs(link)));
        }
        expect(await store.find(0, link.code)).toEqual(storedAs(link));
        await store.remove(0, link.code);
        expect(await another.insert(link)).toEqual(met('inserted', tombstoneOf(link)));
        expect(await store.find(0, link.code)).toEqual(tombstoneOf(link));
      });

      test('one insert that is sent by two stores at once is inserted for both', async () => {
        const another = await harness.another();
        const links = Array.from({ length: 20 }, () => sample.generated());
        const outcomes = await Promise.all([store, another].flatMap((each) => links.map((link) => each.insert(link))));
        expect(countsOf(outcomes)).toEqual({ inserted: 40 });
      });

      test('an alias that meets a living link is taken, and told which', async () => {
        const alias = sample.alias();
        const generated = sample.generated();
        await insertedThenFound(alias);
        await insertedThenFound(generated);
        const again = sample.alias({ code: alias.code });
        expect(await store.insert(again)).toEqual(met('taken', recordAs(alias)));
        const overGenerated = sample.alias({ code: generated.code });
        expect(await store.insert(overGenerated)).toEqual(met('taken', recordAs(generated)));
      });

      test('a deleted code is taken for ever, by nobody', async () => {
        for (const link of [sample.alias(), sample.generated()]) {
          await insertedThenFound(link);
          await store.remove(0, link.code);
          for (const again of [sample.alias({ code: link.code }), sample.generated({ code: link.code })]) {
            expect(await store.insert(again)).toEqual(met('taken', tombstoneOf(link)));
          }
          expect(await store.find(0, link.code)).toEqual(tombstoneOf(link));
        }
      });

      test('of many callers that claim one alias at once, one wins and the others learn who', async () => {
        const claims = Array.from({ length: 50 }, () => sample.alias({ code: 'one-winner' }));
        const outcomes = await Promise.all(claims.map((claim) => store.insert(claim)));
        const winner = claims.filter((_, index) => outcomes[index]?.outcome === 'inserted');
        expect(winner).toHaveLength(1);
        const others = outcomes.filter((outcome) => outcome.outcome !== 'inserted');
        expect(others).toEqual(claims.slice(1).map(() => met('taken', recordAs(winner[0]!))));
      });

      test('generated inserts of one code at once: one is inserted, each other is a duplicate', async () => {
        const code = 'sameCode';
        const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.insert(sample.generated({ code }))));
        expect(countsOf(outcomes)).toEqual({ inserted: 1, duplicate: 19 });
      });

      test('an alias and a generated insert of one code at once: one is inserted, the other is taken', async () => {
        const code = 'eitherOr';
        const outcomes = await Promise.all([
          store.insert(sample.alias({ code })),
          store.insert(sample.generated({ code })),
        ]);
        expect(countsOf(outcomes)).toEqual({ inserted: 1, taken: 1 });
      });
    });

    describe('coalesces without mixing callers up', () => {
      test(`${CONCURRENT_INSERTS} inserts at once, some in conflict: each settles by itself`, async () => {
        const alias = sample.alias();
        const older = sample.generated();
        const deleted = sample.generated();
        for (const link of [alias, older, deleted]) await insertedThenFound(link);
        await store.remove(0, deleted.code);
        const conflicts = new Map<number, { link: NewLink; outcome: string }>([
          [0, { link: sample.generated({ code: alias.code }), outcome: 'taken' }],
          [700, { link: sample.generated({ code: older.code }), outcome: 'duplicate' }],
          [701, { link: sample.generated({ code: deleted.code }), outcome: 'taken' }],
          [1300, { link: sample.alias({ code: older.code }), outcome: 'taken' }],
          [1999, { link: sample.alias({ code: deleted.code }), outcome: 'taken' }],
        ]);
        const links = Array.from(
          { length: CONCURRENT_INSERTS },
          (_, index) =>
            conflicts.get(index)?.link ??
            sample.generated({ longUrl: AWKWARD_URLS[index % (AWKWARD_URLS.length - 1)]! }),
        );
        const outcomes = await Promise.all(links.map((link) => store.insert(link)));
        expect(outcomes.map((outcome) => outcome.outcome)).toEqual(
          links.map((_, index) => conflicts.get(index)?.outcome ?? 'inserted'),
        );
        const found = await Promise.all(links.map((link) => store.find(0, link.code)));
        const expected = links.map((link, index) => (conflicts.has(index) ? found[index] : storedAs(link)));
        expect(found).toEqual(expected);
        expect(await store.find(0, older.code)).toEqual(storedAs(older));
      });

      test('a row that fits no column fails alone', async () => {
        const bad = sample.generated({ longUrl: null as unknown as string });
        const links = Array.from({ length: 60 }, (_, index) => (index === 30 ? bad : sample.generated()));
        const settled = await Promise.allSettled(links.map((link) => store.insert(link)));
        expect(settled.map((each) => each.status)).toEqual(
          links.map((link) => (link === bad ? 'rejected' : 'fulfilled')),
        );
        for (const link of links) {
          expect(await store.find(0, link.code)).toEqual(link === bad ? undefined : storedAs(link));
        }
      });

      test('an over-long row is refused alone or kept whole, never cut', async () => {
        const longCode = sample.alias({ code: 'c'.repeat(65) });
        const longUrl = sample.generated({ longUrl: `https://example.com/${'u'.repeat(100_000)}` });
        const links = [sample.generated(), longCode, sample.generated(), longUrl, sample.generated()];
        const settled = await Promise.allSettled(links.map((link) => store.insert(link)));
        for (const [index, link] of links.entries()) {
          const kept = settled[index]?.status === 'fulfilled';
          if (link !== longCode && link !== longUrl) expect(kept).toBe(true);
          expect(await store.find(0, link.code)).toEqual(kept ? storedAs(link) : undefined);
        }
        expect(await store.find(0, 'c'.repeat(64))).toBeUndefined();
      });

      test(`${CONCURRENT_FINDS} finds at once, known and unknown, each get their own answer`, async () => {
        const known = Array.from({ length: CONCURRENT_FINDS / 2 }, () => sample.generated());
        await Promise.all(known.map((link) => store.insert(link)));
        const codes = known.flatMap((link) => [link.code, `${link.code}x`]);
        const found = await Promise.all(codes.map((code) => store.find(0, code)));
        expect(found).toEqual(known.flatMap((link) => [storedAs(link), undefined]));
      });

      test('one code asked for many times at once', async () => {
        const link = sample.generated();
        await store.insert(link);
        const found = await Promise.all(Array.from({ length: 100 }, () => store.find(0, link.code)));
        expect(found).toEqual(found.map(() => storedAs(link)));
      });

      test(`${CONCURRENT_FINDS} unknown codes are undefined, on the primary too`, async () => {
        const codes = Array.from({ length: CONCURRENT_FINDS }, (_, index) => `nothing${index}`);
        const found = await Promise.all(codes.map((code, index) => store.find(0, code, { fresh: index % 2 === 0 })));
        expect(found).toEqual(codes.map(() => undefined));
        expect(await store.sight(0, codes[0] as string)).toBeUndefined();
      });
    });

    describe('removes', () => {
      test('a link once: a tombstone of version 2 is left', async () => {
        const link = sample.generated({ expiresAtMs: 1_999_999_999_999, redirectStatus: 308 });
        await insertedThenFound(link);
        expect(await store.remove(0, link.code)).toEqual({ outcome: 'removed', tombstone: tombstoneOf(link) });
        expect(await store.find(0, link.code, { fresh: true })).toEqual(tombstoneOf(link));
        expect(await store.find(0, link.code)).toEqual(tombstoneOf(link));
        expect(await store.remove(0, link.code)).toEqual({ outcome: 'already-removed', tombstone: tombstoneOf(link) });
        expect(await store.find(0, link.code, { fresh: true })).toEqual(tombstoneOf(link));
      });

      test('nothing where there is nothing, nor in another domain or case', async () => {
        const link = sample.generated({ code: 'keepMe' });
        await insertedThenFound(link);
        expect(await store.remove(0, 'neverHere')).toEqual({ outcome: 'missing' });
        expect(await store.remove(0, 'KEEPME')).toEqual({ outcome: 'missing' });
        expect(await store.remove(2, link.code)).toEqual({ outcome: 'missing' });
        expect(await store.find(0, link.code)).toEqual(storedAs(link));
      });

      test('by several callers at once: one removed it', async () => {
        const link = sample.generated();
        await insertedThenFound(link);
        const outcomes = await Promise.all(Array.from({ length: 10 }, () => store.remove(0, link.code)));
        expect(countsOf(outcomes)).toEqual({ removed: 1, 'already-removed': 9 });
        expect(await store.find(0, link.code, { fresh: true })).toEqual(tombstoneOf(link));
      });
    });

    describeEdits(sample, () => harness);
    describeDeleted(sample, () => harness);
  });
}

function met(outcome: InsertOutcome['outcome'], link: StoredRecord): InsertOutcome {
  return { outcome, link };
}

function countsOf(outcomes: readonly { readonly outcome: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
