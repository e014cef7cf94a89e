import type { LossReason } from '@lakh/id-range';
import { base62 } from '@lakh/short-code';
import type { SimulatedClock } from '@lakh/testkit';
import { answerOf, createWorkerIssuing, type Issuing, type SliceSource, type WorkerIssuing } from '../../src/index.js';
import { SIZE, System } from '../support.js';

/** A hundredth of a range. */
const SLICE = SIZE / 100;
const WAY_MS = 1;

let system: System;
beforeEach(() => {
  system = new System();
});
afterEach(() => system.dispose());

/** A worker's process, a few milliseconds from its supervisor. */
class Worker {
  readonly issuing: WorkerIssuing;
  readonly lost: [LossReason, number, number][] = [];
  readonly duplicates: number[] = [];
  readonly #time: SimulatedClock;
  readonly #rejecting = new Set<(error: Error) => void>();
  #tellBroken: (what: string) => void = () => {};
  /** Neither answers nor hears. */
  isSupervisorFrozen = false;
  isSupervisorGone = false;

  constructor(time: SimulatedClock, { slices, onBroken }: Issuing) {
    this.#time = time;
    const source: SliceSource = {
      next: ({ held }) => this.#ask(() => answerOf(slices.hand(this, held))),
      giveBack: ({ tails, isAwaiting }) => this.#ask(() => slices.giveBack(this, tails, isAwaiting)),
      broken: (what) => void this.#ask(() => slices.fail(what)),
      onBroken: (told) => {
        this.#tellBroken = told;
      },
    };
    onBroken(({ what }) => time.schedule(WAY_MS, () => this.#tellBroken(what)));
    this.issuing = createWorkerIssuing({
      source,
      codec: base62(),
      settings: { rangeSize: SIZE, drainTimeoutMs: 10_000 },
      clock: time,
      random: () => 0.5,
      observer: {
        burnt: () => {},
        duplicate: (counter) => this.duplicates.push(counter),
        leaseFailed: () => {},
        lost: (reason, { start, end }) => this.lost.push([reason, start, end]),
      },
    });
  }

  async take(count: number): Promise<number[]> {
    const counters: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const next = this.issuing.codes.nextOrWait();
      await this.#time.advance(2);
      counters.push((await next).counter);
    }
    return counters;
  }

  loseSupervisor(): void {
    this.isSupervisorGone = true;
    for (const reject of this.#rejecting) reject(new Error('gone'));
  }

  async #ask<T>(answering: () => Promise<T> | T): Promise<T> {
    if (this.isSupervisorGone) throw new Error('gone');
    await this.#way();
    const answer = await answering();
    await this.#way();
    return answer;
  }

  #way(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#rejecting.add(reject);
      const arrive = (): void => {
        if (this.isSupervisorFrozen) this.#time.schedule(WAY_MS, arrive);
        else resolve();
      };
      this.#time.schedule(WAY_MS, arrive);
    });
  }
}

async function started(settings: Parameters<System['server']>[0] = {}) {
  const server = system.server(settings);
  await server.start();
  const start = async (): Promise<Worker> => {
    const worker = new Worker(system.time, server.issuing);
    await worker.issuing.start();
    await system.time.advance(50);
    return worker;
  };
  return { ...server, start };
}

