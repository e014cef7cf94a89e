import {
  type CounterWitness,
  FIRST_MARK,
  type Ledger,
  type LedgerAdmin,
  LedgerMissingError,
  type LedgerRow,
  type MarkAdmin,
  type MarkStore,
} from '@lakh/id-range';

/** Both witnesses as an operator's tools see them, and as servers do, over a namespace that nobody has used yet. */
export interface AdminHarness {
  readonly marks: MarkAdmin;
  readonly markStore: MarkStore;
  readonly ledger: LedgerAdmin;
  readonly serverLedger: Pick<Ledger, 'head' | 'record' | 'create'>;
  readonly counters: CounterWitness;
  /** Puts a link into the store that was made from this counter. */
  addLink(counter: number): Promise<void>;
  dispose(): Promise<void>;
}

const CLUSTER = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';
const HOLDER = { serverId: 'server-1', host: 'host-1', processStartMs: 1_700_000_000_000, codec: 'base62' };

const row = (start: number, end: number, state = 'leased'): LedgerRow => ({
  range: { start, end },
  holder: HOLDER,
  leasedAtMs: 1_700_000_001_000,
  witnessVersion: 7,
  state,
});

/** Every implementation of the admin ports behaves like this. Uses jest's globals; each test gets a fresh namespace. */
export function describeWitnessAdmins(name: string, makeHarness: () => Promise<AdminHarness>): void {
  describe(`witnesses for operators: ${name}`, () => {
    let harness: AdminHarness;
    beforeEach(async () => {
      harness = await makeHarness();
    });
    afterEach(() => harness.dispose());

    const putMark = async (next: number, ledgered: number, clusterId = CLUSTER) =>
      harness.marks.put((await harness.marks.inspect()).version, { next, ledgered }, clusterId);
    const putHead = async (head: number, clusterId = CLUSTER) =>
      harness.ledger.putHead(await harness.ledger.head(), head, clusterId);

    test('a mark that is missing is said to be, made, and is one for servers then', async () => {
      expect(await harness.marks.inspect()).toMatchObject({ mark: 'missing', clusterId: 'missing' });
      expect(await putMark(500_000, 400_000)).toBe('written');
      const expected = { mark: { next: 500_000, ledgered: 400_000 }, clusterId: CLUSTER };
      expect(await harness.marks.inspect()).toMatchObject(expected);
      expect(await harness.markStore.read()).toMatchObject(expected);
    });

    test('a mark is raised at the version that was inspected, and not after a server has written', async () => {
      await harness.markStore.create({ next: FIRST_MARK, ledgered: FIRST_MARK }, CLUSTER);
      const stale = await harness.marks.inspect();
      const snapshot = await harness.markStore.read();
      if (snapshot === 'missing') throw new Error('no mark');
      await harness.markStore.write(snapshot.version, { next: 200_000, ledgered: FIRST_MARK });
      expect(await harness.marks.put(stale.version, { next: 900_000, ledgered: FIRST_MARK }, CLUSTER)).toBe('stale');
      expect((await harness.marks.inspect()).mark).toEqual({ next: 200_000, ledgered: FIRST_MARK });
      expect(await putMark(900_000, FIRST_MARK)).toBe('written');
      const again = await harness.markStore.read();
      if (again === 'missing') throw new Error('no mark');
      expect(await harness.markStore.write(again.version, { next: 950_000, ledgered: FIRST_MARK })).toMatchObject({
        outcome: 'written',
      });
      // What a server read before the mark was raised is stale.
      expect(await harness.markStore.write(snapshot.version, { next: 300_000, ledgered: FIRST_MARK })).toEqual({
        outcome: 'stale',
      });
    });

    test('of two who make or raise a mark from the same look, one wins', async () => {
      const looks = [await harness.marks.inspect(), await harness.marks.inspect()];
      const makes = looks.map(({ version }, i) =>
        harness.marks.put(version, { next: 200_000 + i, ledgered: FIRST_MARK }, CLUSTER),
      );
      expect((await Promise.all(makes)).sort()).toEqual(['stale', 'written']);
      const again = [await harness.marks.inspect(), await harness.marks.inspect()];
      const raises = again.map(({ version }, i) =>
        harness.marks.put(version, { next: 300_000 + i, ledgered: FIRST_MARK }, CLUSTER),
      );
      expect((await Promise.all(raises)).sort()).toEqual(['stale', 'written']);
    });

    test('the cluster id beside the mark is corrected with it', async () => {
      await putMark(200_000, FIRST_MARK, OTHER);
      expect(await putMark(200_000, FIRST_MARK, CLUSTER)).toBe('written');
      expect(await harness.markStore.read()).toMatchObject({ clusterId: CLUSTER });
    });

    test('a head is made, raised where it is still what was seen, and never lowered', async () => {
      expect(await harness.ledger.head()).toBe('missing');
      expect(await putHead(300_000)).toBe('written');
      expect(await harness.ledger.putHead('missing', 400_000, CLUSTER)).toBe('stale');
      const seen = await harness.ledger.head();
      expect(seen).toMatchObject({ head: 300_000, clusterId: CLUSTER });
      expect(await harness.serverLedger.record(row(300_000, 400_000))).toBe('recorded');
      expect(await harness.ledger.putHead(seen, 350_000, CLUSTER)).toBe('stale');
      await expect(putHead(399_999)).rejects.toThrow(RangeError);
      expect(await putHead(500_000)).toBe('written');
      expect(await harness.serverLedger.head()).toEqual({ head: 500_000, clusterId: CLUSTER, virgin: false });
    });

    test('rows are added together or not at all, and servers meet them', async () => {
      await expect(harness.ledger.add([row(100_000, 200_000)])).rejects.toBeInstanceOf(LedgerMissingError);
      await putHead(FIRST_MARK);
      expect(await harness.serverLedger.record(row(300_000, 400_000))).toBe('recorded');
      expect(await harness.ledger.add([row(100_000, 200_000, 'hole'), row(399_999, 500_000, 'hole')])).toBe('overlap');
      expect(await harness.ledger.rowsFrom(0, 10)).toHaveLength(1);
      const added = [row(100_000, 300_000, 'hole'), row(400_000, 700_000, 'skipped')];
      expect(await harness.ledger.add(added)).toBe('added');
      expect(await harness.ledger.head()).toMatchObject({ head: 700_000 });
      expect(await harness.serverLedger.record(row(699_999, 800_000))).toBe('overlap');
      expect(await harness.serverLedger.record(row(700_000, 800_000))).toBe('recorded');
      expect((await harness.ledger.rowsFrom(0, 10)).map(({ state }) => state)).toEqual([
        'hole',
        'leased',
        'skipped',
        'leased',
      ]);
      for (const wrong of [[], [row(5, 5)], [row(900_000, 910_000), row(900_000, 920_000)]]) {
        await expect(harness.ledger.add(wrong)).rejects.toThrow(RangeError);
      }
    });

    test('rows are read from either end, a page at a time, with everything that a server recorded', async () => {
      await putHead(FIRST_MARK);
      for (const start of [100_000, 300_000, 200_000]) {
        await harness.serverLedger.record(row(start, start + 100_000));
      }
      expect(await harness.ledger.rowsFrom(100_001, 1)).toEqual([row(200_000, 300_000)]);
      expect((await harness.ledger.rowsBelow(300_000, 5)).map(({ range }) => range.start)).toEqual([200_000, 100_000]);
      expect(await harness.ledger.rowsBelow(100_000, 5)).toEqual([]);
      expect(await harness.ledger.rowsBelow(300_001, 1)).toEqual([row(300_000, 400_000)]);
    });

    test('a released row of exactly these bounds is retired, once', async () => {
      await putHead(FIRST_MARK);
      await harness.ledger.add([row(100_000, 200_000), row(200_000, 250_000, 'released')]);
      expect(await harness.ledger.retire({ start: 100_000, end: 200_000 })).toBe('gone');
      expect(await harness.ledger.retire({ start: 200_000, end: 249_999 })).toBe('gone');
      expect(await harness.ledger.retire({ start: 200_000, end: 250_000 })).toBe('retired');
      expect(await harness.ledger.retire({ start: 200_000, end: 250_000 })).toBe('gone');
      expect((await harness.ledger.rowsBelow(250_000, 1))[0]?.state).toBe('retired');
    });

    test('the links tell their highest counter, in all and within ranges', async () => {
      expect(await harness.counters.highest()).toBe(0);
      for (const counter of [100_000, 100_007, 250_000]) await harness.addLink(counter);
      expect(await harness.counters.highest()).toBe(250_000);
      const ranges = [
        [100_000, 100_007],
        [100_000, 100_008],
        [100_008, 250_000],
        [250_000, 250_001],
      ].map(([start, end]) => ({ start: start as number, end: end as number }));
      expect(await harness.counters.highestWithin(ranges)).toEqual([100_000, 100_007, 0, 250_000]);
      expect(await harness.counters.highestWithin([])).toEqual([]);
    });
  });
}
