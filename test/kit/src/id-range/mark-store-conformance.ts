import { COUNTER_SPACE_END, FIRST_MARK, type MarkSnapshot, type MarkStore, WitnessCorruptError } from '@lakh/id-range';

/** A mark store over a namespace that nobody has used yet. */
export interface MarkStoreHarness {
  readonly store: MarkStore;
  /** A second client of the same namespace (another session, another process). */
  another(): Promise<MarkStore>;
  /** Overwrites what is stored under the mark, for stores that keep text. */
  corrupt?(text: string): Promise<void>;
  dispose(): Promise<void>;
}

export interface MarkStoreConformanceOptions {
  /** Stored texts that the store must refuse to read; {@link CORRUPT_MARK_TEXTS} for one that stores `<next> <ledgered>`. */
  readonly corruptTexts?: readonly string[];
}

/** None of these is a mark. `parseInt` would make one of most. */
export const CORRUPT_MARK_TEXTS: readonly string[] = [
  '',
  ' ',
  'NaN NaN',
  'one two',
  '100000',
  '100000 ',
  '100000 100000 100000',
  '-100000 0',
  '100000 -1',
  '100000.5 100000',
  '1e6 100000',
  '0x186a0 100000',
  '0100000 100000',
  `${COUNTER_SPACE_END + 1} 100000`,
  '99999999999999999999 100000',
];

const CLUSTER = '00000000-0000-4000-8000-000000000001';
const FIRST = { next: FIRST_MARK, ledgered: FIRST_MARK };

