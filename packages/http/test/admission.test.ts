import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { until } from '@lakh/testkit';
import { Admission, LOOK_MS, type TurnedAway } from '../src/admission.js';
import { clientKey } from '../src/clients.js';
import { Connections } from '../src/connections.js';
import type { HttpServerOptions } from '../src/index.js';
import { RawClient, type Running, startServer } from './support.js';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const SLOW_POST = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{';
const OTHER = '127.0.0.2';

const open: Running[] = [];
const clients: RawClient[] = [];
let turnedAway: TurnedAway[] = [];

/** Reads bodies, and answers `/held` when told to. */
async function start(
  limits: HttpServerOptions['limits'],
  trustedProxies?: readonly string[],
): Promise<Running & { readonly held: ServerResponse[] }> {
  const held: ServerResponse[] = [];
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === '/held') held.push(response);
    else request.on('end', () => response.end('hello')).resume();
  };
  const server = await startServer({ handler, limits, trustedProxies, onTurnedAway: (why) => turnedAway.push(why) });
  open.push(server);
  return Object.assign(server, { held });
}

function client(port: number, from?: string): RawClient {
  const made = new RawClient(port, from);
  clients.push(made);
  return made;
}

/** Resolves when the server has looked at its connections so often: timers of one duration go off together, however late. */
function looks(count: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0;
    const timer = setInterval(() => {
      seen += 1;
      if (seen < count) return;
      clearInterval(timer);
      resolve();
    }, LOOK_MS);
  });
}

/** Kept connections, each with an answer behind it, that have been idle for long enough to be known for it. */
async function idle(port: number, count: number): Promise<RawClient[]> {
  const made: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    made.push(client(port).send(GET));
    await made.at(-1)?.sees(/hello/);
  }
  await looks(3);
  return made;
}

/** Every one of them is answered. */
const allAnswered = (asking: readonly RawClient[]) => Promise.all(asking.map((each) => each.sees(/hello/)));

const closedOf = (among: readonly RawClient[]): RawClient[] => among.filter(({ socket }) => socket.destroyed);

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await Promise.all(open.splice(0).map((server) => server.drain(0)));
  turnedAway = [];
});

