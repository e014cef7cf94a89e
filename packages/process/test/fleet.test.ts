import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@lakh/testkit';
import { Channel } from '../src/workers/channel.js';
import { Fleet, type FleetOptions } from '../src/workers/fleet.js';
import { type Exit, WorkerFailedError, type WorkerProcess } from '../src/workers/member.js';

/** A worker's process that does what the test says. */
class FakeWorker implements WorkerProcess {
  static pids = 0;
  readonly pid: number;
  readonly channel: Channel;
  readonly exited: Promise<Exit>;
  readonly signals: NodeJS.Signals[] = [];
  isDraining = false;
  end: (exit: Exit) => void = () => {};
  #hear: (message: unknown) => void = () => {};

  constructor(
    readonly worker: number,
    readonly isStubborn = false,
  ) {
    FakeWorker.pids += 1;
    this.pid = FakeWorker.pids;
    this.exited = new Promise((resolve) => {
      this.end = resolve;
    });
    this.channel = new Channel({
      send: (message) => {
        if ((message as { name?: string }).name !== 'drain') return;
        this.isDraining = true;
        if (!this.isStubborn) setImmediate(() => this.end({ code: 0, signal: null }));
      },
      onMessage: (hear) => {
        this.#hear = hear;
      },
    });
  }

  serve(): void {
    this.#hear({ lakh: 'question', id: 1, name: 'serving' });
  }

  kill(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    this.end({ code: null, signal });
  }
}

const log = { info: () => {}, warn: () => {}, error: () => {} };
const CRASH: Exit = { code: null, signal: 'SIGKILL' };

function fleetOf(count: number, options: Partial<FleetOptions> = {}) {
  const forked: FakeWorker[] = [];
  const gone: [worker: number, asked: boolean][] = [];
  let allFailed = 0;
  const fleet = new Fleet({
    count,
    log,
    fork(worker) {
      const fake = new FakeWorker(worker);
      forked.push(fake);
      return fake;
    },
    drainLimitMs: 1000,
    onServing: async () => {},
    onEnding: () => {},
    onGone: ({ worker }, asked) => void gone.push([worker, asked]),
    onAllFailed: () => {
      allFailed += 1;
    },
    pauses: { firstMs: 1, capMs: 4 },
    ...options,
  });
  return { fleet, forked, gone, allFailed: () => allFailed };
}

async function started(count: number, options?: Partial<FleetOptions>) {
  const all = fleetOf(count, options);
  const start = all.fleet.start();
  for (const fake of all.forked) fake.serve();
  await start;
  return all;
}

