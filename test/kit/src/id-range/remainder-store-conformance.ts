import { COUNTER_SPACE_END, type CounterRange, type Remainder, type RemainderStore } from '@lakh/id-range';

/** Remainders of a namespace that nobody has used yet. */
export interface RemainderStoreHarness {
  readonly store: RemainderStore;
  /** A second client of the same namespace (another session, another process). */
  another(): Promise<RemainderStore>;
  /** Makes an entry of that name, for stores that keep names. */
  addName?(name: string): Promise<void>;
  dispose(): Promise<void>;
}

const MALFORMED = [
  'x',
  '1-',
  '-1',
  '0-5',
  '5-5',
  '6-5',
  '01-5',
  '1-05',
  '1.0-5',
  '1-5 ',
  '+1-5',
  '1-5-9',
  '1e3-2e3',
  `1-${COUNTER_SPACE_END + 1}`,
  '1-99999999999999999999',
];
const RANGE = { start: 150_000, end: 200_000 };
const CLAIMS = 50;

/** Every {@link RemainderStore} behaves like this. Uses jest's globals; each test gets a fresh namespace. */
export function describeRemainderStore(name: string, makeHarness: () => Promise<RemainderStoreHarness>): void {
  describe(`remainder store: ${name}`, () => {
    let harness: RemainderStoreHarness;
    let store: RemainderStore;

    beforeEach(async () => {
      harness = await makeHarness();
      store = harness.store;
    });
    afterEach(() => harness.dispose());

    const ranges = async (from: RemainderStore, limit = 100): Promise<CounterRange[]> =>
      (await from.list(limit)).remainders.map(({ range }) => range);
    const only = async (from: RemainderStore): Promise<Remainder> => {
      const { remainders } = await from.list(2);
      expect(remainders).toHaveLength(1);
      return remainders[0]!;
    };

    test('is empty before anything was published', async () => {
      expect(await store.list(10)).toEqual({ remainders: [], malformed: 0 });
    });

    test('what was published is listed for every client, the smallest starts first, as many as asked for', async () => {
      const published = [
        { start: 900_000, end: 1_000_000 },
        { start: 100_000, end: 100_100 },
        { start: 2 ** 32 + 1, end: COUNTER_SPACE_END },
        { start: 1_000_000, end: 1_100_000 },
      ];
      for (const range of published) expect(await store.publish(range)).toBe('published');
      const inOrder = [...published].sort((a, b) => a.start - b.start);
      for (const client of [store, await harness.another()]) {
        expect(await ranges(client)).toEqual(inOrder);
        expect(await ranges(client, 2)).toEqual(inOrder.slice(0, 2));
      }
    });

    test('what is there already is not published again', async () => {
      await store.publish(RANGE);
      expect(await store.publish(RANGE)).toBe('exists');
      expect(await (await harness.another()).publish(RANGE)).toBe('exists');
      expect(await ranges(store)).toEqual([RANGE]);
    });

    test('is claimed once, and gone for every client', async () => {
      await store.publish(RANGE);
      const other = await harness.another();
      const [mine, theirs] = [await only(store), await only(other)];
      expect(await other.claim(theirs)).toBe('claimed');
      expect(await store.claim(mine)).toBe('gone');
      expect(await other.claim(theirs)).toBe('gone');
      expect(await ranges(store)).toEqual([]);
    });

    test('only the one that was listed is claimed, not its neighbours', async () => {
      await store.publish(RANGE);
      await store.publish({ start: RANGE.end, end: RANGE.end + 500 });
      await store.publish({ start: RANGE.start - 500, end: RANGE.start });
      const { remainders } = await store.list(10);
      expect(await store.claim(remainders[1]!)).toBe('claimed');
      expect(await ranges(store)).toEqual([
        { start: RANGE.start - 500, end: RANGE.start },
        { start: RANGE.end, end: RANGE.end + 500 },
      ]);
    });

    test(`of ${CLAIMS} concurrent claims of one remainder exactly one wins`, async () => {
      const clients = [store, await harness.another(), await harness.another()];
      for (let round = 0; round < 3; round += 1) {
        await store.publish(RANGE);
        const listed = await Promise.all(clients.map(only));
        const answers = await Promise.all(
          Array.from({ length: CLAIMS }, (_, i) => clients[i % 3]!.claim(listed[i % 3]!)),
        );
        expect(answers.filter((answer) => answer === 'claimed')).toHaveLength(1);
        expect(await ranges(store)).toEqual([]);
      }
    });

    test('refuses to publish what is no range', async () => {
      for (const [start, end] of [
        [5, 5],
        [6, 5],
        [0, 5],
        [-1, 5],
        [1.5, 5],
        [1, COUNTER_SPACE_END + 1],
      ]) {
        await expect(store.publish({ start: start!, end: end! })).rejects.toThrow(RangeError);
      }
      expect(await store.list(10)).toEqual({ remainders: [], malformed: 0 });
    });

    test('entries that name no range are counted and left alone', async () => {
      if (!harness.addName) return;
      for (const name of MALFORMED) await harness.addName(name);
      await store.publish(RANGE);
      const { remainders, malformed } = await store.list(100);
      expect(remainders.map(({ range }) => range)).toEqual([RANGE]);
      expect(malformed).toBe(MALFORMED.length);
      expect(await store.claim(remainders[0]!)).toBe('claimed');
      expect((await store.list(100)).malformed).toBe(MALFORMED.length);
    });
  });
}
