import {
  type CounterRange,
  FIRST_MARK,
  type LeaseHolder,
  type Ledger,
  ReclaimingLease,
  type ReclaimingLeaseOptions,
  type RemainderObserver,
  type RemainderStore,
  UnknownOutcomeError,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { SimulatedClock, seededRandom } from '@lakh/testkit';
import { handClock, hastyClock, override, witnesses } from './support.js';

const SIZE = 100_000;
const unknown = async (): Promise<never> => {
  throw new UnknownOutcomeError('simulated');
};
const unavailable = async (): Promise<never> => {
  throw new WitnessUnavailableError('simulated');
};

/** Remembers what it is told, in words. */
function remainderLog() {
  const told: string[] = [];
  const of = ({ start, end }: CounterRange) => `${start}-${end}`;
  const observer: RemainderObserver = {
    published: (range) => told.push(`published ${of(range)}`),
    notPublished: (reason, range) => told.push(`${reason} ${of(range)}`),
    claimed: (range) => told.push(`claimed ${of(range)}`),
    notClaimed: (reason, range) => told.push(`${reason} ${of(range)}`),
    missed: (range) => told.push(`missed ${of(range)}`),
    implausible: (range) => told.push(`implausible ${of(range)}`),
    malformed: (count) => told.push(`malformed ${count}`),
    unlisted: () => told.push('unlisted'),
  };
  return { told, observer };
}

function setUp() {
  const { node, ledger, server, log } = witnesses();
  let servers = 0;
  /** A server of its own holder, and what it tells. */
  const open = (
    options: Partial<ReclaimingLeaseOptions> & { inLedger?: Partial<Ledger>; inStore?: Partial<RemainderStore> } = {},
  ) => {
    const holder: LeaseHolder = { serverId: `server-${++servers}`, host: 'host', processStartMs: 1, codec: 'base62' };
    const { told, observer } = remainderLog();
    const client = override(ledger.client(), options.inLedger ?? {});
    const lease = new ReclaimingLease({
      lease: server({ holder, ledger: client }),
      remainders: override(node.remainders(), options.inStore ?? {}),
      ledger: client,
      clock: hastyClock,
      random: () => 0.5,
      holder,
      observer,
      ...options,
    });
    return { lease, told, holder };
  };
  const rows = () =>
    ledger.leases
      .map(({ range, holder, state }) => `${range.start}-${range.end} ${state} ${holder.serverId}`)
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  /** A server that leased a range, used `used` counters of it, and gave the rest back. */
  const giveBack = async (used: number) => {
    const giver = open();
    const { start, end } = await giver.lease.lease(SIZE);
    await giver.lease.release([{ start: start + used, end }], 1000);
    return { start: start + used, end };
  };
  return { node, ledger, log, open, rows, giveBack };
}

describe('giving back', () => {
  test('a tail is cut off the lease on record, then offered; the next server takes it instead of leasing', async () => {
    const { node, log, open, rows } = setUp();
    const giver = open();
    const range = await giver.lease.lease(SIZE);
    const tail = { start: range.start + 500, end: range.end };
    await giver.lease.release([tail], 1000);
    expect(giver.told).toEqual(['published 100500-200000']);
    expect(rows()).toEqual(['100000-100500 leased server-1', '100500-200000 released server-1']);
    expect(node.released).toEqual(['100500-200000']);

    const taker = open();
    expect(await taker.lease.lease(SIZE)).toEqual(tail);
    expect(taker.told).toEqual(['claimed 100500-200000']);
    expect(rows()).toEqual(['100000-100500 leased server-1', '100500-200000 leased server-2']);
    expect(node.released).toEqual([]);
    expect(log.ranges).toHaveLength(1);
    expect(await taker.lease.lease(SIZE)).toEqual({ start: 200_000, end: 300_000 });
  });

  test('a range of which nothing was used is given back whole', async () => {
    const { giveBack, rows } = setUp();
    await giveBack(0);
    expect(rows()).toEqual(['100000-200000 released server-1']);
  });

  test('a tail under a hundred counters is not worth it; one of a hundred is', async () => {
    const { node, open } = setUp();
    const { lease, told } = open();
    const [first, second] = [await lease.lease(SIZE), await lease.lease(SIZE)];
    await lease.release(
      [
        { start: first.end - 99, end: first.end },
        { start: second.end - 100, end: second.end },
      ],
      1000,
    );
    expect(told).toEqual(['tail_too_short 199901-200000', 'published 299900-300000']);
    expect(node.released).toEqual(['299900-300000']);
  });

  test('what this process did not lease, or gave back before, is refused by the ledger and not offered', async () => {
    const { node, open } = setUp();
    const [giver, stranger] = [open(), open()];
    const range = await giver.lease.lease(SIZE);
    await stranger.lease.release([range], 1000);
    expect(stranger.told).toEqual(['release_refused 100000-200000']);
    await giver.lease.release([range, range], 1000);
    expect(giver.told).toEqual(['published 100000-200000', 'release_refused 100000-200000']);
    expect(node.released).toEqual(['100000-200000']);
  });

  test.each([
    ['release_failed', unavailable, (release: typeof unavailable) => ({ inLedger: { release } })],
    ['release_unknown', unknown, (release: typeof unknown) => ({ inLedger: { release } })],
    ['publish_failed', unavailable, (publish: typeof unavailable) => ({ inStore: { publish } })],
    ['publish_unknown', unknown, (publish: typeof unknown) => ({ inStore: { publish } })],
  ])('%s: the tail is lost, nothing is tried again, and the next tail has its turn', async (reason, fail, into) => {
    const { node, open } = setUp();
    const failing = jest.fn(fail);
    const { lease, told } = open(into(failing));
    await lease.release([await lease.lease(SIZE), await lease.lease(SIZE)], 1000);
    expect(told).toEqual([`${reason} 100000-200000`, `${reason} 200000-300000`]);
    expect(failing).toHaveBeenCalledTimes(2);
    expect(node.released).toEqual([]);
  });

  test('an entry that is there already, though nobody else can have made it: the tail is told of as lost', async () => {
    const { node, open } = setUp();
    const { lease, told } = open();
    const range = await lease.lease(SIZE);
    node.addReleased('100000-200000');
    await lease.release([range], 1000);
    expect(told).toEqual(['publish_exists 100000-200000']);
  });

  test('no tail is begun after the deadline', async () => {
    const clock = new SimulatedClock();
    const { open, ledger } = setUp();
    const slow = ledger.client();
    const release: Ledger['release'] = async (...args) => {
      await new Promise<void>((resolve) => {
        clock.schedule(700, resolve);
      });
      return slow.release(...args);
    };
    const { lease, told } = open({ clock, inLedger: { release } });
    const ranges = [await lease.lease(SIZE), await lease.lease(SIZE), await lease.lease(SIZE)];
    const done = lease.release(ranges, 1000);
    await clock.advance(2000);
    await done;
    expect(told).toEqual(['published 100000-200000', 'published 200000-300000', 'no_time 300000-400000']);
  });
});

describe('taking', () => {
  test('takes the smallest start first, one range a lease, and leases when none is left', async () => {
    const { open } = setUp();
    const givers = [open(), open(), open()];
    const ranges: CounterRange[] = [];
    for (const { lease } of givers) ranges.push(await lease.lease(SIZE));
    for (const i of [2, 0, 1]) await givers[i]!.lease.release([{ ...ranges[i]!, start: ranges[i]!.start + 7 }], 1000);
    const { lease } = open();
    expect((await lease.lease(SIZE)).start).toBe(100_007);
    expect((await lease.lease(SIZE)).start).toBe(200_007);
    expect((await lease.lease(SIZE)).start).toBe(300_007);
    expect((await lease.lease(SIZE)).start).toBe(400_000);
  });

  test('fifty servers that want six remainders at once: each is taken once, and the others lease', async () => {
    const { node, open } = setUp();
    const giver = open();
    const ranges: CounterRange[] = [];
    for (let i = 0; i < 6; i += 1) ranges.push(await giver.lease.lease(SIZE));
    await giver.lease.release(ranges, 1000);
    const random = seededRandom(1);
    const takers = Array.from({ length: 50 }, () => open({ random }));
    const taken = await Promise.all(takers.map(({ lease }) => lease.lease(SIZE)));
    const starts = taken.map(({ start }) => start).sort((a, b) => a - b);
    expect(starts).toEqual(Array.from({ length: 50 }, (_, i) => FIRST_MARK + i * SIZE));
    expect(takers.flatMap(({ told }) => told.filter((line) => line.startsWith('claimed')))).toHaveLength(6);
    expect(node.released).toEqual([]);
  });

  test('one that lies above the mark, in part or whole, or below the first one, is left alone: nobody leased it', async () => {
    const { node, open, giveBack } = setUp();
    const tail = await giveBack(10);
    for (const name of ['199900-200001', '200000-300000', '99999-100005', 'nonsense']) node.addReleased(name);
    const { lease, told } = open();
    expect(await lease.lease(SIZE)).toEqual(tail);
    expect(told).toEqual([
      'malformed 1',
      'implausible 99999-100005',
      'implausible 199900-200001',
      'implausible 200000-300000',
      'claimed 100010-200000',
    ]);
    expect(node.released).toHaveLength(4);
  });

  test('one beyond the end of the codec’s space is left to servers whose codec covers it', async () => {
    const { node, open, giveBack } = setUp();
    const tail = await giveBack(10);
    const { lease, told } = open({ spaceEnd: 199_999 });
    expect((await lease.lease(SIZE)).start).toBe(200_000);
    expect(told).toEqual([`implausible ${tail.start}-${tail.end}`]);
    expect(node.released).toHaveLength(1);
  });

  test('one beyond an end that the server was told of is left to others, and nothing is wrong with it', async () => {
    const { node, open, giveBack } = setUp();
    const tail = await giveBack(10);
    const { lease, told } = open();
    lease.endAt(tail.end - 1, 'another key');
    await expect(lease.lease(SIZE)).rejects.toThrow('another key');
    expect(told).toEqual([]);
    expect(node.released).toHaveLength(1);
    expect(await open().lease.lease(SIZE)).toEqual(tail);
  });

  test.each([
    ['delete_unknown', { inStore: { claim: unknown } }],
    ['claim_failed', { inLedger: { claim: unavailable } }],
    ['claim_unknown', { inLedger: { claim: unknown } }],
    ['claim_refused', { inLedger: { claim: async () => 'refused' as const } }],
  ])('%s: it is lost, and a range is leased instead', async (reason, options) => {
    const { open, giveBack } = setUp();
    const tail = await giveBack(10);
    const { lease, told } = open(options);
    expect(await lease.lease(SIZE)).toEqual({ start: 200_000, end: 300_000 });
    expect(told).toEqual([`${reason} ${tail.start}-${tail.end}`]);
  });

  test.each(['its entry was deleted', 'the ledger gave it'])('claim_too_old, after %s: it is lost', async (after) => {
    const { node, ledger, open, giveBack } = setUp();
    const tail = await giveBack(10);
    const { clock, hands } = handClock();
    const late =
      <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
      async (...args: A): Promise<T> => {
        const answer = await call(...args);
        hands.monotonicMs += 501;
        return answer;
      };
    const isDeletion = after === 'its entry was deleted';
    const store = node.remainders();
    const { lease, told } = open({
      clock,
      attemptLimitMs: 500,
      ...(isDeletion
        ? { inStore: { ...store, claim: late(store.claim) } }
        : { inLedger: { claim: late(ledger.client().claim) } }),
    });
    expect(await lease.lease(SIZE)).toEqual({ start: 200_000, end: 300_000 });
    expect(told).toEqual([`claim_too_old ${tail.start}-${tail.end}`]);
    expect(ledger.leases.some(({ state }) => state === 'released')).toBe(isDeletion);
  });

  test('a deletion that was certainly not done loses nothing', async () => {
    const { node, open, giveBack } = setUp();
    await giveBack(10);
    const { lease, told } = open({ inStore: { claim: unavailable } });
    expect(await lease.lease(SIZE)).toEqual({ start: 200_000, end: 300_000 });
    expect(told).toEqual(['unlisted']);
    expect(node.released).toHaveLength(1);
  });

  test('where remainders cannot be listed, ranges are leased all the same', async () => {
    const { open } = setUp();
    const { lease, told } = open({ inStore: { list: unavailable } });
    expect(await lease.lease(SIZE)).toEqual({ start: 100_000, end: 200_000 });
    expect(told).toEqual(['unlisted']);
  });

  test('a witness that forgot: no remainder is touched, and the refusal is the lease’s', async () => {
    const { node, open, giveBack } = setUp();
    const copy = node.copy();
    await giveBack(10);
    await open().lease.lease(SIZE);
    await giveBack(10);
    node.restore(copy);
    node.addReleased('100010-200000');
    const { lease } = open();
    await expect(lease.lease(SIZE)).rejects.toMatchObject({ code: 'mark_missing' });
    expect(node.released).toEqual(['100010-200000']);
  });

  test('ZooKeeper restored from a copy in which a claimed remainder still stands: the ledger refuses it, and it is gone', async () => {
    const { node, open, giveBack } = setUp();
    const tail = await giveBack(10);
    const copy = node.copy();
    expect(await open().lease.lease(SIZE)).toEqual(tail);
    node.restore(copy);
    const { lease, told } = open();
    expect(await lease.lease(SIZE)).toEqual({ start: 200_000, end: 300_000 });
    expect(told).toEqual([`claim_refused ${tail.start}-${tail.end}`]);
    expect(node.released).toEqual([]);
  });

  test('the ledger restored from a copy in which a claimed remainder is still to be had: without its entry nobody takes it, and its holder cannot give it back', async () => {
    const { node, ledger, open, giveBack } = setUp();
    const tail = await giveBack(10);
    const copy = ledger.copy();
    const holder = open();
    expect(await holder.lease.lease(SIZE)).toEqual(tail);
    ledger.restore(copy);
    const { lease } = open();
    expect(await lease.lease(SIZE)).toEqual({ start: 200_000, end: 300_000 });
    await holder.lease.release([tail], 1000);
    expect(holder.told.at(-1)).toBe(`release_refused ${tail.start}-${tail.end}`);
    expect(node.released).toEqual([]);
  });

  test('stops after a few remainders that come to nothing, and leases', async () => {
    const { node, ledger, open } = setUp();
    const giver = open();
    const ranges: CounterRange[] = [];
    for (let i = 0; i < 20; i += 1) ranges.push(await giver.lease.lease(SIZE));
    await giver.lease.release(ranges, 1000);
    const { lease, told } = open({ inLedger: { claim: async () => 'refused' } });
    expect((await lease.lease(SIZE)).start).toBe(FIRST_MARK + 20 * SIZE);
    expect(told).toHaveLength(8);
    expect(node.released).toHaveLength(12);
    expect(ledger.leases.filter(({ state }) => state === 'released')).toHaveLength(20);
  });
});
