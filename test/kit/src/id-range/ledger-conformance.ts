import {
  COUNTER_SPACE_END,
  FIRST_MARK,
  type LeaseRecord,
  type Ledger,
  type LedgerHead,
  LedgerMissingError,
} from '@lakh/id-range';

/** A ledger over a namespace that nobody has used yet. */
export interface LedgerHarness {
  readonly ledger: Ledger;
  /** A second client of the same namespace (another connection, another process). */
  another(): Promise<Ledger>;
  /** Puts one generated link into the store that this ledger guards. */
  addGeneratedLink(): Promise<void>;
  /** Removes the head row and leaves the lease rows, as a partial loss would. */
  dropHead(): Promise<void>;
  dispose(): Promise<void>;
}

const CLUSTER = '00000000-0000-4000-8000-000000000001';

function lease(start: number, end: number, serverId = 'server-1'): LeaseRecord {
  return {
    range: { start, end },
    holder: { serverId, host: 'host-1', processStartMs: 1_700_000_000_000, codec: 'base62' },
    leasedAtMs: 1_700_000_001_000,
    witnessVersion: 1,
  };
}

/** Each overlaps [1,000,000, 1,100,000) in another way. */
const OVERLAPS: readonly (readonly [how: string, start: number, end: number])[] = [
  ['is the same', 1_000_000, 1_100_000],
  ['lies inside', 1_040_000, 1_050_000],
  ['starts with it and is shorter', 1_000_000, 1_010_000],
  ['ends with it and is shorter', 1_090_000, 1_100_000],
  ['contains it', 900_000, 1_200_000],
  ['starts with it and is longer', 1_000_000, 1_200_000],
  ['ends with it and is longer', 900_000, 1_100_000],
  ['overlaps its beginning', 950_000, 1_050_000],
  ['overlaps its end', 1_050_000, 1_150_000],
  ['shares only its first counter', 900_000, 1_000_001],
  ['shares only its last counter', 1_099_999, 1_200_000],
];

