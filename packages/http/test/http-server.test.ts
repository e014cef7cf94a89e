import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { until } from '@lakh/testkit';
import { createHttpServer, type HttpServerOptions, ListenError, listen, tryAddress } from '../src/index.js';
import { RawClient, type Running, startServer } from './support.js';

const hello = (_request: IncomingMessage, response: ServerResponse): void => void response.end('hello');
const open: Running[] = [];

async function start(options: HttpServerOptions): Promise<Running> {
  const server = await startServer(options);
  open.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.drain(0)));
});

/** A handler that answers when told to. */
function gate() {
  const waiting: ServerResponse[] = [];
  return { waiting, handler: (_: IncomingMessage, response: ServerResponse) => void waiting.push(response) };
}

describe('what is no request gets a 4xx and the end of its connection', () => {
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n';

  test.each([
    ['garbage', '\x16\x03\x01\x02\x00\r\n\r\n', 400],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two lengths', `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na`, 400],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['a negative length', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
    ['a header with a null', `${get}A: \x00\r\n\r\n`, 400],
    ['a space before the colon', `${get}A : b\r\n\r\n`, 400],
    ['a folded header', `${get}A: b\r\n c\r\n\r\n`, 400],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: x\n\n', 400],
    ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['headers over the limit', `${get}A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['many headers over the limit', `${get}${'A: 1234567\r\n'.repeat(4000)}\r\n`, 431],
    ['a request line over the limit', `GET /${'a'.repeat(100_000)}`, 414],
    ['a long target', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
    ['two hosts', `${get}Host: y\r\n\r\n`, 400],
    ['an unknown expectation', `${get}Expect: the unexpected\r\n\r\n`, 417],
    ['CONNECT', 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
  ])('%s', async (_name, bytes, status) => {
    const refused: number[] = [];
    const { port } = await start({ handler: hello, onRefused: (seen) => refused.push(seen) });
    const client = new RawClient(port).send(bytes);
    const answer = await client.all();
    expect(client.statuses).toEqual([status]);
    expect(answer.toLowerCase()).toContain('connection: close');
    if (answer.includes('\r\n\r\n{')) {
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n{')))).toMatchObject({ status });
      expect(refused).toEqual([status]);
    }
  });

  test('whether or not anybody counts refusals', async () => {
    const { port } = await start({ handler: hello });
    const clients = ['CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', 'nonsense\r\n\r\n'].map((bytes) =>
      new RawClient(port).send(bytes),
    );
    await Promise.all(clients.map((client) => client.all()));
    expect(clients.map(({ statuses }) => statuses)).toEqual([[405], [400]]);
  });

  test('the server goes on for everybody else', async () => {
    const { port } = await start({ handler: hello });
    for (let i = 0; i < 20; i++) new RawClient(port).send('\x00\x01\x02').socket.end();
    const client = new RawClient(port).send(`${get}\r\n`);
    expect(await client.sees(/hello/)).toContain('200 OK');
    client.socket.destroy();
  });

  test('a client that resets in the middle disturbs nobody', async () => {
    const { port, server } = await start({ handler: hello });
    const client = await new RawClient(port).send('POST / HTTP/1.1\r\nContent-Le').connected();
    client.socket.resetAndDestroy();
    await client.closed;
    expect(server.listening).toBe(true);
  });

  test('headers that dawdle are a 408', async () => {
    const { port } = await start({ handler: hello, limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost');
    await client.all();
    expect(client.statuses).toEqual([408]);
  });

  test('a body that dawdles is a 408, although its handler waits for it', async () => {
    const { port } = await start({
      handler: (request, response) => void request.on('end', () => response.end('hello')).resume(),
      limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 },
    });
    const client = new RawClient(port).send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc');
    await client.all();
    expect(client.statuses).toEqual([408]);
  });

  test('a chunk without a length in a body is a 400, although its handler waits for the rest', async () => {
    const { port } = await start({
      handler: (request, response) => void request.on('end', () => response.end('hello')).resume(),
    });
    const client = new RawClient(port).send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n');
    await client.all();
    expect(client.statuses).toEqual([400]);
  });

  test('bad bytes behind a good request do not cut its answer off', async () => {
    const { waiting, handler } = gate();
    const { port } = await start({ handler });
    const client = new RawClient(port).send(`${get}\r\n\x00\x01`);
    await until(() => waiting.length === 1);
    waiting[0]?.end('in good order');
    expect(await client.all()).toContain('in good order');
    expect(client.statuses).toEqual([200]);
  });
});

describe('unusual but proper requests', () => {
  test('an upgrade that is not understood is ignored, as HTTP has it', async () => {
    const { port } = await start({ handler: hello });
    const bytes = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n';
    const client = new RawClient(port).send(bytes);
    expect(await client.all()).toContain('hello');
  });

  test('Expect: 100-continue is answered before the body', async () => {
    const { port } = await start({
      handler: (request, response) => void request.on('end', () => response.end('thanks')).resume(),
    });
    const client = new RawClient(port).send(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
    );
    await client.sees(/100 Continue/);
    expect(await client.send('a').all()).toContain('thanks');
  });

  test('pipelined requests are answered in order', async () => {
    const { waiting, handler } = gate();
    const { port } = await start({ handler });
    const client = new RawClient(port).send('GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => waiting.length === 2);
    waiting[1]?.end('two');
    waiting[0]?.end('one');
    expect(await client.sees(/two/)).toMatch(/one[\s\S]*two/);
    client.socket.destroy();
  });
});

describe('requests in flight', () => {
  test('a handler that throws or rejects answers 500 without its words', async () => {
    const seen: unknown[] = [];
    const options = { onError: (error: unknown) => seen.push(error), limits: {} };
    for (const handler of [
      () => {
        throw new Error('inner words');
      },
      () => Promise.reject(new Error('inner words')),
    ]) {
      const { port } = await start({ ...options, handler });
      const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      expect(await client.all()).not.toContain('inner words');
      expect(client.statuses).toEqual([500]);
    }
    expect(seen).toHaveLength(2);
  });

  test('beyond the limit are refused with 503 and Retry-After, except in the fast lane', async () => {
    const { waiting, handler } = gate();
    const server = await start({
      handler,
      fastLane: (request, response) => request.url === '/fast' && response.end('fast') !== undefined,
      limits: { maxInFlight: 1 },
    });
    const first = new RawClient(server.port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => waiting.length === 1);
    expect(server.inFlight).toBe(1);
    const second = new RawClient(server.port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await second.all()).toMatch(/503 [\s\S]*retry-after: 1[\s\S]*"code":"overloaded"/i);
    const browser = new RawClient(server.port).send('GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n');
    expect(await browser.all()).toMatch(/503 [\s\S]*retry-after: 1[\s\S]*<main>\n<h1>Not just now<\/h1>/i);
    const fast = new RawClient(server.port).send('GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await fast.all()).toContain('fast');
    waiting[0]?.end('done');
    await first.sees(/done/);
    await until(() => server.inFlight === 0);
    first.socket.destroy();
  });

  test('are counted off when their client leaves, pipelined ones included', async () => {
    const { waiting, handler } = gate();
    const server = await start({ handler });
    const client = new RawClient(server.port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
    await until(() => waiting.length === 3);
    expect(server.inFlight).toBe(3);
    client.socket.destroy();
    await until(() => server.inFlight === 0);
  });

  test('end for whoever waits for that, also those that waited behind another on a connection that went', async () => {
    const { waiting, handler } = gate();
    const server = await start({ handler });
    const client = new RawClient(server.port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4));
    await until(() => waiting.length === 4);
    const closed: number[] = [];
    for (const [at, response] of waiting.entries()) response.on('close', () => closed.push(at));
    waiting[0]?.end('one');
    waiting[2]?.end('three');
    await client.sees(/one/);
    client.socket.resetAndDestroy();
    await until(() => server.inFlight === 0 && closed.length >= 4);
    expect(closed.sort()).toEqual([0, 1, 2, 3]);
    expect(waiting[3]?.destroyed).toBe(true);
  });

  test('whose client leaves in the middle of its body are no error of the server', async () => {
    const seen: unknown[] = [];
    let read: Promise<void> | undefined;
    const server = await start({
      onError: (error) => seen.push(error),
      handler: (request) => {
        read = (async () => {
          for await (const _ of request);
        })();
        return read;
      },
    });
    const client = new RawClient(server.port).send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc');
    await until(() => read !== undefined);
    client.socket.destroy();
    await expect(read).rejects.toThrow('aborted');
    await until(() => server.inFlight === 0);
    expect(seen).toEqual([]);
  });

  test('whose client stops reading its answer are cut off, and no others', async () => {
    const big = Buffer.alloc(24 * 1024 * 1024);
    const { port, server } = await start({
      handler: (_, response) => void response.end(big),
      limits: { stallTimeoutMs: 1500 },
    });
    const sockets: Socket[] = [];
    server.on('connection', (socket) => sockets.push(socket));
    const stalled = connect(port, '127.0.0.1').pause();
    stalled.on('error', () => {});
    stalled.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => sockets.length === 1);
    const reader = new RawClient(port).send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect((await reader.all()).length).toBeGreaterThan(big.length);
    expect(sockets[0]?.destroyed).toBe(false);
    await until(() => sockets[0]?.destroyed === true);
    stalled.destroy();
  });

  test('a throw in the fast lane is a 500 as well', async () => {
    const { port } = await start({
      handler: hello,
      fastLane: () => {
        throw new Error('a bug');
      },
    });
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await client.all();
    expect(client.statuses).toEqual([500]);
  });
});

describe('a drain', () => {
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

  test('answers each kept connection whose next request is in the socket already', async () => {
    const server = await startServer({ handler: hello });
    const clients = Array.from({ length: 50 }, () => new RawClient(server.port).send(get));
    await Promise.all(clients.map((client) => client.sees(/hello/)));
    for (const client of clients) client.send(get);
    // Bytes are on their way, and this turn of the loop has read none of them.
    const drained = server.drain(60_000);
    const answers = await Promise.all(clients.map((client) => client.all()));
    expect(answers.filter((text) => !/hello[\s\S]*hello/.test(text))).toEqual([]);
    expect(await drained).toEqual({ cut: 0 });
  });

  test('answers each that was connected already, however many wait to be accepted', async () => {
    const server = await startServer({ handler: hello });
    const clients = Array.from({ length: 50 }, () => new RawClient(server.port).send(get));
    // The system has connected them, and the server has not been told of most.
    await Promise.race(clients.map((client) => client.connected()));
    expect(countConnections(server)).toBeLessThan(40);
    const drained = server.drain(60_000);
    const answers = await Promise.all(clients.map((client) => client.all()));
    expect(answers.filter((text) => !/hello/.test(text))).toEqual([]);
    expect(await drained).toEqual({ cut: 0 });
  });

  test('answers what a kept connection sends soon after it began, and says that it was the last', async () => {
    const server = await startServer({ handler: hello });
    const client = new RawClient(server.port).send(get);
    await client.sees(/hello/);
    const drained = server.drain(60_000);
    await until(() => !server.server.listening);
    client.send(get);
    expect(await client.all()).toMatch(/hello[\s\S]*connection: close[\s\S]*hello/i);
    expect(await drained).toEqual({ cut: 0 });
  });

  test('closes idle and silent connections and accepts no more', async () => {
    const server = await startServer({ handler: hello });
    const idle = new RawClient(server.port).send(get);
    await idle.sees(/hello/);
    const silent = await new RawClient(server.port).connected();
    await until(() => countConnections(server) === 2);
    expect(await server.drain(60_000)).toEqual({ cut: 0 });
    await Promise.all([idle.closed, silent.closed]);
    const late = connect(server.port, '127.0.0.1');
    await expect(new Promise((_, reject) => late.once('error', reject))).rejects.toThrow('ECONNREFUSED');
  });

  test('lets a request in flight finish, with Connection: close', async () => {
    const { waiting, handler } = gate();
    const server = await startServer({ handler });
    const client = new RawClient(server.port).send(get);
    await until(() => waiting.length === 1);
    const drained = server.drain(60_000);
    await until(() => !server.server.listening);
    waiting[0]?.end('finished');
    expect(await client.all()).toMatch(/connection: close[\s\S]*finished/i);
    expect(await drained).toEqual({ cut: 0 });
  });

  test('closes a connection whose answer had begun before, once it is whole', async () => {
    const { waiting, handler } = gate();
    const server = await startServer({ handler });
    const client = new RawClient(server.port).send(get);
    await until(() => waiting.length === 1);
    waiting[0]?.write('one ');
    await client.sees(/one/);
    const drained = server.drain(60_000);
    waiting[0]?.end('two');
    expect(await client.all()).toMatch(/one[\s\S]*two/);
    expect(await drained).toEqual({ cut: 0 });
  });

  test('answers a request that was arriving, and then closes', async () => {
    const server = await startServer({ handler: hello });
    const client = new RawClient(server.port).send(get.slice(0, 20));
    await until(() => countConnections(server) === 1);
    await client.connected();
    await until(() => server.server.listening);
    await new Promise((resolve) => setImmediate(resolve));
    const drained = server.drain(60_000);
    client.send(get.slice(20));
    await client.closed;
    expect(await drained).toEqual({ cut: 0 });
  });

  test('cuts what has not finished within its limit', async () => {
    const { waiting, handler } = gate();
    const server = await startServer({ handler });
    const client = new RawClient(server.port).send(get);
    await until(() => waiting.length === 1);
    expect(await server.drain(20)).toEqual({ cut: 1 });
    await client.closed;
    expect(client.statuses).toEqual([]);
    await until(() => server.inFlight === 0);
  });
});

test('a drain sends nobody away before its listener has gone: who comes back at once is refused, not lost', async () => {
  const server = await startServer({ handler: hello });
  const client = new RawClient(server.port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.sees(/hello/);
  let told: boolean | undefined;
  server.server.on('request', (_request, response) => {
    response.once('finish', () => {
      if (!response.shouldKeepAlive) told ??= server.server.listening;
    });
  });
  const drained = server.drain(60_000);
  const again = setInterval(() => client.socket.writable && client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 1);
  await client.closed;
  clearInterval(again);
  expect(told).toBe(false);
  expect(await drained).toEqual({ cut: 0 });
});

describe('listening', () => {
  test('says where', async () => {
    const http = createHttpServer({ own: {}, handler: hello });
    const address = await listen(http, { host: '127.0.0.1', port: 0 });
    expect(address.url).toBe(`http://127.0.0.1:${address.port}`);
    expect(address.port).toBeGreaterThan(0);
    await http.drain(0);
  });

  test('on an address that is taken says which', async () => {
    const { port } = await start({ handler: hello });
    const attempt = listen(createHttpServer({ own: {}, handler: hello }), { host: '127.0.0.1', port });
    await expect(attempt).rejects.toThrow(ListenError);
    await expect(attempt).rejects.toThrow(`cannot listen on 127.0.0.1:${port}: EADDRINUSE`);
    await expect(tryAddress({ host: '127.0.0.1', port })).rejects.toThrow(ListenError);
  });

  test('an address that was tried is free again', async () => {
    const { port, drain } = await startServer({ handler: hello });
    await drain(0);
    await tryAddress({ host: '127.0.0.1', port });
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
    const http = createHttpServer({ own: {}, handler: hello });
    await listen(http, { host: '127.0.0.1', port });
    await http.drain(0);
  });
});

/** What the server itself has accepted. */
function countConnections({ server }: Running): number {
  return (server as unknown as { _connections: number })._connections;
}
