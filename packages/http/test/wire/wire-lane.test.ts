import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@lakh/testkit';
import type { HttpServerOptions } from '../../src/index.js';
import { Asker, get, startLanes } from './support.js';

type Started = Awaited<ReturnType<typeof startLanes>>;

const started: Started[] = [];
const clients: Asker[] = [];

async function start(options: Partial<HttpServerOptions> = {}): Promise<Started> {
  const server = await startLanes(options);
  started.push(server);
  return server;
}

async function connected({ port }: Started, from?: string): Promise<Asker> {
  const client = await new Asker(port, from).connected();
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await Promise.all(started.splice(0).map(({ drain }) => drain(0)));
});

describe('an answer', () => {
  const own = { publicUrl: 'https://x' };
  test.each([
    ['a hit', '/hit', undefined, {}],
    ['a hit of a server that is known by https', '/hit', undefined, { own }],
    ['one that took a while', '/slow', undefined, {}],
    ['one with a body', '/slow', { status: 404, headers: { a: 'b', 'content-length': 3 }, body: 'ä!' }, {}],
    [
      'the same of a server that is known by https',
      '/slow',
      { status: 404, headers: { a: 'b', 'content-length': 3 }, body: 'ä!' },
      { own },
    ],
    ['one without a body of such a server', '/slow', undefined, { own }],
    [
      'one of a server that keeps connections for long',
      '/hit',
      undefined,
      { limits: { keepAliveTimeoutMs: 3_600_500 } },
    ],
  ])('%s is the same bytes from both lanes', async (_what, path, answer, options) => {
    const on = await start(options);
    const off = await start({ ...options, wireLane: undefined });
    for (const method of ['GET', 'HEAD']) {
      const texts = await Promise.all(
        [on, off].map(async (server) => {
          const client = await connected(server);
          client.send(get(path).replace('GET', method));
          if (path === '/slow') await server.lanes.answer(path, answer);
          await client.sees(method === 'GET' && answer ? /!$/ : /\r\n\r\n$/);
          expect(client.received).toMatch(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/m);
          return client.received.replace(/^Date: .*\r\n/m, '');
        }),
      );
      expect(texts[0]).toBe(texts[1]);
    }
    expect([on.lanes.http, off.lanes.wire]).toEqual([[], []]);
  });

  test('has the date of its second', async () => {
    const server = await start();
    const client = await connected(server);
    const dates = new Set<string>();
    for (let i = 1; dates.size < 2; i += 1) {
      const before = Math.floor(Date.now() / 1000);
      await client.send(get('/hit')).answers(i);
      const date = [...client.received.matchAll(/^Date: (.*)\r$/gm)].at(-1)?.[1] as string;
      dates.add(date);
      expect(Date.parse(date) / 1000).toBeGreaterThanOrEqual(before - 1);
      expect(Date.parse(date) / 1000).toBeLessThanOrEqual(Date.now() / 1000);
      await sleep(20);
    }
  });
});

