import {
  type CounterRange,
  type Ledger,
  ReclaimingLease,
  type ReclaimingLeaseOptions,
  type RemainderStore,
  UnknownOutcomeError,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { handClock, hastyClock, override, witnesses } from './support.js';

const SIZE = 1000;
const HOLDER = { serverId: 'server', host: 'host', processStartMs: 1, codec: 'base62' };

/** A server that gave back ten whole ranges, and one that may take them, watched by nobody. */
async function setUp() {
  const { node, ledger, server } = witnesses();
  const store = node.remainders();
  const open = (
    options: Partial<ReclaimingLeaseOptions> & { inStore?: Partial<RemainderStore>; inLedger?: Partial<Ledger> } = {},
  ) =>
    new ReclaimingLease({
      lease: server({ holder: HOLDER }),
      remainders: override(store, options.inStore ?? {}),
      ledger: override(ledger.client(), options.inLedger ?? {}),
      clock: hastyClock,
      random: () => 0.999,
      holder: HOLDER,
      ...options,
    });
  const giver = open();
  const ranges: CounterRange[] = [];
  for (let i = 0; i < 10; i += 1) ranges.push(await giver.lease(SIZE));
  await giver.release(ranges, 1000);
  expect(node.released).toHaveLength(10);
  const nextNew = { start: 110_000, end: 111_000 };
  return { node, ledger, store, open, nextNew };
}

/** Claims of the store that note what was asked for; the first `gone` of them find that another server was first. */
function claims(store: RemainderStore, gone: number) {
  const asked: number[] = [];
  const claim: RemainderStore['claim'] = async (remainder) => {
    asked.push(remainder.range.start);
    return asked.length <= gone ? 'gone' : store.claim(remainder);
  };
  return { asked, claim };
}

describe('which remainder a lease takes', () => {
  test('is the first; after meeting another server, one of the next four by the luck of the draw', async () => {
    const { store, open } = await setUp();
    const { asked, claim } = claims(store, 2);
    expect(await open({ inStore: { claim } }).lease(SIZE)).toEqual({ start: 105_000, end: 106_000 });
    expect(asked).toEqual([100_000, 104_000, 105_000]);
  });

  test('is by the luck of the draw the first again', async () => {
    const { store, open } = await setUp();
    const { asked, claim } = claims(store, 2);
    expect(await open({ inStore: { claim }, random: () => 0 }).lease(SIZE)).toEqual({ start: 102_000, end: 103_000 });
    expect(asked).toEqual([100_000, 101_000, 102_000]);
  });

  test('is one that is there, where fewer than four are left', async () => {
    const { store, open, nextNew } = await setUp();
    const { asked, claim } = claims(store, 99);
    const list: RemainderStore['list'] = async (limit) => {
      const listed = await store.list(limit);
      return { ...listed, remainders: listed.remainders.slice(0, 3) };
    };
    expect(await open({ inStore: { claim, list } }).lease(SIZE)).toEqual(nextNew);
    expect(asked).toEqual([100_000, 102_000, 101_000]);
  });

  test('is the first again where the ledger refused one: nobody else was met', async () => {
    const { store, ledger, open } = await setUp();
    const { asked, claim } = claims(store, 0);
    let refusals = 2;
    const inLedger: Partial<Ledger> = {
      claim: async (...args) => (refusals-- > 0 ? 'refused' : ledger.client().claim(...args)),
    };
    expect(await open({ inStore: { claim }, inLedger }).lease(SIZE)).toEqual({ start: 102_000, end: 103_000 });
    expect(asked).toEqual([100_000, 101_000, 102_000]);
  });

  test('is none after eight that others took', async () => {
    const { store, open, nextNew } = await setUp();
    const { asked, claim } = claims(store, 99);
    expect(await open({ inStore: { claim } }).lease(SIZE)).toEqual(nextNew);
    expect(asked).toHaveLength(8);
  });

  test('is none once a witness does not answer: there is no use in asking it again', async () => {
    for (const error of [
      new UnknownOutcomeError('silence'),
      new WitnessUnavailableError('down'),
      new TypeError('bug'),
    ]) {
      const { node, open, nextNew } = await setUp();
      const fails = jest.fn(() => Promise.reject(error));
      expect(await open({ inStore: { claim: fails } }).lease(SIZE)).toEqual(nextNew);
      expect(fails).toHaveBeenCalledTimes(1);
      expect(node.released).toHaveLength(10);
      expect(await open({ inLedger: { claim: fails } }).lease(SIZE)).toMatchObject({ start: 111_000 });
      expect(fails).toHaveBeenCalledTimes(2);
      expect(node.released).toHaveLength(9);
    }
  });

  test('costs no question about the mark where there is none', async () => {
    const { server, node, ledger } = witnesses();
    const lease = server();
    const mark = jest.spyOn(lease, 'mark');
    const options = { lease, remainders: node.remainders(), ledger: ledger.client(), clock: hastyClock };
    await new ReclaimingLease({ ...options, random: () => 0, holder: HOLDER }).lease(SIZE);
    expect(mark).not.toHaveBeenCalled();
  });

  test('is looked for among 64 at a time', async () => {
    const { store, open } = await setUp();
    const list = jest.fn(store.list);
    await open({ inStore: { list } }).lease(SIZE);
    expect(list.mock.calls).toEqual([[64]]);
  });

  test('is none where there was never a lease, or where an entry is empty', async () => {
    const virgin = witnesses();
    virgin.node.addReleased('100000-101000');
    const options = { clock: hastyClock, random: () => 0, holder: HOLDER };
    const lease = new ReclaimingLease({
      ...options,
      lease: virgin.server(),
      remainders: virgin.node.remainders(),
      ledger: virgin.ledger.client(),
    });
    expect(await lease.lease(SIZE)).toEqual({ start: 100_000, end: 101_000 });
    expect(virgin.node.released).toHaveLength(1);

    const { store, open, nextNew } = await setUp();
    const [remainder] = (await store.list(1)).remainders;
    const empty = { ...remainder!, range: { start: 100_500, end: 100_500 } };
    const { asked, claim } = claims(store, 0);
    const list = async () => ({ remainders: [empty], malformed: 0 });
    expect(await open({ inStore: { list, claim } }).lease(SIZE)).toEqual(nextNew);
    expect(asked).toEqual([]);
  });

  test('ends at or below the end that the server was told of, the lowest of them if there were several', async () => {
    const { open } = await setUp();
    const told = open();
    told.endAt(101_000, 'another key');
    told.endAt(105_000, 'a later one');
    expect(await told.lease(SIZE)).toEqual({ start: 100_000, end: 101_000 });
    await expect(told.lease(SIZE)).rejects.toThrow('another key');
  });
});

describe('how long a claim may take', () => {
  test.each([
    [undefined, 10_000],
    [500, 500],
  ])('%p: %d ms and no longer', async (attemptLimitMs, limitMs) => {
    for (const tookMs of [limitMs, limitMs + 1]) {
      for (const slow of ['inStore', 'inLedger'] as const) {
        const { ledger, store, open, nextNew } = await setUp();
        const { clock, hands } = handClock();
        const late = <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
          jest.fn((...args: A) => {
            hands.monotonicMs += tookMs;
            return call(...args);
          });
        const claim = slow === 'inStore' ? late(store.claim) : late(ledger.client().claim);
        const lease = open({ clock, [slow]: { claim }, ...(attemptLimitMs ? { attemptLimitMs } : {}) });
        expect(await lease.lease(SIZE)).toEqual(tookMs === limitMs ? { start: 100_000, end: 101_000 } : nextNew);
        // One that was too slow is followed by none: the next would be as slow.
        expect(claim).toHaveBeenCalledTimes(1);
      }
    }
  });
});

describe('giving back', () => {
  test('the smallest tail that is worth it can be set', async () => {
    const { node, open } = await setUp();
    const lease = open({ smallestTail: 7 });
    await lease.release([{ ...(await lease.lease(SIZE)), start: 100_994 }], 1000);
    await lease.release([{ ...(await lease.lease(SIZE)), start: 101_993 }], 1000);
    expect(node.released).toContain('101993-102000');
    expect(node.released).not.toContain('100994-101000');
  });

  test('begins with none at the deadline itself', async () => {
    const { node, open } = await setUp();
    const lease = open();
    const range = await lease.lease(SIZE);
    await lease.release([range], 0);
    expect(node.released).not.toContain('100000-101000');
    await lease.release([range], 1);
    expect(node.released).toContain('100000-101000');
  });

  test('fails without a word where nobody watches', async () => {
    const { node, open } = await setUp();
    const silence = () => Promise.reject(new UnknownOutcomeError('silence'));
    const range = await open().lease(SIZE);
    const released = node.released.length;
    await open({ inLedger: { release: silence } }).release([range], 1000);
    await open({ inLedger: { release: async () => 'refused' } }).release([range], 1000);
    await open({ inStore: { publish: silence } }).release([range], 1000);
    await open({ inLedger: { release: async () => 'released' }, inStore: { publish: async () => 'exists' } }).release(
      [range, { start: range.start, end: range.start + 5 }],
      1000,
    );
    expect(node.released).toHaveLength(released);
    const list = () => Promise.reject(new WitnessUnavailableError('down'));
    expect(await open({ inStore: { list } }).lease(SIZE)).toEqual({ start: 110_000, end: 111_000 });
    for (const name of ['nonsense', '99000-100000']) node.addReleased(name);
    expect(await open().lease(SIZE)).toEqual({ start: 101_000, end: 102_000 });
  });
});
