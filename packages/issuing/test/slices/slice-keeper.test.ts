import {
  AllocatorSealedError,
  BrokenInvariantError,
  type CounterRange,
  type LossReason,
  type Slice,
} from '@lakh/id-range';
import fc from 'fast-check';
import { joinTails } from '../../src/slices/join-tails.js';
import { SliceKeeper } from '../../src/slices/slice-keeper.js';

/** Leases of 12 counters, one after the other; slices of 4. */
const LEASE = 12;
const SIZE = 4;

class Bench {
  readonly lost: [LossReason, CounterRange][] = [];
  /** Taken, and answered only when asked to. */
  readonly held: (() => void)[] = [];
  isSlow = false;
  #next = 0;

  readonly keeper = new SliceKeeper({
    take: async (most) => {
      const slice = this.#slice(most);
      if (this.isSlow) await new Promise<void>((resolve) => this.held.push(resolve));
      return slice;
    },
    size: SIZE,
    onLost: (reason, range) => this.lost.push([reason, range]),
  });

  get next(): number {
    return this.#next;
  }

  /** What is leased and was never taken. */
  rest(): CounterRange[] {
    const end = Math.ceil(this.#next / LEASE) * LEASE;
    return this.#next < end ? [{ start: this.#next, end }] : [];
  }

  #slice(most: number): Slice {
    const start = this.#next;
    const leaseStart = Math.floor(start / LEASE) * LEASE;
    const end = Math.min(start + most, leaseStart + LEASE);
    this.#next = end;
    return { start, end, lease: { start: leaseStart, end: leaseStart + LEASE } };
  }
}

const of = (start: number, end: number): CounterRange => ({ start, end });

describe('slices', () => {
  test('are each one worker’s; what a worker has left when it ends in order goes to the next that asks', async () => {
    const { keeper, lost } = new Bench();
    const [one, two] = [{}, {}];
    expect(await keeper.hand(one, [])).toMatchObject(of(0, 4));
    expect(await keeper.hand(two, [])).toMatchObject(of(4, 8));
    expect(keeper.heldIds).toBe(8);
    keeper.giveBack(one, [of(3, 4)], false);
    keeper.ended(one);
    expect([keeper.heldIds, lost]).toEqual([5, []]);
    expect(await keeper.hand(two, [of(6, 8)])).toMatchObject(of(3, 4));
    expect(await keeper.hand(two, [of(3, 4)])).toMatchObject(of(8, 12));
  });

  test('of a worker that crashed are lost: those that it had not said to be used up, and no others', async () => {
    const { keeper, lost } = new Bench();
    const worker = {};
    await keeper.hand(worker, []);
    await keeper.hand(worker, [of(2, 4)]);
    await keeper.hand(worker, [of(7, 8)]);
    keeper.ended(worker);
    expect(lost).toEqual([
      ['worker_gone', of(4, 8)],
      ['worker_gone', of(8, 12)],
    ]);
    // Not even by itself, once its supervisor has noticed.
    keeper.giveBack(worker, [of(8, 12)], false);
    expect(keeper.heldIds).toBe(0);
    await expect(keeper.hand(worker, [])).rejects.toBeInstanceOf(AllocatorSealedError);
  });

  test('that were taken for a worker which has ended meanwhile were never sent, and are the next one’s', async () => {
    const bench = new Bench();
    const { held, keeper, lost } = bench;
    const [one, two] = [{}, {}];
    bench.isSlow = true;
    const asked = keeper.hand(one, []);
    keeper.ended(one);
    held.shift()?.();
    await expect(asked).rejects.toBeInstanceOf(AllocatorSealedError);
    bench.isSlow = false;
    expect(await keeper.hand(two, [])).toMatchObject(of(0, 4));
    expect(lost).toEqual([]);
  });

  test('on their way to a worker that has just sealed itself stay its own, to be given back when they arrive', async () => {
    const { keeper, lost } = new Bench();
    const [one, two] = [{}, {}];
    await keeper.hand(one, []);
    await keeper.hand(one, [of(3, 4)]);
    keeper.giveBack(one, [of(3, 4)], true);
    keeper.giveBack(one, [of(4, 8)], false);
    keeper.ended(one);
    expect(await keeper.hand(two, [])).toMatchObject(of(3, 4));
    expect(await keeper.hand(two, [of(3, 4)])).toMatchObject(of(4, 8));
    // And where it never says so, they are lost.
    keeper.giveBack(two, [of(3, 4)], true);
    keeper.ended(two);
    expect(lost).toEqual([['worker_gone', of(4, 8)]]);
  });

  test('that a worker was not handed, or gave back before, are passed over', async () => {
    const { keeper } = new Bench();
    const [one, two] = [{}, {}];
    await keeper.hand(one, []);
    await keeper.hand(two, []);
    keeper.giveBack(one, [of(4, 8), of(0, 3), of(8, 12), of(2, 2), of(-1, 4)], false);
    keeper.giveBack(one, [of(0, 4)], false);
    expect(keeper.heldIds).toBe(4);
    expect(keeper.seal([of(8, 12)])).toEqual({ tails: [of(8, 12)], lost: [] });
  });

  test('after a counter was found issued twice nothing is handed out, taken back or given back any more', async () => {
    const bench = new Bench();
    const { held, keeper, lost } = bench;
    const [one, two] = [{}, {}];
    await keeper.hand(one, []);
    bench.isSlow = true;
    const asked = keeper.hand(two, []);
    keeper.giveBack(one, [of(1, 4)], false);
    const error = new BrokenInvariantError('a test');
    keeper.break(error);
    keeper.break(error);
    held.shift()?.();
    await expect(asked).rejects.toBe(error);
    await expect(keeper.hand(one, [])).rejects.toBe(error);
    keeper.giveBack(two, [of(1, 4)], false);
    keeper.ended(two);
    expect(keeper.seal([of(8, 12)])).toEqual({ tails: [], lost: [] });
    expect(lost).toEqual([
      ['broken', of(1, 4)],
      ['broken', of(4, 8)],
    ]);
  });

  test('that are taken when all is sealed are lost, and counted', async () => {
    const bench = new Bench();
    bench.isSlow = true;
    const asked = bench.keeper.hand({}, []);
    expect(bench.keeper.seal(bench.rest())).toEqual({ tails: [of(4, 12)], lost: [] });
    bench.held.shift()?.();
    await expect(asked).rejects.toBeInstanceOf(AllocatorSealedError);
    expect(bench.lost).toEqual([['leased_too_late', of(0, 4)]]);
  });
});