describe('a body that takes its time', () => {
  test('is cut off in all, however many bytes come meanwhile', async () => {
    const { port } = await start({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const slow = client(port).send(SLOW_POST);
    const dripping = setInterval(() => slow.send(' '), 20);
    try {
      expect(await slow.all()).toContain('"code":"request_timeout"');
      expect(slow.statuses).toEqual([408]);
    } finally {
      clearInterval(dripping);
    }
  });

  test('takes no place from requests that have arrived, whoever sends it', async () => {
    const server = await start({ maxInFlight: 10, requestTimeoutMs: 60_000 });
    const slow = Array.from({ length: 40 }, () => client(server.port).send(SLOW_POST));
    await until(() => server.inFlight === 40);
    const others = Array.from({ length: 5 }, () => client(server.port, OTHER).send(GET));
    const same = Array.from({ length: 5 }, () => client(server.port).send(`POST${GET.slice(3)}`));
    await allAnswered([...others, ...same]);
    expect(closedOf(slow)).toEqual([]);
    // What has arrived still counts.
    const held = Array.from({ length: 10 }, (_, i) =>
      client(server.port, `127.0.0.${10 + i}`).send('GET /held HTTP/1.1\r\nHost: x\r\n\r\n'),
    );
    await until(() => server.held.length === held.length);
    const last = client(server.port, OTHER).send(GET);
    expect(await last.sees(/overloaded/)).toMatch(/^HTTP\/1.1 503 /);
  });

  test('gives its connection to others after a second, once all are taken', async () => {
    const server = await start({ maxConnections: 8, maxConnectionsPerClient: 8, requestTimeoutMs: 60_000 });
    const slow = Array.from({ length: 8 }, () => client(server.port).send(SLOW_POST));
    await until(() => server.inFlight === 8);
    const early = client(server.port, OTHER).send(GET);
    await early.closed;
    await looks(6);
    await allAnswered([client(server.port, OTHER).send(GET), client(server.port).send(GET)]);
    await until(() => closedOf(slow).length > 0);
    expect(closedOf(slow).flatMap(({ statuses }) => statuses)).toContain(408);
    expect(turnedAway).toEqual(['server_full', 'gave_way', 'gave_way']);
  });
});

describe('when all connections are taken', () => {
  test('a new one takes the place of the one that is idle for the longest', async () => {
    const { port } = await start({ maxConnections: 8, maxConnectionsPerClient: 8 });
    const kept = await idle(port, 8);
    const [first, second, ...rest] = kept as [RawClient, RawClient, ...RawClient[]];
    await first.send(GET).sees(/hello[\s\S]*hello/);
    await looks(2);
    await allAnswered([client(port, OTHER).send(GET)]);
    await second.closed;
    expect(closedOf([first, ...rest])).toEqual([]);
    await allAnswered(Array.from({ length: 6 }, () => client(port, OTHER).send(GET)));
    await until(() => closedOf(rest).length === 6);
    expect(closedOf([first])).toEqual([]);
    expect(turnedAway).toEqual(Array(7).fill('gave_way'));
  });

  test('silent ones give way too', async () => {
    const { port } = await start({ maxConnections: 8, maxConnectionsPerClient: 8 });
    const silent = await Promise.all(Array.from({ length: 8 }, () => client(port).connected()));
    await looks(3);
    await allAnswered([client(port, OTHER).send(GET)]);
    await until(() => closedOf(silent).length === 1);
  });

  test('none gives way whose next request is in the socket already', async () => {
    const { port } = await start({ maxConnections: 8, maxConnectionsPerClient: 8 });
    const kept = await idle(port, 8);
    const comers = Array.from({ length: 4 }, () => client(port, OTHER).send(GET));
    // Behind the calls to connect: the server is told of the new connections first.
    process.nextTick(() => {
      for (const each of kept) each.send(GET);
    });
    await Promise.all(kept.map((each) => each.sees(/hello[\s\S]*hello/)));
    await until(() => comers.every(({ socket, received }) => socket.destroyed || received.includes('hello')));
    expect(closedOf(kept)).toEqual([]);
    expect(turnedAway).not.toContain('gave_way');
    // Whoever was let in for one that turned out to have woken is one too many; the next one makes up for it.
    await looks(3);
    await allAnswered([client(port, OTHER).send(GET)]);
    await until(() => clients.length - closedOf(clients).length === 8);
  });

  test('none gives way whose request is being answered: the new one is closed', async () => {
    const server = await start({ maxConnections: 8, maxConnectionsPerClient: 8 });
    const busy = Array.from({ length: 8 }, () => client(server.port).send('GET /held HTTP/1.1\r\nHost: x\r\n\r\n'));
    await until(() => server.held.length === 8);
    await looks(6);
    const comer = client(server.port, OTHER).send(GET);
    expect(await comer.all()).toBe('');
    expect(turnedAway).toEqual(['server_full']);
    for (const response of server.held) response.end('hello');
    await allAnswered(busy);
  });
});

test('of those that are to go any may wake: there are never twice as many as there may be, and room is made all the same', async () => {
  const open = new Set<FakeSocket>();
  const admission = new Admission({
    limits: { maxConnections: 8, maxConnectionsPerClient: 8 },
    connections: new Connections(),
    clientOf: () => 'one',
    end: (socket) => socket.destroy(),
  });
  const come = (count: number): FakeSocket[] =>
    Array.from({ length: count }, () => new FakeSocket(open)).filter((each) => admission.admit(each as never));
  const areWaitedFor = (): void => {
    for (let i = 0; i < 2; i++) admission.look();
  };
  const polls = async () => {
    for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  };

  expect(come(20)).toHaveLength(8);
  for (const still of [8, 0]) {
    areWaitedFor();
    expect(come(20)).toHaveLength(still);
    for (const each of open) each.bytesRead += 1;
    await polls();
    expect(open.size).toBe(16);
  }
  areWaitedFor();
  expect(come(1)).toHaveLength(0);
  await polls();
  expect(open.size).toBe(7);
});

class FakeSocket extends EventEmitter {
  readonly remoteAddress = '192.0.2.1';
  readonly writableLength = 0;
  bytesRead = 0;
  destroyed = false;
  readonly #open: Set<FakeSocket>;

  constructor(open: Set<FakeSocket>) {
    super();
    this.#open = open.add(this);
  }

  destroy(): void {
    this.destroyed = true;
    this.#open.delete(this);
    this.emit('close');
  }
}

describe('a client that has as many connections as it may', () => {
  test('gets another one for an idle one of its own', async () => {
    const { port } = await start({ maxConnections: 100, maxConnectionsPerClient: 4 });
    const others = client(port, OTHER).send(GET);
    const own = await idle(port, 4);
    await allAnswered([client(port).send(GET), others]);
    await until(() => closedOf(own).length === 1);
    expect(closedOf([others])).toEqual([]);
  });

  test('gets no other one while all are busy, and others do', async () => {
    const server = await start({ maxConnections: 32 });
    for (let i = 0; i < 4; i++) client(server.port).send('GET /held HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => server.held.length === 4);
    const fifth = client(server.port).send(GET);
    expect(await fifth.all()).toBe('');
    expect(turnedAway).toEqual(['client_full']);
    await allAnswered([client(server.port, OTHER).send(GET)]);
    // Its places are its own again with its connections.
    server.held[0]?.end('done');
    clients[0]?.socket.end();
    await clients[0]?.closed;
    await allAnswered([client(server.port).send(GET)]);
  });

  test('is none if it is a proxy that is believed', async () => {
    const { port } = await start({ maxConnections: 100, maxConnectionsPerClient: 2 }, ['127.0.0.1/32']);
    await allAnswered(Array.from({ length: 10 }, () => client(port).send(GET)));
    expect(turnedAway).toEqual([]);
  });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:ffff::'],
  ])('is known by its address, or its network: %s', (one, other) => {
    expect(clientKey(one)).toBe(clientKey(other));
    expect(clientKey(one)).not.toBe(clientKey('2001:db8:1:3::'));
  });
});

describe('places for requests in flight, once half are taken', () => {
  const held = (from: string) => `GET /held HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${from}\r\n\r\n`;

  test('leave room for others, by the addresses that a believed proxy forwards', async () => {
    const server = await start({ maxInFlight: 16 }, ['127.0.0.1/32']);
    const greedy = Array.from({ length: 16 }, () => client(server.port).send(held('192.0.2.1')));
    await until(() => greedy.filter(({ received }) => received.includes('too_many_in_flight')).length === 4);
    expect(server.held).toHaveLength(12);
    expect(greedy.find(({ received }) => received !== '')?.received).toMatch(/^HTTP\/1.1 429 [\s\S]*retry-after: 1/i);
    for (let i = 2; i < 6; i++) {
      client(server.port).send(held(`192.0.2.${i}`));
      await until(() => server.held.length === 11 + i);
    }
    const tooLate = client(server.port).send(held('192.0.2.9'));
    expect(await tooLate.sees(/overloaded/)).toMatch(/^HTTP\/1.1 503 /);
    // Whatever ends, an answer or a connection, gives its place back.
    for (const response of server.held.splice(0, 8)) response.end('done');
    for (const { socket } of greedy) socket.destroy();
    await until(() => server.inFlight === 4);
    await Promise.all(
      Array.from({ length: 8 }, () => client(server.port).send(held('192.0.2.1'))).map(async (_, i) => {
        await until(() => server.held.length >= 9 + i);
      }),
    );
  });

  test('go to one client alone where no other asks, up to three quarters', async () => {
    const server = await start({ maxInFlight: 16, maxConnectionsPerClient: 100 });
    for (let i = 0; i < 12; i++) client(server.port).send(held('ignored'));
    await until(() => server.held.length === 12);
    const next = client(server.port).send(held('192.0.2.77'));
    expect(await next.sees(/too_many_in_flight/)).toMatch(/^HTTP\/1.1 429 /);
  });
});