describe('a worker', () => {
  test('has two slices of its supervisor’s range, asks for the next ahead, and issues what no other worker does', async () => {
    const { issuing, start } = await started();
    const [one, two] = [await start(), await start()];
    expect(one.issuing.health()).toEqual({ status: 'ok', detail: `${2 * SLICE} ids held` });
    expect(issuing.figures().heldIds).toBe(2 * SIZE);
    const [a, b] = [await one.take(55), await two.take(55)];
    expect([a[0], b[0]]).toEqual([100_000, 100_000 + 2 * SLICE]);
    expect(new Set([...a, ...b]).size).toBe(110);
    expect([one.issuing.figures().issuedIds, two.issuing.figures().issuedIds]).toEqual([55, 55]);
    expect([...one.issuing.codes.upcoming()].length).toBe(one.issuing.figures().heldIds);
  });

  test('that ends in order leaves to the next one what it did not issue', async () => {
    const { issuing, metric, start } = await started();
    const one = await start();
    await one.take(3);
    const stopped = one.issuing.stop();
    await system.time.advance(100);
    await stopped;
    issuing.slices.ended(one);
    await expect(one.issuing.codes.nextOrWait()).rejects.toMatchObject({ code: 'allocator_sealed' });
    const next = await start();
    expect(await next.take(2 * SLICE)).toEqual([
      ...Array.from({ length: 2 * SLICE - 3 }, (_, i) => 100_003 + i),
      ...[100_020, 100_021, 100_022],
    ]);
    expect(await metric('lakh_ids_lost_total{reason="worker_gone"}')).toBeUndefined();
  });

  test('that crashes loses no more than two slices, and the log names them', async () => {
    const { issuing, log, metric, start } = await started();
    const one = await start();
    await one.take(SLICE + 1);
    issuing.slices.ended(one);
    expect(await metric('lakh_ids_lost_total{reason="worker_gone"}')).toBe(2 * SLICE);
    expect(log()).toContain('"reason":"worker_gone","start":100010,"end":100020,');
    expect((await (await start()).take(1))[0]).toBe(100_020);
  });

  test('answers 503 with what its supervisor says when nothing is left, and goes on by itself', async () => {
    const away = { fails: false };
    const marks = system.node.client();
    const read = marks.read.bind(marks);
    const failing = Object.assign(marks, {
      read: () => (away.fails ? Promise.reject(Object.assign(new Error('away'), { code: 'x' })) : read()),
    });
    const { issuing, start } = await started({ marks: failing });
    away.fails = true;
    const one = await start();
    for (let left = 2 * SIZE; left > 0; left -= 100) await one.take(Math.min(100, left));
    const refused = one.issuing.codes.nextOrWait();
    const told = expect(refused).rejects.toMatchObject({
      code: 'ids_exhausted',
      message: expect.stringContaining('nothing is left to issue: the last lease failed (unexpected)'),
    });
    await system.time.advance(2_000);
    await told;
    expect(issuing.health().status).toBe('down');
    expect(one.issuing.health()).toMatchObject({
      status: 'down',
      detail: expect.stringContaining('exhausted: ids_exhausted: nothing is left to issue: the last lease failed'),
    });
    away.fails = false;
    await system.time.advance(6_000);
    expect(one.issuing.health().status).toBe('ok');
    expect((await one.take(1))[0]).toBe(100_000 + 2 * SIZE);
  });

  test('that meets another generated link stops the whole server, workers that start later too', async () => {
    const { issuing, log, metric, start } = await started();
    const [one, two] = [await start(), await start()];
    const [counter = 0] = await one.take(1);
    one.issuing.codes.reportDuplicate(counter);
    await system.time.advance(10);
    const three = await start();
    for (const { health } of [issuing, one.issuing, two.issuing, three.issuing]) {
      expect(health()).toMatchObject({ status: 'down', detail: expect.stringContaining(`broken: broken_invariant`) });
      expect(health().detail).toContain(`counter ${counter}, issued by this server`);
    }
    expect([one.duplicates, two.duplicates]).toEqual([[counter], []]);
    expect(two.lost).toEqual([
      ['broken', 100_020, 100_030],
      ['broken', 100_030, 100_040],
    ]);
    for (const worker of [one, two, three]) issuing.slices.ended(worker);
    const stopped = issuing.stop();
    await system.time.advance(6_000);
    await stopped;
    expect(await metric('lakh_remainders_published_total')).toBe(0);
    expect(log()).not.toContain('worker_gone');
  });

  test('whose supervisor is frozen gives a slice back that comes after its stop has given up waiting', async () => {
    const { issuing, start } = await started();
    const one = await start();
    one.isSupervisorFrozen = true;
    await one.take(SLICE + 1);
    const stopped = one.issuing.stop();
    await system.time.advance(6_000);
    await stopped;
    one.isSupervisorFrozen = false;
    await system.time.advance(100);
    issuing.slices.ended(one);
    expect(one.lost).toEqual([]);
    const next = await start();
    expect(await next.take(SLICE + 1)).toEqual([
      ...Array.from({ length: SLICE - 1 }, (_, i) => 100_000 + SLICE + 1 + i),
      ...[100_020, 100_021],
    ]);
  });

  test('whose supervisor is gone says what is lost', async () => {
    const { start } = await started();
    const one = await start();
    await one.take(4);
    one.loseSupervisor();
    const stopped = one.issuing.stop();
    await system.time.advance(1_000);
    await stopped;
    expect(one.lost).toEqual([
      ['supervisor_gone', 100_004, 100_010],
      ['supervisor_gone', 100_010, 100_020],
    ]);
  });
});

test('a stop of all gives back each lease’s end with what came back of it, and counts what lies in between', async () => {
  const { issuing, log, metric, start } = await started();
  const [one, two] = [await start(), await start()];
  await one.take(4);
  await two.take(3);
  const stopping = [one, two].map((worker) => worker.issuing.stop());
  await system.time.advance(100);
  await Promise.all(stopping);
  for (const worker of [one, two]) issuing.slices.ended(worker);
  const stopped = issuing.stop();
  await system.time.advance(6_000);
  await stopped;
  // Two ranges: of the one that workers had slices of, all that no worker issued from the last issued counter on.
  expect(await metric('lakh_remainders_published_total')).toBe(2);
  expect(log()).toContain('"start":100023,"end":101000');
  expect(await metric('lakh_ids_lost_total{reason="not_at_the_end"}')).toBe(2 * SLICE - 4);
});