describe('what is handed over', () => {
  test('a request that comes in two pieces, wherever it is cut, and all that comes after it', async () => {
    const server = await start();
    const request = get('/hit', 'Cookie: a=1');
    for (let at = 1; at < request.length; at += 1) {
      const client = await connected(server);
      await client.send(get('/hit')).answers(1);
      client.send(request.slice(0, at));
      await sleep(1);
      const [first, second] = await client.send(request.slice(at)).answers(2);
      expect(second).toBe(first);
      const wireBefore = server.lanes.wire.length;
      expect((await client.send(get('/hit')).answers(3))[2]).toBe(first);
      expect(server.lanes.wire).toHaveLength(wireBefore);
      client.socket.destroy();
    }
    expect(server.lanes.http).toHaveLength(2 * (request.length - 1));
  });

  test('requests that come in one piece, in their order', async () => {
    const server = await start();
    const client = await connected(server);
    client.send(get('/hit1') + get('/slow') + get('/hit2') + get('/hit3').slice(0, 9));
    await server.lanes.answer('/slow');
    await client.answers(3);
    client.send(get('/hit3').slice(9));
    await client.answers(4);
    expect(server.lanes.http).toEqual(['/hit1', '/slow', '/hit2', '/hit3']);
  });

  test.each([
    ['another path', get('/a/b'), 302],
    ['a path that nobody answers at the wire', get('/other'), 302],
    ['another method', get('/hit').replace('GET', 'DELETE'), 302],
    ['an error that the lane has met', get('/wrong'), 500],
    ['an error that it has met while it looked further', get('/late-wrong'), 500],
    ['another host', get('/hit').replace('Host: x', 'Host: y'), 421],
    ['what is no request', 'hello\r\n\r\n', 400],
    ['a request that is too long', get('/hit', `X: ${'x'.repeat(17_000)}`), 431],
    ['a request that is longer than a target may be', get('/hit', `X: ${'x'.repeat(9_000)}`), 302],
    ['a body', `${get('/hit', 'Content-Length: 2')}{}`, 302],
  ])('%s, after a request that was not', async (_what, text, status) => {
    const server = await start();
    const client = await connected(server);
    await client.send(get('/hit')).answers(1);
    await client.send(text).sees(/HTTP\/1\.1 \d{3}[\s\S]*HTTP\/1\.1 \d{3}/);
    expect(client.statuses).toEqual([302, status]);
    expect(server.lanes.wire).toEqual(['/hit']);
    expect(server.lanes.errors).toHaveLength(status === 500 ? 1 : 0);
  });

  test('a request of a server that takes shorter ones', async () => {
    const server = await start({ limits: { maxUrlLength: 3 } });
    const client = await connected(server);
    await client.send(get('/hit')).sees(/^HTTP\/1\.1 414 /);
  });

  test('has the time for its headers that node:http gives it', async () => {
    const server = await start({ limits: { headersTimeoutMs: 800 } });
    const client = await connected(server);
    await client.send(get('/hit')).answers(1);
    client.send('GET /h');
    expect(await client.all()).toMatch(/HTTP\/1\.1 408 /);
  });

  test('is announced the end of the connection where it asks for it', async () => {
    const client = await connected(await start());
    await client.send(get('/hit')).answers(1);
    expect(await client.send(get('/hit', 'Connection: close')).all()).toMatch(/Connection: close/);
  });
});

describe('order', () => {
  test('what comes before an answer waits for it, and is answered in the lane', async () => {
    const server = await start();
    const client = await connected(server);
    client.send(get('/slow1'));
    await until(() => server.lanes.wire.length === 1);
    client.send(get('/slow2'));
    await sleep(20);
    expect(server.lanes.wire).toEqual(['/slow1']);
    await server.lanes.answer('/slow1', { status: 301, headers: ['Content-Length', '0'], body: '' });
    await server.lanes.answer('/slow2', { status: 404, headers: ['Content-Length', '0'], body: '' });
    await client.answers(2);
    await client.send(get('/hit')).answers(3);
    expect(client.statuses).toEqual([301, 404, 302]);
    expect(server.lanes.http).toEqual([]);
  });

  test('however much comes, it is read no further, and answered in its order', async () => {
    const server = await start();
    const client = await connected(server);
    client.send(get('/slow'));
    await until(() => server.lanes.wire.length === 1);
    const paths = Array.from({ length: 3000 }, (_, i) => `/hit${i}`);
    for (const path of paths) client.send(get(path));
    await sleep(50);
    expect([server.lanes.wire, server.lanes.http]).toEqual([['/slow'], []]);
    await server.lanes.answer('/slow');
    await client.answers(1 + paths.length);
    expect([...server.lanes.wire.slice(1), ...server.lanes.http]).toEqual(paths);
  });

  test('what comes before an answer and is not for the lane is handed over behind it', async () => {
    const server = await start();
    const client = await connected(server);
    client.send(get('/slow'));
    await until(() => server.lanes.wire.length === 1);
    client.send(get('/a/b') + get('/hit').slice(0, 20));
    await sleep(20);
    expect(server.lanes.http).toEqual([]);
    await server.lanes.answer('/slow');
    await client.answers(2);
    await client.send(get('/hit').slice(20)).answers(3);
    expect(server.lanes.http).toEqual(['/a/b', '/hit']);
  });
});