describe('the workers of a server', () => {
  test('start at once, and are there when all serve', async () => {
    const { fleet, forked } = fleetOf(3);
    let isStarted = false;
    const start = fleet.start().then(() => {
      isStarted = true;
    });
    expect(forked.map(({ worker }) => worker)).toEqual([1, 2, 3]);
    forked[0]?.serve();
    forked[1]?.serve();
    await sleep(5);
    expect(isStarted).toBe(false);
    forked[2]?.serve();
    await start;
    expect(fleet.members.map(({ state }) => state)).toEqual(['serving', 'serving', 'serving']);
  });

  test('of whom one ends by itself end the start with its exit code', async () => {
    const { fleet, forked } = fleetOf(2);
    const start = fleet.start();
    forked[0]?.serve();
    forked[1]?.end({ code: 2, signal: null });
    await expect(start).rejects.toThrow(WorkerFailedError);
    await expect(start).rejects.toMatchObject({ exitCode: 2 });
  });

  test('of whom one is killed while it starts go on, and it is started again', async () => {
    const { fleet, forked } = fleetOf(2);
    const start = fleet.start();
    forked[0]?.serve();
    forked[1]?.end(CRASH);
    await start;
    await until(() => forked.length === 3);
    forked[2]?.serve();
    await until(() => fleet.members.every(({ state }) => state === 'serving'));
    expect(fleet.members.map(({ worker }) => worker)).toEqual([1, 2]);
  });

  test('of whom one is killed while it starts are there once another serves, and not before', async () => {
    const { fleet, forked } = fleetOf(2);
    let isStarted = false;
    const start = fleet.start().then(() => {
      isStarted = true;
    });
    forked[0]?.end(CRASH);
    forked[1]?.end(CRASH);
    await until(() => forked.length === 4);
    await sleep(5);
    expect(isStarted).toBe(false);
    forked[3]?.serve();
    await start;
    expect(fleet.members.map(({ worker, state }) => [worker, state])).toEqual([
      [1, 'starting'],
      [2, 'serving'],
    ]);
  });

  test('of whom all are killed while they start end it after so many times', async () => {
    const { fleet, forked, allFailed } = fleetOf(2);
    const start = fleet.start();
    const failed = expect(start).rejects.toThrow(
      /^worker \d ended by SIGKILL before it could serve, like all others at least 8 times in a row$/,
    );
    let isOver = false;
    const killing = failed.finally(() => {
      isOver = true;
    });
    for (let at = 0; !isOver; at += 1) {
      await until(() => forked.length > at || isOver);
      forked[at]?.end(CRASH);
    }
    await killing;
    const count = forked.length;
    expect(count).toBeGreaterThanOrEqual(2 * 8);
    await sleep(20);
    expect([forked.length, allFailed()]).toEqual([count, 0]);
  });

  test('of whom all were killed, and one ends by itself then, end the start with its exit code', async () => {
    const { fleet, forked } = fleetOf(2);
    const start = fleet.start();
    const failed = expect(start).rejects.toMatchObject({ exitCode: 2 });
    forked[0]?.end(CRASH);
    forked[1]?.end(CRASH);
    await until(() => forked.length >= 3);
    forked[2]?.end({ code: 2, signal: null });
    await failed;
  });

  test('that could not even begin are started again, and it is told why', async () => {
    const told: unknown[] = [];
    const { forked } = await started(2, {
      log: { ...log, error: (_: object, text?: string) => told.push(text) } as never,
    });
    forked[0]?.end({ code: null, signal: null, failure: 'spawn EAGAIN' });
    await until(() => forked.length === 3);
    expect(told).toEqual(['a worker ended as it began (spawn EAGAIN) without being asked']);
  });

  test('serve once whoever deals to them has heard of it, and are dealt to no more before they are told to end', async () => {
    const told: string[] = [];
    let resume = () => {};
    const { fleet, forked } = fleetOf(1, {
      onServing: ({ worker }) => {
        told.push(`serving ${worker}`);
        return new Promise((resolve) => {
          resume = resolve;
        });
      },
      onEnding: () => void told.push(`ending, drains: ${forked[0]?.isDraining}`),
    });
    const start = fleet.start();
    forked[0]?.serve();
    await until(() => told.length === 1);
    expect(fleet.members[0]?.state).toBe('starting');
    resume();
    await start;
    expect(fleet.members[0]?.state).toBe('serving');
    await fleet.drain();
    expect(told).toEqual(['serving 1', 'ending, drains: false']);
  });

  test('that crash are started again, with their numbers', async () => {
    const { fleet, forked, gone } = await started(2);
    forked[1]?.end(CRASH);
    await until(() => forked.length === 3);
    expect(forked[2]?.worker).toBe(2);
    forked[2]?.end({ code: 1, signal: null });
    await until(() => forked.length === 4);
    forked[3]?.serve();
    await until(() => fleet.members.filter(({ state }) => state === 'serving').length === 2);
    expect(gone).toEqual([
      [2, false],
      [2, false],
    ]);
  });

  test('are given up when none serves and each has failed often', async () => {
    const { forked, allFailed } = await started(2, {});
    for (let at = 0; allFailed() === 0; at += 1) {
      await until(() => forked.length > at || allFailed() > 0);
      forked[at]?.end(CRASH);
    }
    expect(allFailed()).toBe(1);
    expect(forked.length).toBeGreaterThanOrEqual(2 * 8);
  });

  test('are not given up while one serves', async () => {
    const { forked, allFailed } = await started(2);
    for (let at = 1; at < 20; at += 1) {
      await until(() => forked.length > at);
      forked[at]?.end(CRASH);
    }
    expect(allFailed()).toBe(0);
  });

  test('are renewed one after the other, the new one first', async () => {
    const { fleet, forked, gone } = await started(2);
    const reload = fleet.reload();
    for (const at of [2, 3]) {
      await until(() => forked.length === at + 1);
      expect(forked[at - 2]?.isDraining).toBe(false);
      forked[at]?.serve();
    }
    await reload;
    expect(gone).toEqual([
      [1, true],
      [2, true],
    ]);
    expect(fleet.members.map(({ worker, state }) => [worker, state])).toEqual([
      [1, 'serving'],
      [2, 'serving'],
    ]);
  });

  test('are renewed once more for all who asked while they were', async () => {
    const { fleet, forked } = await started(1);
    const first = fleet.reload();
    const second = fleet.reload();
    expect(second).not.toBe(first);
    expect(fleet.reload()).toBe(second);
    await until(() => forked.length === 2);
    forked[1]?.serve();
    await first;
    await until(() => forked.length === 3);
    // Whoever asks now has changed something that this one may not have seen.
    const third = fleet.reload();
    expect(third).not.toBe(second);
    forked[2]?.serve();
    await second;
    await until(() => forked.length === 4);
    forked[3]?.serve();
    await third;
    await sleep(20);
    expect(forked).toHaveLength(4);
  });

  test('are renewed once more though the first time failed', async () => {
    const { fleet, forked } = await started(1);
    const first = fleet.reload();
    const second = fleet.reload();
    await until(() => forked.length === 2);
    forked[1]?.end({ code: 1, signal: null });
    await expect(first).rejects.toThrow(WorkerFailedError);
    await until(() => forked.length === 3);
    forked[2]?.serve();
    await second;
  });

  test('are no more than there are places, though one crashed while its successor started', async () => {
    const { fleet, forked } = await started(2);
    const reload = fleet.reload();
    await until(() => forked.length === 3);
    forked[0]?.end(CRASH);
    await until(() => forked.length === 4);
    forked[2]?.serve();
    await until(() => forked.length === 5);
    forked[3]?.serve();
    forked[4]?.serve();
    await reload;
    await sleep(20);
    expect(forked[3]?.isDraining).toBe(true);
    expect(fleet.members.map(({ worker, state }) => [worker, state])).toEqual([
      [1, 'serving'],
      [2, 'serving'],
    ]);
    expect(forked).toHaveLength(5);
  });

  test('stay as they are when a new one does not start', async () => {
    const { fleet, forked } = await started(2);
    const reload = fleet.reload();
    await until(() => forked.length === 3);
    forked[2]?.end({ code: 1, signal: null });
    await expect(reload).rejects.toThrow('worker 1 ended with exit code 1');
    await sleep(20);
    expect(forked).toHaveLength(3);
    expect(fleet.members.map(({ state }) => state)).toEqual(['serving', 'serving']);
  });

  test('drain together, and one that does not is cut', async () => {
    const { fleet } = await started(2, {
      drainLimitMs: 20,
      fork: (worker) => {
        const fake = new FakeWorker(worker, worker === 2);
        setImmediate(() => fake.serve());
        return fake;
      },
    });
    await expect(fleet.drain()).rejects.toThrow('1 of 2 workers did not end cleanly');
    expect(fleet.members).toEqual([]);
  });

  test('that are still starting are ended by a signal, which is in order', async () => {
    const { fleet, forked } = fleetOf(1);
    const start = fleet.start().catch(() => 'not started');
    await fleet.drain();
    expect(forked[0]?.signals).toEqual(['SIGTERM']);
    await start;
    await sleep(20);
    expect(forked).toHaveLength(1);
  });

  test('are not started again once they are to drain', async () => {
    const { fleet, forked, gone } = await started(2, { pauses: { firstMs: 200, capMs: 200 } });
    forked[0]?.end(CRASH);
    await until(() => gone.length === 1);
    await fleet.drain();
    await sleep(250);
    expect(forked).toHaveLength(2);
  });

  test('end at once when they are killed', async () => {
    const { fleet, forked } = await started(2);
    fleet.killAll();
    await until(() => fleet.members.length === 0);
    expect(forked.map(({ signals }) => signals)).toEqual([['SIGKILL'], ['SIGKILL']]);
  });
});