/** Every {@link Ledger} behaves like this. Uses jest's globals; each test gets a fresh namespace. */
export function describeLedger(name: string, makeHarness: () => Promise<LedgerHarness>): void {
  describe(`ledger: ${name}`, () => {
    let harness: LedgerHarness;
    let ledger: Ledger;

    beforeEach(async () => {
      harness = await makeHarness();
      ledger = harness.ledger;
    });
    afterEach(() => harness.dispose());

    const head = async (from: Ledger = ledger): Promise<LedgerHead> => {
      const found = await from.head();
      if (found === 'missing') throw new Error('the head is missing');
      return found;
    };

    test('the head is missing before it was created, and reading does not create it', async () => {
      expect(await ledger.head()).toBe('missing');
      expect(await (await harness.another()).head()).toBe('missing');
      expect(await ledger.head()).toBe('missing');
    });

    test('creates once, virgin, and shows it to every client', async () => {
      expect(await ledger.create(FIRST_MARK, CLUSTER)).toBe('created');
      for (const client of [ledger, await harness.another()]) {
        expect(await client.head()).toEqual({ head: FIRST_MARK, clusterId: CLUSTER, virgin: true });
      }
    });

    test('a second create answers exists and changes nothing', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      expect(await ledger.create(7_000_000, 'another-cluster')).toBe('exists');
      expect(await (await harness.another()).create(7_000_000, 'another-cluster')).toBe('exists');
      expect(await ledger.head()).toEqual({ head: FIRST_MARK, clusterId: CLUSTER, virgin: true });
    });

    test('of concurrent creates exactly one wins, and its cluster id stays', async () => {
      const clients = [ledger, await harness.another(), await harness.another()];
      const answers = await Promise.all(clients.map((client, i) => client.create(FIRST_MARK, `cluster-${i}`)));
      expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
      expect((await head()).clusterId).toBe(`cluster-${answers.indexOf('created')}`);
    });

    test('is not created over generated links without a head', async () => {
      await harness.addGeneratedLink();
      expect(await ledger.create(FIRST_MARK, CLUSTER)).toBe('not-empty');
      expect(await ledger.head()).toBe('missing');
    });

    test('is not created over leases whose head was lost', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      await ledger.record(lease(100_000, 200_000));
      await harness.dropHead();
      expect(await ledger.head()).toBe('missing');
      expect(await ledger.create(FIRST_MARK, CLUSTER)).toBe('not-empty');
      expect(await ledger.head()).toBe('missing');
    });

    test('is not virgin once a generated link is in the store', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      await harness.addGeneratedLink();
      expect(await ledger.head()).toEqual({ head: FIRST_MARK, clusterId: CLUSTER, virgin: false });
    });

    test('refuses to record a lease without a head', async () => {
      await expect(ledger.record(lease(100_000, 200_000))).rejects.toBeInstanceOf(LedgerMissingError);
      await ledger.create(FIRST_MARK, CLUSTER);
      expect((await head()).virgin).toBe(true);
    });

    test('what was recorded is in the head that any client reads next', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      const other = await harness.another();
      for (let start = 100_000; start < 500_000; start += 100_000) {
        expect(await ledger.record(lease(start, start + 100_000))).toBe('recorded');
        expect(await other.head()).toEqual({ head: start + 100_000, clusterId: CLUSTER, virgin: false });
        expect(await other.record(lease(start, start + 100_000, 'server-2'))).toBe('overlap');
      }
    });

    test('the first counter of a range is covered and its end is not', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      expect(await ledger.record(lease(1_000_000, 1_100_000))).toBe('recorded');
      expect(await ledger.record(lease(1_100_000, 1_200_000))).toBe('recorded');
      expect(await ledger.record(lease(900_000, 1_000_000))).toBe('recorded');
      expect(await ledger.record(lease(1_200_000, 1_200_001))).toBe('recorded');
      expect(await ledger.record(lease(1_200_000, 1_200_001))).toBe('overlap');
    });

    test.each(OVERLAPS)('refuses a range that %s, and changes nothing', async (_how, start, end) => {
      await ledger.create(FIRST_MARK, CLUSTER);
      await ledger.record(lease(1_000_000, 1_100_000));
      const before = await head();
      expect(await ledger.record(lease(start, end, 'server-2'))).toBe('overlap');
      expect(await (await harness.another()).record(lease(start, end, 'server-2'))).toBe('overlap');
      expect(await ledger.head()).toEqual(before);
      // What the refused range would have covered outside the recorded one is still free.
      expect(await ledger.record(lease(899_000, 900_000))).toBe('recorded');
      expect(await ledger.record(lease(1_200_000, 1_201_000))).toBe('recorded');
    });

    test('a range that covers several leases is refused, also far below the head', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      for (const start of [100_000, 300_000, 900_000, 5_000_000]) await ledger.record(lease(start, start + 100_000));
      expect(await ledger.record(lease(150_000, 350_000))).toBe('overlap');
      expect(await ledger.record(lease(200_000, 901_000))).toBe('overlap');
      expect(await ledger.record(lease(100_000, 6_000_000))).toBe('overlap');
      expect((await head()).head).toBe(5_100_000);
    });

    test('leases of two servers may arrive out of order, and the head never shrinks', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      const other = await harness.another();
      expect(await other.record(lease(200_000, 300_000, 'server-2'))).toBe('recorded');
      expect((await head()).head).toBe(300_000);
      expect(await ledger.record(lease(100_000, 200_000))).toBe('recorded');
      expect((await head()).head).toBe(300_000);
      expect(await other.record(lease(100_000, 300_000, 'server-2'))).toBe('overlap');
      expect((await head(other)).head).toBe(300_000);
    });

    test('of concurrent records of one range exactly one wins', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      const clients = [ledger, await harness.another(), await harness.another(), await harness.another()];
      for (let round = 0; round < 5; round += 1) {
        const start = 1_000_000 * (round + 1);
        const answers = await Promise.all(
          clients.map((client, i) => client.record(lease(start, start + 100_000, `server-${i}`))),
        );
        expect([...answers].sort()).toEqual(['overlap', 'overlap', 'overlap', 'recorded']);
        expect((await head()).head).toBe(start + 100_000);
      }
    });

    test('of concurrent records that overlap in part exactly one wins', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      const other = await harness.another();
      for (let round = 0; round < 5; round += 1) {
        const start = 1_000_000 * (round + 1);
        const answers = await Promise.all([
          ledger.record(lease(start, start + 100_000)),
          other.record(lease(start + 99_999, start + 200_000, 'server-2')),
        ]);
        expect([...answers].sort()).toEqual(['overlap', 'recorded']);
      }
    });

    test('concurrent records of disjoint ranges all succeed, and the head is the highest end', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      const clients = [ledger, await harness.another(), await harness.another()];
      const starts = [700_000, 100_000, 400_000, 300_000, 600_000, 200_000, 500_000];
      const answers = await Promise.all(
        starts.map((start, i) => clients[i % clients.length]!.record(lease(start, start + 100_000))),
      );
      expect(answers).toEqual(starts.map(() => 'recorded'));
      expect((await head()).head).toBe(800_000);
    });

    test('refuses what is no range', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      await expect(ledger.record(lease(200_000, 200_000))).rejects.toThrow();
      await expect(ledger.record(lease(300_000, 200_000))).rejects.toThrow();
      await expect(ledger.record(lease(-100_000, 200_000))).rejects.toThrow();
      expect(await ledger.head()).toEqual({ head: FIRST_MARK, clusterId: CLUSTER, virgin: true });
    });

    test('counters survive exactly, up to the end of the space', async () => {
      await ledger.create(FIRST_MARK, CLUSTER);
      for (const end of [2 ** 31, 2 ** 32 + 1, 62 ** 6, COUNTER_SPACE_END - 1]) {
        expect(await ledger.record(lease(end - 10, end))).toBe('recorded');
        expect((await head()).head).toBe(end);
      }
      expect(await ledger.record(lease(COUNTER_SPACE_END - 1, COUNTER_SPACE_END))).toBe('recorded');
      expect((await head()).head).toBe(COUNTER_SPACE_END);
      expect(await ledger.record(lease(COUNTER_SPACE_END - 1, COUNTER_SPACE_END))).toBe('overlap');
    });
  });
}