describe('connections', () => {
  test('a slow answer is in flight until it is sent, or its client has gone', async () => {
    const server = await start();
    const [one, two] = [await connected(server), await connected(server)];
    one.send(get('/slow1'));
    two.send(get('/slow2'));
    await until(() => server.inFlight === 2);
    await server.lanes.answer('/slow1');
    await one.answers(1);
    expect(server.inFlight).toBe(1);
    two.socket.resetAndDestroy();
    await until(() => server.inFlight === 0);
    await server.lanes.answer('/slow2');
    await one.send(get('/hit')).answers(2);
    expect(server.inFlight).toBe(0);
  });

  test('beyond the places in flight a request is refused as ever, and a hit is not', async () => {
    const refused: number[] = [];
    const server = await start({ limits: { maxInFlight: 1 }, onRefused: (status) => refused.push(status) });
    const [one, two, three] = [await connected(server), await connected(server), await connected(server)];
    one.send(get('/slow1'));
    await until(() => server.inFlight === 1);
    await three.send(get('/hit')).answers(1);
    expect(await two.send(get('/slow2')).all()).toMatch(/^HTTP\/1\.1 503 [\s\S]*Connection: close/);
    expect(refused).toEqual([503]);
    await server.lanes.answer('/slow1');
    await one.answers(1);
    three.send(get('/slow3'));
    await server.lanes.answer('/slow3');
    await three.answers(2);
    expect(server.inFlight).toBe(0);
  });

  test('a client has no more of them than it may, and an idle one gives way', async () => {
    const turnedAway: string[] = [];
    const server = await start({
      limits: { maxConnections: 8, maxConnectionsPerClient: 2 },
      onTurnedAway: (why) => turnedAway.push(why),
    });
    const [idle, busy] = [await connected(server), await connected(server)];
    await idle.send(get('/hit')).answers(1);
    busy.send(get('/slow'));
    await until(() => server.inFlight === 1);
    // Whoever comes before the idle one was found to be idle has no place.
    for (let isIn = false; !isIn; ) {
      const next = await connected(server);
      next.send(get('/hit'));
      isIn = await Promise.race([next.answers(1), next.closed]).then(
        (answers) => answers !== undefined,
        () => false,
      );
    }
    await idle.closed;
    expect(turnedAway.filter((why) => why !== 'client_full')).toEqual(['gave_way']);
    await server.lanes.answer('/slow');
    await busy.answers(1);
  });

  test('one that is idle for too long is closed, and one on which something goes on is not', async () => {
    const server = await start({ limits: { keepAliveTimeoutMs: 300 } });
    const [idle, slow] = [await connected(server), await connected(server)];
    slow.send(get('/slow'));
    await until(() => server.inFlight === 1);
    const beganMs = performance.now();
    await idle.send(get('/hit')).answers(1);
    await idle.closed;
    expect(performance.now() - beganMs).toBeGreaterThan(290);
    await server.lanes.answer('/slow');
    await slow.answers(1);
    await slow.closed;
  });

  test('one that says nothing at all is told so and closed', async () => {
    const refused: number[] = [];
    const server = await start({ limits: { headersTimeoutMs: 200 }, onRefused: (status) => refused.push(status) });
    const off = await start({ limits: { headersTimeoutMs: 200 }, wireLane: undefined });
    const [silent, other] = [await connected(server), await connected(off)];
    expect(await silent.all()).toBe(await other.all());
    expect(silent.statuses).toEqual([408]);
    expect(refused).toEqual([408]);
  });

  test('a client that ends its side has its hit, and no answer that takes longer, as from node:http', async () => {
    for (const wireLane of [{}, { wireLane: undefined }]) {
      const server = await start(wireLane);
      const [hit, slow] = [await connected(server), await connected(server)];
      hit.socket.end(get('/hit'));
      await hit.closed;
      expect(hit.statuses).toEqual([302]);
      slow.socket.end(get('/slow'));
      await slow.closed;
      expect(slow.received).toBe('');
      await server.lanes.answer('/slow');
      await until(() => server.inFlight === 0);
    }
  });

  test('a client that reads nothing is read from no more, and cut off', async () => {
    const server = await start({ limits: { stallTimeoutMs: 300 } });
    const client = await connected(server);
    client.socket.pause();
    client.send(get('/slow'));
    const body = 'x'.repeat(16 * 1024 * 1024);
    await server.lanes.answer('/slow', { status: 404, headers: ['Content-Length', String(body.length)], body });
    for (let i = 0; i < 100; i += 1) client.send(get('/hit'));
    await until(() => server.inFlight === 0);
    const beganMs = performance.now();
    while ((await openOn(server)) > 0) await sleep(10);
    expect(performance.now() - beganMs).toBeGreaterThan(200);
    expect(server.lanes).toMatchObject({ wire: ['/slow'], http: [] });
  });

  test.each(['/rejected', '/unsendable'])(
    '%s: an answer that there is not costs its connection alone, and is told',
    async (path) => {
      const server = await start();
      const [one, two] = [await connected(server), await connected(server)];
      await one.send(get(path)).closed;
      await until(() => server.inFlight === 0);
      expect(server.lanes.errors).toHaveLength(1);
      await two.send(get('/hit')).answers(1);
    },
  );

  test('headers are what node:http makes of them', async () => {
    const [on, off] = [await start(), await start({ wireLane: undefined })];
    for (const fields of [
      [],
      ['Accept: text/html', 'Cookie: a=1', 'X-Forwarded-For: 192.0.2.1', 'X-Request-Id: 12345678'],
      [
        'accept:a ',
        'ACCEPT: b',
        'cookie: a=1',
        'Cookie: b=2',
        'x-forwarded-for: 192.0.2.1',
        'X-Forwarded-For:\t192.0.2.2',
      ],
      ['X-Request-ID: a', 'x-request-id: b', 'Accept:', 'Cookie:', 'X-Forwarded-For: '],
    ]) {
      const [one, other] = await Promise.all(
        [on, off].map(async (server) => {
          const client = await connected(server);
          const [answer] = await client.send(get('/headers', ...fields)).answers(1);
          return answer;
        }),
      );
      expect(one).toBe(other);
    }
    expect(on.lanes.http).toEqual([]);
  });

  test('an answer that fails in the lane costs its connection alone, and is told', async () => {
    const server = await start();
    const [one, two] = [await connected(server), await connected(server)];
    await one.send(get('/hit-and-wrong')).closed;
    expect(server.lanes.errors).toHaveLength(1);
    await two.send(get('/hit')).answers(1);
  });
});

