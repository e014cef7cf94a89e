import { BUCKETS, bucketOf, type CopyHolder, formatCopyState, type LinkCopy, type StoredLink } from '@lakh/links';
import { AWKWARD_URLS, FULL_TERMS, SampleLinks, storedAs, tombstoneOf } from './sample-links.js';

/** An empty copy for a whole suite, all of whose buckets are held: tests use buckets by the codes that they make. */
export interface LinkCopyHarness {
  readonly copy: LinkCopy;
  dispose(): Promise<void>;
}

const EPOCH = 'e'.repeat(16);
let nonces = 0;
const newNonce = () => {
  nonces += 1;
  return nonces.toString(16).padStart(16, '0');
};

/** A state, and where it stands. */
function stateAt(seq: number, epoch = EPOCH) {
  const position = { seq, nonce: newNonce() };
  return { place: { epoch, position }, text: formatCopyState({ pulse: seq + 1, nonce: newNonce(), epoch, position }) };
}

/** The behaviour of every LinkCopy and its holders, to be passed unchanged by the fake and the real one. */
export function describeLinkCopy(name: string, makeHarness: () => Promise<LinkCopyHarness>): void {
  describe(`LinkCopy: ${name}`, () => {
    let harness: LinkCopyHarness;
    let copy: LinkCopy;
    const sample = new SampleLinks();

    beforeAll(async () => {
      harness = await makeHarness();
      copy = harness.copy;
    });
    afterAll(async () => {
      await harness?.dispose();
    });

    const holderOf = ({ domainId, code }: Pick<StoredLink, 'domainId' | 'code'>) => {
      const bucket = bucketOf(domainId, code);
      return { bucket, holder: copy.holderOf(bucket) as CopyHolder };
    };
    const stateOf = async (bucket: number) => (await copy.holderOf(bucket)?.read([bucket]))?.[0] as string;
    /** Moves a link's bucket on from whatever it is. */
    async function moveTo(link: StoredLink, to: string, changes: readonly StoredLink[] = [], epoch = EPOCH) {
      const { bucket, holder } = holderOf(link);
      const from = await stateOf(bucket);
      const applied = changes.map((each) => ({ ...each, link: each }));
      if (applied.length === 0) return (await holder.advance([{ bucket, from, to }]))[0];
      return holder.apply({ bucket, from, to }, { epoch, changes: applied });
    }

    test('every bucket has one holder, and each holder is told of', () => {
      const told = new Set<CopyHolder>();
      copy.follow((holder) => void told.add(holder))();
      const held = [...told].flatMap(({ buckets }) => buckets).sort((a, b) => a - b);
      expect(held).toEqual(Array.from({ length: BUCKETS }, (_, bucket) => bucket));
      for (const bucket of held) {
        const holder = copy.holderOf(bucket) as CopyHolder;
        expect(told).toContain(holder);
        expect(holder.buckets).toContain(bucket);
        expect(holder.ended.aborted).toBe(false);
      }
    });

    test('there are no states at first; many are made at once, read in the order asked, and moved on by who knows them alone', async () => {
      const [holder] = [copy.holderOf(0) as CopyHolder];
      const buckets = holder.buckets.slice(0, 40);
      expect(await holder.read(buckets)).toEqual(buckets.map(() => ''));
      const first = buckets.map((bucket) => ({ bucket, from: '', to: stateAt(bucket).text }));
      expect(await holder.advance(first)).toEqual(buckets.map(() => true));
      expect(await holder.advance(first)).toEqual(buckets.map(() => false));
      const backwards = [...buckets].reverse();
      expect(await holder.read(backwards)).toEqual([...first].reverse().map(({ to }) => to));
      const next = first.map(({ bucket, to }, i) => ({
        bucket,
        from: i % 2 === 0 ? to : `${to}0`,
        to: stateAt(bucket).text,
      }));
      expect(await holder.advance(next)).toEqual(buckets.map((_, i) => i % 2 === 0));
      expect(await holder.read(buckets)).toEqual(buckets.map((_, i) => (i % 2 === 0 ? next[i]?.to : first[i]?.to)));
    });

    test('what is held of a code is taken out while the state stays as it is', async () => {
      const link = storedAs(sample.generated());
      const { bucket, holder } = holderOf(link);
      const { text } = stateAt(1);
      await moveTo(link, text, [link]);
      expect(await holder.get(link.domainId, link.code, EPOCH)).toEqual(link);
      const out = { epoch: EPOCH, changes: [{ ...link, link: undefined }] };
      expect(await holder.apply({ bucket, from: `${text}0`, to: `${text}0` }, out)).toBe(false);
      expect(await holder.apply({ bucket, from: text, to: text }, out)).toBe(true);
      expect([await holder.get(link.domainId, link.code, EPOCH), await stateOf(bucket)]).toEqual([undefined, text]);
    });

    test('of many who move one state at once, one does', async () => {
      const link = storedAs(sample.generated());
      const { bucket, holder } = holderOf(link);
      const from = await stateOf(bucket);
      const states = Array.from({ length: 30 }, () => stateAt(1).text);
      const moved = await Promise.all(
        states.map(async (to, i) =>
          i % 2 === 0
            ? (await holder.advance([{ bucket, from, to }]))[0]
            : holder.apply(
                { bucket, from, to },
                { epoch: EPOCH, changes: [{ ...link, version: i + 1, link: undefined }] },
              ),
        ),
      );
      expect(moved.filter(Boolean)).toHaveLength(1);
      expect(await stateOf(bucket)).toBe(states[moved.indexOf(true)]);
    });

    test('a fill is kept where the copy is exactly where it was read, and nowhere else', async () => {
      const link = storedAs(sample.generated());
      const { holder } = holderOf(link);
      const [before, now] = [stateAt(7), stateAt(8)];
      await moveTo(link, before.text);
      await moveTo(link, now.text);
      const elsewhere = [
        before.place,
        { ...now.place, epoch: 'd'.repeat(16) },
        { ...now.place, position: { ...now.place.position, seq: 9 } },
        { ...now.place, position: { ...now.place.position, seq: 18 } },
        { ...now.place, position: { ...now.place.position, nonce: newNonce() } },
      ];
      for (const place of elsewhere) expect([place, await holder.fill(link, place)]).toEqual([place, false]);
      expect(await holder.get(0, link.code, EPOCH)).toBeUndefined();
      expect(await holder.fill(link, now.place)).toBe(true);
      expect(await holder.get(0, link.code, EPOCH)).toEqual(link);
      // Again, by whoever read the same; also an older one, which cannot have been read there.
      expect(await holder.fill(link, now.place)).toBe(true);
      expect(await holder.fill(link, before.place)).toBe(false);
    });

    test('where there is no state, nothing is kept', async () => {
      const link = storedAs(sample.generated());
      const { bucket, holder } = holderOf(link);
      await holder.advance([{ bucket, from: await stateOf(bucket), to: 'not a state' }]);
      expect(await stateOf(bucket)).toBe('not a state');
      expect(await holder.fill(link, stateAt(0).place)).toBe(false);
    });

    test('gives back exactly what was kept', async () => {
      const links = [
        ...AWKWARD_URLS.map((longUrl) => sample.generated({ longUrl })),
        sample.alias({ expiresAtMs: Date.now() + 3_600_000, redirectStatus: 307 }),
        sample.generated({ counter: 62 ** 7 - 1 }),
        // It is asked for as before, and whether it still redirects is judged then.
        sample.alias({ expiresAtMs: 1 }),
        sample.generated({ terms: FULL_TERMS }),
      ].map((link) => storedAs(link));
      for (const [i, link] of links.entries()) {
        const { text, place } = stateAt(i);
        await moveTo(link, text, i % 2 === 0 ? [link] : []);
        if (i % 2 === 1) expect(await holderOf(link).holder.fill(link, place)).toBe(true);
        expect(await holderOf(link).holder.get(0, link.code, EPOCH)).toEqual(link);
      }
    });

    test('what changed comes in one step with the state, over what was there, or goes', async () => {
      const link = storedAs(sample.generated());
      const edited: StoredLink = { ...link, longUrl: 'https://example.com/edited', version: 2 };
      const { bucket, holder } = holderOf(link);
      const get = () => holder.get(0, link.code, EPOCH);
      const [first, second] = [stateAt(1), stateAt(2)];
      await moveTo(link, first.text, [link]);
      await moveTo(link, second.text, [edited]);
      expect(await get()).toEqual(edited);
      const stale = { bucket, from: first.text, to: stateAt(3).text };
      expect(await holder.apply(stale, { epoch: EPOCH, changes: [{ ...link, link: tombstoneOf(link) }] })).toBe(false);
      expect([await get(), await stateOf(bucket)]).toEqual([edited, second.text]);
      await moveTo(link, stateAt(3).text, [tombstoneOf(link)]);
      expect(await get()).toEqual(tombstoneOf(link));
      const gone = { bucket, from: await stateOf(bucket), to: stateAt(4).text };
      expect(await holder.apply(gone, { epoch: EPOCH, changes: [{ ...link, version: 5, link: undefined }] })).toBe(
        true,
      );
      expect(await get()).toBeUndefined();
    });

    test('a new epoch begins with nothing, and an older one is not touched by it', async () => {
      const link = storedAs(sample.generated());
      const { holder } = holderOf(link);
      await moveTo(link, stateAt(1).text, [link]);
      const anew = stateAt(1, 'a'.repeat(16));
      await moveTo(link, anew.text);
      expect(await holder.get(0, link.code, anew.place.epoch)).toBeUndefined();
      expect(await holder.fill(tombstoneOf(link), anew.place)).toBe(true);
      expect(await holder.get(0, link.code, anew.place.epoch)).toEqual(tombstoneOf(link));
      expect(await holder.get(0, link.code, EPOCH)).toEqual(link);
    });

    test('keeps case, near codes and domains apart', async () => {
      const links = [
        sample.generated({ code: 'casey' }),
        sample.generated({ code: 'CASEY' }),
        sample.generated({ code: 'casey', domainId: 1 }),
      ].map((link) => storedAs(link));
      for (const link of links) await moveTo(link, stateAt(1).text, [link]);
      for (const link of links) {
        expect(await holderOf(link).holder.get(link.domainId, link.code, EPOCH)).toEqual(link);
      }
      expect(await holderOf({ domainId: 0, code: 'case' }).holder.get(0, 'case', EPOCH)).toBeUndefined();
    });

    test('250 changes of a bucket in one step, and 500 reads at once, each with its own answer', async () => {
      const { bucket } = holderOf(sample.generated());
      const codes: string[] = [];
      for (let i = 0; codes.length < 500; i += 1) if (bucketOf(0, `many${i}`) === bucket) codes.push(`many${i}`);
      const links = codes.slice(0, 250).map((code) => storedAs(sample.generated({ code })));
      await moveTo(links[0] as StoredLink, stateAt(250).text, links);
      const holder = copy.holderOf(bucket) as CopyHolder;
      const found = await Promise.all(codes.map((code) => holder.get(0, code, EPOCH)));
      expect(found).toEqual(codes.map((_, i) => links[i]));
    });
  });
}
