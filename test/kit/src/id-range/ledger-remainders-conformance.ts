import { FIRST_MARK, type LeaseHolder, type Ledger, type LedgerHead } from '@lakh/id-range';
import type { LedgerHarness } from './ledger-conformance.js';

const holder = (serverId: string, more: Partial<LeaseHolder> = {}): LeaseHolder => ({
  serverId,
  host: 'host-1',
  processStartMs: 1_700_000_000_000,
  codec: 'base62',
  ...more,
});
const OWNER = holder('server-1');
const OTHER = holder('server-2');
const LEASE = { start: 1_000_000, end: 1_100_000 };
const TAIL = { start: 1_030_000, end: 1_100_000 };
const CLAIMS = 50;

/** How a {@link Ledger} takes tails back and gives them on (I4). Uses jest's globals; each test gets a fresh namespace. */
export function describeLedgerRemainders(name: string, makeHarness: () => Promise<LedgerHarness>): void {
  describe(`remainders in the ledger: ${name}`, () => {
    let harness: LedgerHarness;
    let ledger: Ledger;
    let atMs: number;

    const record = (range: { start: number; end: number }, by = OWNER) =>
      ledger.record({ range, holder: by, leasedAtMs: 1, witnessVersion: 1 });
    const release = (start: number, end: number, by = OWNER) => ledger.release({ start, end }, by, ++atMs);
    const claim = (start: number, end: number, by = OTHER) => ledger.claim({ start, end }, by, ++atMs);

    beforeEach(async () => {
      harness = await makeHarness();
      ledger = harness.ledger;
      atMs = 1_700_000_002_000;
      await ledger.create(FIRST_MARK, 'cluster-1');
      await record(LEASE);
    });
    afterEach(() => harness.dispose());

    test('a released tail is claimed once, by any client, with exactly its bounds', async () => {
      expect(await release(TAIL.start, TAIL.end)).toBe('released');
      const other = await harness.another();
      for (const [start, end] of [
        [TAIL.start, TAIL.end - 1],
        [TAIL.start + 1, TAIL.end],
        [TAIL.start - 1, TAIL.end],
        [TAIL.start, TAIL.end + 1],
        [LEASE.start, LEASE.end],
        [LEASE.start, TAIL.start],
      ] as const) {
        expect([start, end, await other.claim({ start, end }, OTHER, 1)]).toEqual([start, end, 'refused']);
      }
      expect(await other.claim(TAIL, OTHER, 1)).toBe('claimed');
      expect(await other.claim(TAIL, OTHER, 1)).toBe('refused');
      expect(await claim(TAIL.start, TAIL.end, OWNER)).toBe('refused');
    });

    test('a lease of which nothing was used is released whole', async () => {
      expect(await release(LEASE.start, LEASE.end)).toBe('released');
      expect(await release(LEASE.start, LEASE.end)).toBe('refused');
      expect(await claim(LEASE.start, LEASE.end)).toBe('claimed');
    });

    test('only its holder releases a lease: the same server, host and start of the process', async () => {
      const strangers = [
        OTHER,
        holder('SERVER-1'),
        holder('server-1', { host: 'host-2' }),
        holder('server-1', { processStartMs: OWNER.processStartMs + 1 }),
      ];
      for (const stranger of strangers) {
        expect(await release(TAIL.start, TAIL.end, stranger)).toBe('refused');
        expect(await release(LEASE.start, LEASE.end, stranger)).toBe('refused');
      }
      expect(await claim(TAIL.start, TAIL.end)).toBe('refused');
      expect(await release(TAIL.start, TAIL.end)).toBe('released');
    });

    test.each([
      ['ends below the lease', TAIL.start, LEASE.end - 1],
      ['ends above the lease', TAIL.start, LEASE.end + 1],
      ['starts below the lease', LEASE.start - 1, LEASE.end],
      ['lies below every lease', 200_000, 300_000],
      ['lies above every lease', 2_000_000, 2_100_000],
    ])('a tail that %s is refused, and nothing changes', async (_how, start, end) => {
      expect(await release(start, end)).toBe('refused');
      expect(await claim(start, end)).toBe('refused');
      expect(await release(TAIL.start, TAIL.end)).toBe('released');
    });

    test('what is left below a tail stays its holder’s, who may cut it again', async () => {
      await release(TAIL.start, TAIL.end);
      expect(await claim(LEASE.start, TAIL.start)).toBe('refused');
      expect(await release(TAIL.start, TAIL.end)).toBe('refused');
      expect(await release(1_020_000, TAIL.end)).toBe('refused');
      expect(await release(1_020_000, TAIL.start)).toBe('released');
      expect(await claim(TAIL.start, TAIL.end)).toBe('claimed');
      expect(await claim(1_020_000, TAIL.start)).toBe('claimed');
    });

    test('who claimed a tail may release what is left of it, and who released it before may not', async () => {
      await release(TAIL.start, TAIL.end);
      await claim(TAIL.start, TAIL.end);
      expect(await release(TAIL.start, TAIL.end, OWNER)).toBe('refused');
      expect(await release(1_050_000, TAIL.end, OWNER)).toBe('refused');
      expect(await release(1_050_000, TAIL.end, OTHER)).toBe('released');
      expect(await claim(TAIL.start, TAIL.end, OWNER)).toBe('refused');
      expect(await claim(1_050_000, TAIL.end, OWNER)).toBe('claimed');
    });

    test('a whole tail goes from hand to hand, one claim each time', async () => {
      let giver = OWNER;
      for (let round = 0; round < 5; round += 1) {
        const taker = holder(`server-of-round-${round}`);
        expect(await release(TAIL.start, TAIL.end, giver)).toBe('released');
        expect(await claim(TAIL.start, TAIL.end, taker)).toBe('claimed');
        expect(await claim(TAIL.start, TAIL.end, OWNER)).toBe('refused');
        giver = taker;
      }
    });

    test('nothing that was ever leased is recorded again, whatever became of it', async () => {
      await release(TAIL.start, TAIL.end);
      const parts = [LEASE, TAIL, { start: LEASE.start, end: TAIL.start }, { start: 1_029_999, end: 1_030_001 }];
      for (const part of parts) expect(await record(part, OTHER)).toBe('overlap');
      await claim(TAIL.start, TAIL.end);
      for (const part of parts) expect(await record(part, OTHER)).toBe('overlap');
    });

    test('the head stays as it was, and the namespace is no more virgin than before', async () => {
      const before = (await ledger.head()) as LedgerHead;
      await release(TAIL.start, TAIL.end);
      await claim(TAIL.start, TAIL.end);
      expect(await ledger.head()).toEqual(before);
    });

    test(`of ${CLAIMS} concurrent claims of one remainder exactly one wins`, async () => {
      const clients = [ledger, await harness.another(), await harness.another(), await harness.another()];
      for (let round = 0; round < 3; round += 1) {
        const range = { start: 2_000_000 + round * 100_000, end: 2_100_000 + round * 100_000 };
        await record(range);
        await release(range.start, range.end);
        const answers = await Promise.all(
          Array.from({ length: CLAIMS }, (_, i) => clients[i % 4]!.claim(range, holder(`server-${i}`), 1)),
        );
        expect(answers.filter((answer) => answer === 'claimed')).toHaveLength(1);
        const winner = holder(`server-${answers.indexOf('claimed')}`);
        for (let i = 0; i < CLAIMS; i += 7) {
          if (i !== answers.indexOf('claimed')) {
            expect(await release(range.start, range.end, holder(`server-${i}`))).toBe('refused');
          }
        }
        expect(await release(range.start, range.end, winner)).toBe('released');
      }
    });

    test('of concurrent releases of one tail exactly one is done, also when they overlap', async () => {
      const other = await harness.another();
      const answers = await Promise.all([
        ledger.release(TAIL, OWNER, 5),
        other.release(TAIL, OWNER, 6),
        ledger.release({ ...TAIL, start: TAIL.start + 10 }, OWNER, 7),
        other.release({ ...TAIL, start: TAIL.start - 10 }, OWNER, 8),
      ]);
      expect(answers.filter((answer) => answer === 'released')).toHaveLength(1);
    });

    test('refuses what is no range', async () => {
      await expect(release(TAIL.end, TAIL.end)).rejects.toThrow();
      await expect(release(TAIL.end, TAIL.start)).rejects.toThrow();
      await expect(claim(-1, TAIL.end)).rejects.toThrow();
    });
  });
}
