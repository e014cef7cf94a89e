import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { listen } from '@lakh/http';
import { until } from '@lakh/testkit';
import { Dealer, type Outcome, type Taker } from '../src/workers/dealer.js';
import { forkWorker } from '../src/workers/fork.js';
import type { WorkerProcess } from '../src/workers/member.js';

const HOST = '127.0.0.1';

/** A worker that says what the test lets it say. */
class FakeTaker implements Taker {
  readonly taken: { connection: number; client: string | undefined }[] = [];
  /** In place of taking it. */
  answer: Outcome | undefined;
  isFrozen = false;
  #thaw: ((outcome: Outcome) => void)[] = [];

  async take(connection: number, socket: Socket): Promise<Outcome> {
    if (this.isFrozen) {
      const answer = await new Promise<Outcome>((resolve) => {
        this.#thaw.push(resolve);
      });
      if (answer !== 'taken') return answer;
    }
    if (this.answer !== undefined) return this.answer;
    this.taken.push({ connection, client: socket.remoteAddress });
    return 'taken';
  }

  thaw(outcome: Outcome = 'taken'): void {
    this.isFrozen = false;
    for (const resolve of this.#thaw.splice(0)) resolve(outcome);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { port } = await listen({ server }, { host: HOST, port: 0 });
  server.close();
  await once(server, 'close');
  return port;
}

describe('the connections of a server of several workers', () => {
  const clients: Socket[] = [];
  const dealers: Dealer[] = [];
  const children: WorkerProcess[] = [];

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const socket of clients.splice(0)) socket.destroy();
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const dealer of dealers.splice(0)) await dealer.drain(0);
  });

  async function dealing(takers: readonly Taker[], waitingMax = 100) {
    const port = await freePort();
    const told = { closed: 0, opened: 0 };
    const dealer = new Dealer({
      address: () => ({ host: HOST, port }),
      waitingMax,
      onClosed: () => {
        told.closed += 1;
      },
      onOpen: () => {
        told.opened += 1;
      },
      onError: (error) => {
        throw error;
      },
    });
    dealers.push(dealer);
    for (const taker of takers) await dealer.add(taker);
    const come = (from = HOST): Socket => {
      const socket = connect({ port, host: HOST, localAddress: from }).on('error', () => {});
      clients.push(socket);
      return socket;
    };
    return { dealer, told, port, come };
  }

  const two = () => [new FakeTaker(), new FakeTaker()] as const;
  const hasEnded = (socket: Socket): Promise<unknown> => until(() => socket.resume().destroyed);

  test('come from when the first can serve until the last cannot', async () => {
    const { dealer, told, come } = await dealing([]);
    const isRefused = async () => {
      const [error] = (await once(come(), 'error')) as [NodeJS.ErrnoException];
      return error.code === 'ECONNREFUSED';
    };
    expect(await isRefused()).toBe(true);
    const [a, b] = two();
    await Promise.all([dealer.add(a), dealer.add(b)]);
    await once(come(), 'connect');
    dealer.remove(a);
    await once(come(), 'connect');
    dealer.gone(b);
    expect(await isRefused()).toBe(true);
    await dealer.add(new FakeTaker());
    await once(come(), 'connect');
    expect(told.opened).toBe(2);
  });

  test('come though the first that could serve ended while the port was asked for', async () => {
    const { dealer, told, come } = await dealing([]);
    const [a, b] = two();
    const opening = dealer.add(a);
    dealer.gone(a);
    await Promise.all([opening, dealer.add(b)]);
    await once(come(), 'connect');
    await until(() => b.taken.length === 1);
    expect(told.opened).toBe(1);
    const alone = await dealing([]);
    const lastOpening = alone.dealer.add(a);
    alone.dealer.gone(a);
    await lastOpening;
    expect(alone.dealer.isOpen).toBe(false);
    await alone.dealer.drain(0);
  });

  test('go to each in turn', async () => {
    const [a, b] = two();
    const { come } = await dealing([a, b]);
    for (let count = 1; count <= 6; count += 1) {
      come();
      await until(() => a.taken.length + b.taken.length === count);
    }
    expect([a.taken.length, b.taken.length]).toEqual([3, 3]);
  });

  test('of one client go where it has fewest, so that its limit is met by all at once', async () => {
    const [a, b] = two();
    const { dealer, come } = await dealing([a, b]);
    const one = '127.0.0.2';
    for (const from of [one, HOST, one, HOST, one, HOST, one, HOST]) {
      const count = a.taken.length + b.taken.length;
      come(from);
      await until(() => a.taken.length + b.taken.length === count + 1);
    }
    const of = (taker: FakeTaker, client: string) => taker.taken.filter((each) => each.client === client);
    expect([of(a, one).length, of(b, one).length, of(a, HOST).length, of(b, HOST).length]).toEqual([2, 2, 2, 2]);
    // All that it had at one have ended, and others’ at the other: what comes now is not shared out by what all have.
    dealer.ended(
      a,
      of(a, one).map(({ connection }) => connection),
    );
    dealer.ended(
      b,
      of(b, HOST).map(({ connection }) => connection),
    );
    for (const count of [3, 4]) {
      come(one);
      await until(() => of(a, one).length === count);
    }
    expect(of(b, one)).toHaveLength(2);
  });

  test('are not lost with a worker that ends before it has them', async () => {
    const [a, b] = two();
    a.isFrozen = true;
    const { dealer, told, come } = await dealing([a, b]);
    for (let i = 0; i < 6; i += 1) come();
    await until(() => b.taken.length === 3 && dealer.waiting === 3);
    dealer.gone(a);
    await until(() => b.taken.length === 6);
    expect(dealer.waiting).toBe(0);
    // What it would have said is of no account any more.
    a.thaw();
    await nextTurn();
    expect([b.taken.length, told.closed]).toEqual([6, 0]);
  });

  test('that a worker refuses go to others, and no more come to it', async () => {
    const [a, b] = two();
    a.answer = 'refused';
    const { come, told } = await dealing([a, b]);
    for (let i = 0; i < 4; i += 1) come();
    await until(() => b.taken.length === 4);
    a.answer = undefined;
    come();
    await until(() => b.taken.length === 5);
    expect([a.taken.length, told.closed]).toEqual([0, 0]);
  });

  test('of which nobody knows who has them are closed and counted, and what comes next is dealt', async () => {
    const [a] = two();
    a.answer = 'lost';
    const { come, told } = await dealing([a]);
    await hasEnded(come());
    expect(told.closed).toBe(1);
    a.answer = undefined;
    come();
    await until(() => a.taken.length === 1);
  });

  test('that did not reach a worker, which has answered what came after them, are closed', async () => {
    const [a] = two();
    a.isFrozen = true;
    const { dealer, come, told } = await dealing([a]);
    const before = performance.now();
    const lost = come();
    await until(() => dealer.waiting === 1);
    dealer.heard(a, before);
    expect(told.closed).toBe(0);
    dealer.heard(a, performance.now() + 1);
    await hasEnded(lost);
    expect([told.closed, dealer.waiting]).toEqual([1, 0]);
    a.isFrozen = false;
    come();
    await until(() => a.taken.length === 1);
  });

  test('that wait for a worker that is silent go to others, and come to it last until it speaks', async () => {
    const [a, b] = two();
    a.isFrozen = true;
    const { dealer, come } = await dealing([a, b]);
    for (let i = 0; i < 6; i += 1) come();
    await until(() => b.taken.length === 3 && dealer.waiting === 3);
    dealer.look();
    expect(dealer.waiting).toBe(3);
    const nowMs = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(nowMs + 1001);
    dealer.look();
    await until(() => b.taken.length === 5);
    come();
    await until(() => b.taken.length === 6);
    // The one that it was given may reach it yet.
    expect(dealer.waiting).toBe(1);
    a.thaw();
    await until(() => a.taken.length === 1);
    come();
    await until(() => a.taken.length === 2);
  });

  test('that nobody takes are closed when too many wait, and counted', async () => {
    const [a] = two();
    a.isFrozen = true;
    const { dealer, come, told } = await dealing([a], 3);
    const sockets = Array.from({ length: 5 }, () => come());
    await until(() => told.closed === 2);
    expect(dealer.waiting).toBe(3);
    await until(() => sockets.filter((socket) => socket.resume().destroyed).length === 2);
    a.thaw();
    await until(() => a.taken.length === 3);
  });

  test('that the system had accepted are dealt before a drain is over, and no more come', async () => {
    const [a] = two();
    a.isFrozen = true;
    const { dealer, come } = await dealing([a]);
    come();
    await until(() => dealer.waiting === 1);
    const late = come();
    const drained = dealer.drain(5_000);
    await until(() => !dealer.isOpen);
    setTimeout(() => a.thaw(), 20);
    await drained;
    expect(dealer.waiting).toBe(0);
    await hasEnded(late);
    expect(a.taken).toHaveLength(2);
  });

  test('reach a process, and another one when that is killed before it has them', async () => {
    const program = join(__dirname, 'support', 'taker.mjs');
    const fork = (): WorkerProcess & Taker => {
      const process = forkWorker({ program, args: ['--worker-of-a-supervisor'] });
      process.channel.handle('orders', () => ({}));
      children.push(process);
      return {
        ...process,
        take: (connection, socket) =>
          process.channel.ask<boolean>('connection', connection, socket).then((taken) => (taken ? 'taken' : 'refused')),
      };
    };
    const [a, b] = [fork(), fork()];
    const { dealer, come } = await dealing([]);
    const serving = [a, b].map((child) => new Promise<void>((resolve) => child.channel.handle('serving', resolve)));
    const ended: number[][] = [];
    b.channel.handle('connections ended', (connections: number[]) => void ended.push(connections));
    await Promise.all(serving);
    for (const child of [a, b]) await dealer.add(child);
    const heard = async (socket: Socket): Promise<number> => Number(String((await once(socket, 'data'))[0]));
    expect(await heard(come())).toBe(a.pid);
    expect(await heard(come())).toBe(b.pid);
    process.kill(a.pid, 'SIGSTOP');
    const last = come();
    const answer = heard(last);
    await until(() => dealer.waiting === 1);
    await sleep(20);
    process.kill(a.pid, 'SIGKILL');
    await a.exited;
    dealer.gone(a);
    expect(await answer).toBe(b.pid);
    // It is the worker’s alone then, which ends it.
    last.write('end');
    await once(last.resume(), 'close');
    await until(() => ended.flat().length === 1);
  }, 20_000);
});