describe('what is given back', () => {
  const lease = of(0, 100);
  const next = of(100, 200);
  const slice = (start: number, end: number, from = lease): Slice => ({ start, end, lease: from });

  test('is each lease’s end with all that adjoins it; what lies below issued counters is lost', () => {
    expect(joinTails([of(30, 100), next], [slice(5, 10), slice(25, 30), slice(20, 25)])).toEqual({
      tails: [of(20, 100), next],
      lost: [of(5, 10)],
    });
  });

  test('never reaches over the end of a lease, and may be of one that was handed out to its end', () => {
    expect(joinTails([of(100, 200)], [slice(95, 100), slice(80, 90)])).toEqual({
      tails: [of(100, 200), of(95, 100)],
      lost: [of(80, 90)],
    });
    expect(joinTails([], [])).toEqual({ tails: [], lost: [] });
  });
});

/** What a worker really has: it knows, its supervisor need not. */
interface Worker {
  readonly name: object;
  held: CounterRange[];
  /** Slices that are on their way to it. */
  readonly arriving: CounterRange[];
  isAsking: boolean;
  isSealed: boolean;
  isDead: boolean;
}

const STEPS = ['ask', 'arrive', 'issue', 'issue', 'seal', 'late', 'die', 'notice', 'answer'] as const;

test('whatever workers do, and whenever what they say and their ends are noticed: no counter twice, and each accounted for', async () => {
  const step = fc.record({ kind: fc.constantFrom(...STEPS), worker: fc.nat(2), amount: fc.nat(6) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, isSlow) => {
      const bench = new Bench();
      const { keeper } = bench;
      bench.isSlow = isSlow;
      const issued = new Set<number>();
      const workers: Worker[] = [0, 1, 2].map(fresh);
      const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
      const issue = (worker: Worker, most: number): void => {
        for (let left = most; left > 0 && worker.held[0]; left -= 1) {
          const { start, end } = worker.held[0];
          if (issued.has(start)) throw new Error(`${start} was issued twice`);
          issued.add(start);
          if (start + 1 < end) worker.held[0] = of(start + 1, end);
          else worker.held.shift();
        }
      };
      const acts: Record<(typeof STEPS)[number], (worker: Worker, amount: number, place: number) => void> = {
        ask(worker) {
          if (worker.isDead || worker.isSealed || worker.isAsking) return;
          worker.isAsking = true;
          keeper.hand(worker.name, [...worker.held]).then(
            (slice) => worker.arriving.push(slice),
            () => {},
          );
        },
        arrive(worker) {
          const slice = worker.arriving.shift();
          if (slice === undefined || worker.isDead) return;
          worker.isAsking = false;
          if (worker.isSealed) keeper.giveBack(worker.name, [slice], false);
          else worker.held.push(slice);
        },
        issue: (worker, amount) => void (worker.isDead || worker.isSealed || issue(worker, amount)),
        seal(worker) {
          if (worker.isDead || worker.isSealed) return;
          worker.isSealed = true;
          keeper.giveBack(worker.name, worker.held.splice(0), worker.isAsking);
        },
        // What it says may arrive after its end was noticed.
        late: (worker) => keeper.giveBack(worker.name, [...worker.held, ...worker.arriving], false),
        die(worker) {
          worker.isDead = true;
        },
        notice(worker, _amount, place) {
          if (!worker.isDead) return;
          keeper.ended(worker.name);
          keeper.giveBack(worker.name, worker.held, false);
          workers[place] = fresh();
        },
        answer: () => void bench.held.shift()?.(),
      };
      for (const { kind, worker: place, amount } of steps) {
        const worker = workers[place] as Worker;
        // Only one that issues no more may be spoken of so.
        if (kind === 'late' && !worker.isDead && !worker.isSealed) continue;
        acts[kind](worker, amount, place);
        await turn();
      }
      bench.isSlow = false;
      while (bench.held.length > 0) {
        bench.held.shift()?.();
        await turn();
      }
      for (const worker of workers) {
        issue(worker, worker.isDead || worker.isSealed ? 0 : 100);
        acts.die(worker, 0, 0);
        keeper.ended(worker.name);
      }
      const { tails, lost } = keeper.seal(bench.rest());
      const accounted = [...tails, ...lost, ...bench.lost.map(([, range]) => range)];
      const free = [...tails, ...lost].flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, i) => start + i),
      );
      expect(free.filter((counter) => issued.has(counter))).toEqual([]);
      expect(new Set(free).size).toBe(free.length);
      for (let counter = 0; counter < bench.next; counter += 1) {
        const isKnown = issued.has(counter) || accounted.some(({ start, end }) => start <= counter && counter < end);
        if (!isKnown) throw new Error(`nobody knows what became of ${counter}`);
      }
    }),
    { numRuns: 500 },
  );
});

function fresh(): Worker {
  return { name: {}, held: [], arriving: [], isAsking: false, isSealed: false, isDead: false };
}