describe('a drain', () => {
  test('ends connections with the answers under way and to come, and those that are idle or silent after a while', async () => {
    const server = await start();
    const [slow, late, idle, silent] = [
      await connected(server),
      await connected(server),
      await connected(server),
      await connected(server),
    ];
    slow.send(get('/slow'));
    await late.send(get('/hit')).answers(1);
    await idle.send(get('/hit')).answers(1);
    const drained = server.drain(8000);
    await until(() => !server.server.listening);
    late.send(get('/hit'));
    expect((await late.all()).match(/^Connection: .*\r$/gm)).toEqual([
      'Connection: keep-alive\r',
      'Connection: close\r',
    ]);
    await Promise.all([idle.closed, silent.closed]);
    await server.lanes.answer('/slow');
    expect(await slow.all()).toMatch(/^Connection: close\r$/m);
    expect(await drained).toEqual({ cut: 0 });
    expect(server.lanes.http).toEqual([]);
  });

  test('answers one request of what has come behind another, and no more, as node:http does', async () => {
    const server = await start();
    const client = await connected(server);
    client.send(get('/slow1'));
    await until(() => server.inFlight === 1);
    client.send(get('/hit'));
    await sleep(20);
    const drained = server.drain(2000);
    await until(() => !server.server.listening);
    await server.lanes.answer('/slow1');
    await client.closed;
    expect(client.statuses).toEqual([302]);
    expect(await drained).toEqual({ cut: 0 });
  });

  test('cuts what has not ended by its end', async () => {
    const server = await start();
    const client = await connected(server);
    client.send(get('/slow'));
    await until(() => server.inFlight === 1);
    expect(await server.drain(100)).toEqual({ cut: 1 });
    await client.closed;
    await until(() => server.inFlight === 0);
  });
});

const openOn = ({ server }: Started) =>
  new Promise<number>((resolve) => {
    server.getConnections((_error, count) => resolve(count));
  });
