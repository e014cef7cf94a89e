import { createHash, randomBytes } from 'node:crypto';
import type { Reservation, ReservationStore } from '@lakh/links';
import { SampleLinks } from './sample-links.js';

export interface ReservationStoreHarness {
  readonly store: ReservationStore;
  /** Another process's view of the same reservations. */
  another(): Promise<ReservationStore>;
  dispose(): Promise<void>;
}

const AT_MS = 1_790_000_000_123;

/** What every ReservationStore does. */
export function describeReservationStore(name: string, open: () => Promise<ReservationStoreHarness>): void {
  describe(`ReservationStore: ${name}`, () => {
    const sample = new SampleLinks();
    let harness: ReservationStoreHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.dispose());

    const newKey = () => randomBytes(32).toString('hex');
    function reservation(changes: Partial<Reservation> = {}): Reservation {
      const { kind, code, counter, insertId } = sample.generated();
      return { kind, code, counter, insertId, requestHash: hash(code), reservedAtMs: AT_MS, ...changes };
    }

    test('keeps the first of a key, for every process, and answers it to the others', async () => {
      const { store } = harness;
      const [key, first] = [newKey(), reservation()];
      expect(await store.find(key)).toBeUndefined();
      expect(await store.reserve(key, first)).toEqual(first);
      expect(await store.reserve(key, reservation())).toEqual(first);
      expect(await store.reserve(newKey(), reservation())).not.toEqual(first);
      const another = await harness.another();
      expect(await another.reserve(key, reservation())).toEqual(first);
      expect(await another.find(key)).toEqual(first);
    });

    test('keeps aliases as it keeps generated codes, whatever their characters', async () => {
      const alias = reservation({ kind: 'alias', code: `A-b_${'x'.repeat(60)}`, counter: 0 });
      const key = newKey();
      expect(await harness.store.reserve(key, alias)).toEqual(alias);
      expect(await harness.store.find(key)).toEqual(alias);
      const last = reservation({ counter: 62 ** 7 - 1, insertId: 'F'.repeat(32), reservedAtMs: 0 });
      expect(await harness.store.reserve(newKey(), last)).toEqual(last);
    });

    test('puts one in the place of that very one, and of no other', async () => {
      const { store } = harness;
      const [key, first, second, third] = [newKey(), reservation(), reservation(), reservation()];
      await store.reserve(key, first);
      expect(await store.reserve(key, second, reservation())).toEqual(first);
      expect(await store.reserve(key, second, first)).toEqual(second);
      expect(await store.reserve(key, third, first)).toEqual(second);
      expect(await store.find(key)).toEqual(second);
    });

    test('keeps one in the place of what was forgotten', async () => {
      const [key, own] = [newKey(), reservation()];
      expect(await harness.store.reserve(key, own, reservation())).toEqual(own);
      expect(await harness.store.find(key)).toEqual(own);
    });

    test('of many callers at once one wins, and all are told who', async () => {
      const stores = [harness.store, await harness.another()];
      const key = newKey();
      const told = await Promise.all(Array.from({ length: 20 }, (_, i) => stores[i % 2]!.reserve(key, reservation())));
      const standing = await harness.store.find(key);
      expect(told).toEqual(told.map(() => standing));
      const instead = await Promise.all(
        Array.from({ length: 20 }, (_, i) => stores[i % 2]!.reserve(key, reservation(), standing)),
      );
      expect(instead).toEqual(told.map(() => instead[0]));
      expect(instead[0]).not.toEqual(standing);
    });

    test('forgets what is older than it is told, in pieces', async () => {
      const { store } = harness;
      const ages = [100, 300, 200, 500];
      const own = ages.map((reservedAtMs) => [newKey(), reservation({ reservedAtMs })] as const);
      while ((await store.forget(100, 10)) === 10);
      for (const [key, each] of own) await store.reserve(key, each);
      expect(await store.forget(300, 1)).toBe(1);
      expect(await store.forget(300, 10)).toBe(1);
      expect(await store.forget(300, 10)).toBe(0);
      const left = await Promise.all(own.map(([key]) => store.find(key)));
      expect(left.map((each) => each?.reservedAtMs)).toEqual([undefined, 300, undefined, 500]);
    });
  });
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
