import { randomBytes } from 'node:crypto';
import { BUCKETS, bucketOf, type ChangeLog, type LinkStore, type LogPosition, type NewLink } from '@lakh/links';
import { SampleLinks, storedAs, tombstoneOf } from './sample-links.js';

/** A store of links and its log, for a whole suite: every test uses codes of its own, and forgets what is before its own time. */
export interface ChangeLogHarness {
  readonly store: LinkStore;
  readonly log: ChangeLog;
  /** By which the store writes when a change was made. */
  readonly clock: { nowMs: number };
  /** A second store on the same rows, as another process has it. */
  another(): Promise<LinkStore>;
  /** Keeps a copy of everything; the function puts it back. */
  backup(): Promise<() => Promise<void>>;
  dispose(): Promise<void>;
}

const EVERYTHING = 1_000;
const ANOTHER_NONCE = '0123456789abcdef';
const WRITERS = 8;
const EDITS_EACH = 15;

/** The behaviour of every ChangeLog, and of the store that writes it, to be passed unchanged by the fake and the real one. */
export function describeChangeLog(name: string, makeHarness: () => Promise<ChangeLogHarness>): void {
  describe(`ChangeLog: ${name}`, () => {
    let harness: ChangeLogHarness;
    let store: LinkStore;
    let log: ChangeLog;
    const sample = new SampleLinks();
    const run = randomBytes(3).toString('hex');
    const newLink = (): NewLink => {
      const link = sample.generated();
      return { ...link, code: `${run}${link.code}` };
    };

    beforeAll(async () => {
      harness = await makeHarness();
      ({ store, log } = harness);
    });
    afterAll(async () => {
      await harness?.dispose();
    });

    async function readOne(bucket: number, after: LogPosition | undefined, maxRows = EVERYTHING) {
      const [reading] = await log.read([{ bucket, after }], maxRows);
      if (reading === undefined) throw new Error('a bucket was asked for, and nothing was answered');
      return reading;
    }

    const headOf = async (bucket: number) => (await readOne(bucket, undefined)).head;

    /** So many links of one bucket, inserted. */
    async function inserted(count: number): Promise<{ bucket: number; links: readonly NewLink[] }> {
      const first = newLink();
      const bucket = bucketOf(0, first.code);
      const links = [first];
      while (links.length < count) {
        const link = newLink();
        if (bucketOf(0, link.code) === bucket) links.push(link);
      }
      await Promise.all(links.map((link) => store.insert(link)));
      return { bucket, links };
    }

    let edits = 0;
    async function edited({ code }: NewLink, by: LinkStore = store): Promise<void> {
      edits += 1;
      const { outcome } = await by.edit(0, code, { longUrl: `https://example.com/edit/${edits}` });
      expect(outcome).toBe('edited');
    }

    describe('heads', () => {
      test('of every bucket are there, with nonces that differ', async () => {
        const buckets = Array.from({ length: BUCKETS }, (_, bucket) => bucket);
        const readings = await log.read(
          buckets.map((bucket) => ({ bucket, after: undefined })),
          EVERYTHING,
        );
        expect(readings.map(({ bucket }) => bucket)).toEqual(buckets);
        for (const { head } of readings) expect(head.nonce).toMatch(/^[0-9a-f]{16}$/);
        expect(new Set(readings.map(({ head }) => head.nonce)).size).toBe(BUCKETS);
        for (const reading of readings) expect(reading).toMatchObject({ continues: false, rows: [] });
      });

      test('of none, where none is asked for', async () => {
        expect(await log.read([], EVERYTHING)).toEqual([]);
      });

      test('stay where they are when links are made, or asked for', async () => {
        const { code } = newLink();
        const bucket = bucketOf(0, code);
        const before = await headOf(bucket);
        await store.insert(sample.alias({ code }));
        expect(await headOf(bucket)).toEqual(before);
        expect(await store.sight(0, code)).toMatchObject({ position: before, lagMs: 0 });
        expect(await store.sight(0, code, { fresh: true })).toMatchObject({ position: before, lagMs: 0 });
      });

      test('stay where they are when a change is none', async () => {
        const { bucket, links } = await inserted(1);
        const { code, longUrl } = links[0]!;
        const before = await headOf(bucket);
        await store.edit(0, code, { longUrl });
        await store.edit(0, code, { longUrl: 'https://example.com/' }, [7]);
        await store.remove(0, code, [7]);
        await store.edit(1, code, { longUrl: 'https://example.com/' });
        expect(await headOf(bucket)).toEqual(before);
        await store.remove(0, code);
        const after = await headOf(bucket);
        await store.remove(0, code);
        await store.edit(0, code, { longUrl });
        expect(await headOf(bucket)).toEqual(after);
        expect(after.seq).toBe(before.seq + 1);
      });
    });

    describe('rows', () => {
      test('tell of each change what it was, and of its link what it is', async () => {
        const { bucket, links } = await inserted(2);
        const [first, second] = links as [NewLink, NewLink];
        const before = await headOf(bucket);
        await store.edit(0, first.code, { longUrl: 'https://example.com/a' });
        const between = await headOf(bucket);
        await store.remove(0, second.code);
        await store.edit(0, first.code, { redirectStatus: 307 });
        const { head, continues, rows } = await readOne(bucket, before);
        expect(continues).toBe(true);
        expect(head).toEqual({ seq: before.seq + 3, nonce: rows[2]?.nonce });
        const now = { ...storedAs(first, 3), longUrl: 'https://example.com/a', redirectStatus: 307 };
        expect(rows).toEqual([
          { ...between, domainId: 0, code: first.code, version: 2, link: now },
          {
            seq: before.seq + 2,
            nonce: expect.any(String),
            domainId: 0,
            code: second.code,
            version: 2,
            link: tombstoneOf(second),
          },
          { ...head, domainId: 0, code: first.code, version: 3, link: now },
        ]);
        expect(new Set([before, ...rows].map(({ nonce }) => nonce)).size).toBe(4);
        expect(await store.sight(0, first.code)).toEqual({ link: now, position: head, lagMs: 0 });
        expect((await store.sight(0, second.code))?.position).toEqual(head);
      });

      test('come from any position on, and in pieces', async () => {
        const { bucket, links } = await inserted(1);
        const before = await headOf(bucket);
        for (let i = 0; i < 5; i += 1) await edited(links[0]!);
        const { head, rows } = await readOne(bucket, before);
        expect(rows.map(({ version }) => version)).toEqual([2, 3, 4, 5, 6]);
        for (const [i, row] of rows.entries()) {
          expect(await readOne(bucket, { seq: row.seq, nonce: row.nonce })).toEqual({
            bucket,
            head,
            continues: true,
            rows: rows.slice(i + 1),
          });
        }
        let last = before;
        for (const [i, count] of [2, 2, 1, 0].entries()) {
          const piece = await readOne(bucket, last, 2);
          expect(piece).toEqual({ bucket, head, continues: true, rows: rows.slice(2 * i, 2 * i + count) });
          last = piece.rows.at(-1) ?? last;
        }
        expect(last).toMatchObject(head);
      });

      test('come of many buckets at once, each from its own position', async () => {
        const links = Array.from({ length: 60 }, newLink);
        await Promise.all(links.map((link) => store.insert(link)));
        const byBucket = new Map(links.map((link) => [bucketOf(0, link.code), link]));
        const asked = await Promise.all(
          [...byBucket.keys()].map(async (bucket) => ({ bucket, after: await headOf(bucket) })),
        );
        const changed = asked.filter((_, i) => i % 2 === 0);
        await Promise.all(changed.map(({ bucket }) => edited(byBucket.get(bucket)!)));
        const readings = await log.read(asked, EVERYTHING);
        expect(readings.map(({ bucket }) => bucket)).toEqual(asked.map(({ bucket }) => bucket));
        for (const [i, { bucket, head, continues, rows }] of readings.entries()) {
          const isChanged = i % 2 === 0;
          expect(continues).toBe(true);
          expect(head.seq).toBe(asked[i]!.after.seq + (isChanged ? 1 : 0));
          expect(rows.map(({ code }) => code)).toEqual(isChanged ? [byBucket.get(bucket)!.code] : []);
        }
      });
    });

    describe('does not continue', () => {
      test('a position with another nonce, or of nobody yet', async () => {
        const { bucket, links } = await inserted(1);
        const before = await headOf(bucket);
        await edited(links[0]!);
        await edited(links[0]!);
        const { head, rows } = await readOne(bucket, before);
        const nothing = { bucket, head, continues: false, rows: [] };
        for (const position of [before, rows[0]!, head]) {
          expect(await readOne(bucket, { seq: position.seq, nonce: ANOTHER_NONCE })).toEqual(nothing);
        }
        expect(await readOne(bucket, { seq: head.seq + 1, nonce: head.nonce })).toEqual(nothing);
        expect(await readOne(bucket, { seq: 0, nonce: head.nonce })).toEqual(nothing);
        expect(await readOne(bucket, head)).toEqual({ bucket, head, continues: true, rows: [] });
      });

      test('a position before what was forgotten; one at its end it does', async () => {
        const { bucket, links } = await inserted(1);
        const before = await headOf(bucket);
        for (const atMs of [1_000, 2_000, 3_000, 4_000]) {
          harness.clock.nowMs = atMs;
          await edited(links[0]!);
        }
        const { head, rows } = await readOne(bucket, before);
        expect(await log.forget(2_000, EVERYTHING)).toBe(1);
        expect(await log.forget(4_000, 1)).toBe(1);
        const nothing = { bucket, head, continues: false, rows: [] };
        for (const position of [before, rows[0]!]) expect(await readOne(bucket, position)).toEqual(nothing);
        expect(await readOne(bucket, rows[1])).toEqual({ bucket, head, continues: true, rows: rows.slice(2) });
        expect(await log.forget(4_000, EVERYTHING)).toBe(1);
        expect(await log.forget(4_000, EVERYTHING)).toBe(0);
        expect(await readOne(bucket, rows[1])).toEqual(nothing);
        expect(await readOne(bucket, rows[2])).toEqual({ bucket, head, continues: true, rows: rows.slice(3) });
        expect(await log.forget(4_001, EVERYTHING)).toBe(1);
        expect(await readOne(bucket, rows[2])).toEqual(nothing);
        expect(await readOne(bucket, head)).toEqual({ bucket, head, continues: true, rows: [] });
        await edited(links[0]!);
        expect((await readOne(bucket, head)).rows).toMatchObject([{ seq: head.seq + 1, version: 6 }]);
        expect(await readOne(bucket, before)).toMatchObject({ continues: false });
      });

      test('what a database did that was restored from an older copy', async () => {
        const { bucket, links } = await inserted(1);
        await edited(links[0]!);
        const kept = await headOf(bucket);
        const restore = await harness.backup();
        for (let i = 0; i < 3; i += 1) await edited(links[0]!);
        const { rows: lost } = await readOne(bucket, kept);
        await restore();
        expect(await headOf(bucket)).toEqual(kept);
        for (let i = 0; i < 4; i += 1) {
          for (const position of lost)
            expect(await readOne(bucket, position)).toMatchObject({ continues: false, rows: [] });
          const { continues, rows } = await readOne(bucket, kept);
          expect(continues).toBe(true);
          expect(rows.map(({ version }) => version)).toEqual([3, 4, 5, 6].slice(0, i));
          await edited(links[0]!);
        }
      });
    });

    test('is in the order of the commits, without gaps, however many write: no reader ever sees anything else', async () => {
      const { bucket, links } = await inserted(3);
      const before = await headOf(bucket);
      const stores = [store, await harness.another()];
      let isOver = false;
      const writing = Promise.all(
        Array.from({ length: WRITERS }, async (_, w) => {
          for (let i = 0; i < EDITS_EACH; i += 1) await edited(links[(w + i) % links.length]!, stores[w % 2]);
        }),
      ).finally(() => {
        isOver = true;
      });
      /** How many changes of a link there are up to a position. */
      const seen: { code: string; version: number; at: LogPosition }[] = [];
      let last = before;
      while (!isOver) {
        const reading = await readOne(bucket, last, 7);
        expect(reading.continues).toBe(true);
        expect(reading.rows.map(({ seq }) => seq)).toEqual(reading.rows.map((_, i) => last.seq + 1 + i));
        if (reading.rows.length < 7) expect(reading.rows.at(-1) ?? last).toMatchObject(reading.head);
        for (const { link, code, version } of reading.rows)
          expect([code, link!.version >= version]).toEqual([code, true]);
        last = reading.rows.at(-1) ?? last;
        const sightings = await Promise.all(links.map(({ code }) => stores[1]!.sight(0, code)));
        for (const sighting of sightings) {
          seen.push({ code: sighting!.link.code, version: sighting!.link.version, at: sighting!.position! });
        }
      }
      await writing;
      const { head, continues, rows } = await readOne(bucket, before);
      expect(continues).toBe(true);
      expect(head.seq).toBe(before.seq + WRITERS * EDITS_EACH);
      expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => before.seq + 1 + i));
      const nonces = new Map([before, ...rows].map(({ seq, nonce }) => [seq, nonce]));
      for (const { code, version, at } of seen) {
        // Exactly what was committed up to the position that the sighting names: no more, and no less.
        const changes = rows.filter((row) => row.code === code && row.seq <= at.seq);
        expect({ code, version, nonce: at.nonce }).toEqual({
          code,
          version: 1 + changes.length,
          nonce: nonces.get(at.seq),
        });
      }
      for (const { code } of links) {
        const versions = rows.filter((row) => row.code === code).map(({ version }) => version);
        expect(versions).toEqual(versions.map((_, i) => i + 2));
      }
    });
  });
}