/** Every {@link MarkStore} behaves like this. Uses jest's globals; each test gets a fresh namespace. */
export function describeMarkStore(
  name: string,
  makeHarness: () => Promise<MarkStoreHarness>,
  options: MarkStoreConformanceOptions = {},
): void {
  describe(`mark store: ${name}`, () => {
    let harness: MarkStoreHarness;
    let store: MarkStore;

    beforeEach(async () => {
      harness = await makeHarness();
      store = harness.store;
    });
    afterEach(() => harness.dispose());

    const readMark = async (from: MarkStore = store): Promise<MarkSnapshot> => {
      const snapshot = await from.read();
      if (snapshot === 'missing') throw new Error('the mark is missing');
      return snapshot;
    };

    test('reads missing before it was created, for every client, and does not create by reading', async () => {
      expect(await store.read()).toBe('missing');
      expect(await (await harness.another()).read()).toBe('missing');
      expect(await store.read()).toBe('missing');
    });

    test('creates once, and shows mark and cluster id to every client', async () => {
      expect(await store.create(FIRST, CLUSTER)).toBe('created');
      for (const client of [store, await harness.another()]) {
        expect(await client.read()).toMatchObject({ mark: FIRST, clusterId: CLUSTER });
      }
    });

    test('a second create answers exists and changes nothing', async () => {
      await store.create(FIRST, CLUSTER);
      const other = await harness.another();
      expect(await other.create({ next: 7_000_000, ledgered: 7_000_000 }, 'another-cluster')).toBe('exists');
      expect(await store.create({ next: 7_000_000, ledgered: 7_000_000 }, 'another-cluster')).toBe('exists');
      expect(await store.read()).toMatchObject({ mark: FIRST, clusterId: CLUSTER });
    });

    test('of concurrent creates exactly one wins, and its values stay', async () => {
      const clients = [store, await harness.another(), await harness.another()];
      const answers = await Promise.all(clients.map((client, i) => client.create(FIRST, `cluster-${i}`)));
      expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
      expect((await readMark()).clusterId).toBe(`cluster-${answers.indexOf('created')}`);
    });

    test('a write at the version that was read succeeds, is seen by every client and keeps the cluster id', async () => {
      await store.create(FIRST, CLUSTER);
      const mark = { next: 200_000, ledgered: 150_000 };
      const { version } = await readMark();
      const write = await store.write(version, mark);
      expect(write).toEqual({ outcome: 'written', witnessVersion: expect.any(Number) });
      for (const client of [store, await harness.another()]) {
        expect(await client.read()).toMatchObject({ mark, clusterId: CLUSTER });
      }
    });

    test('a version succeeds once: the second write with it is stale and changes nothing', async () => {
      await store.create(FIRST, CLUSTER);
      const { version } = await readMark();
      expect((await store.write(version, { next: 200_000, ledgered: 100_000 })).outcome).toBe('written');
      expect(await store.write(version, { next: 300_000, ledgered: 100_000 })).toEqual({ outcome: 'stale' });
      expect((await readMark()).mark.next).toBe(200_000);
    });

    test('a version from before the write of another client is stale, from the very first write on', async () => {
      await store.create(FIRST, CLUSTER);
      const other = await harness.another();
      for (const next of [200_000, 300_000, 400_000]) {
        const mine = await readMark();
        const theirs = await readMark(other);
        expect((await other.write(theirs.version, { next, ledgered: 100_000 })).outcome).toBe('written');
        expect(await store.write(mine.version, { next: next + 1, ledgered: 100_000 })).toEqual({ outcome: 'stale' });
        expect((await readMark()).mark.next).toBe(next);
      }
    });

    test('a write of the same value still outdates the versions read before it', async () => {
      await store.create(FIRST, CLUSTER);
      const other = await harness.another();
      const mine = await readMark();
      expect((await other.write((await readMark(other)).version, FIRST)).outcome).toBe('written');
      expect(await store.write(mine.version, { next: 200_000, ledgered: 100_000 })).toEqual({ outcome: 'stale' });
    });

    test('each write produces another witness version, and they grow', async () => {
      await store.create(FIRST, CLUSTER);
      const seen: number[] = [];
      for (const next of [200_000, 300_000, 400_000]) {
        const write = await store.write((await readMark()).version, { next, ledgered: 100_000 });
        if (write.outcome === 'written') seen.push(write.witnessVersion);
      }
      expect(seen).toHaveLength(3);
      expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(seen);
    });

    test('of concurrent writes at one version exactly one succeeds, and the mark is its', async () => {
      await store.create(FIRST, CLUSTER);
      const clients = [store, await harness.another(), await harness.another(), await harness.another()];
      for (let round = 0; round < 5; round += 1) {
        const snapshots = await Promise.all(clients.map((client) => readMark(client)));
        const nexts = clients.map((_, i) => 1_000_000 * (round + 1) + i);
        const writes = await Promise.all(
          clients.map((client, i) => client.write(snapshots[i]!.version, { next: nexts[i]!, ledgered: 100_000 })),
        );
        const winners = writes.flatMap((write, i) => (write.outcome === 'written' ? [i] : []));
        expect(winners).toHaveLength(1);
        expect((await readMark()).mark.next).toBe(nexts[winners[0]!]);
      }
    });

    test('concurrent read-and-write loops hand out each step once', async () => {
      await store.create(FIRST, CLUSTER);
      const clients = [store, await harness.another(), await harness.another()];
      const steps = 10;
      const won = await Promise.all(
        clients.map(async (client) => {
          const mine: number[] = [];
          // Bounded: each stale answer means that another loop took a step, and there are only so many.
          for (let attempt = 0; mine.length < steps && attempt < 50 * steps; attempt += 1) {
            const { mark, version } = await readMark(client);
            const write = await client.write(version, { next: mark.next + 10, ledgered: mark.ledgered });
            if (write.outcome === 'written') mine.push(mark.next);
          }
          return mine;
        }),
      );
      const all = won.flat().sort((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: clients.length * steps }, (_, i) => FIRST_MARK + 10 * i));
    });

    test('counters survive exactly, up to the end of the space', async () => {
      await store.create(FIRST, CLUSTER);
      for (const next of [2 ** 31, 2 ** 32 + 1, 62 ** 6, COUNTER_SPACE_END - 1, COUNTER_SPACE_END]) {
        const mark = { next, ledgered: next - 1 };
        expect((await store.write((await readMark()).version, mark)).outcome).toBe('written');
        expect((await readMark()).mark).toEqual(mark);
      }
    });

    for (const text of options.corruptTexts ?? []) {
      test(`refuses to read ${JSON.stringify(text)}, and does not repair it by reading`, async () => {
        await store.create(FIRST, CLUSTER);
        if (!harness.corrupt) throw new Error('corruptTexts need a harness that can corrupt');
        await harness.corrupt(text);
        await expect(store.read()).rejects.toBeInstanceOf(WitnessCorruptError);
        await expect((await harness.another()).read()).rejects.toBeInstanceOf(WitnessCorruptError);
        expect(await store.create(FIRST, CLUSTER)).toBe('exists');
      });
    }
  });
}
