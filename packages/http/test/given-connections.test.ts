import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:net';
import { until } from '@lakh/testkit';
import { createHttpServer, type HttpServer, type HttpServerOptions, listen } from '../src/index.js';
import { RawClient } from './support.js';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const HELD = 'GET /held HTTP/1.1\r\nHost: x\r\n\r\n';

let listener: Server | undefined;
let http: HttpServer | undefined;
let held: ServerResponse[] = [];

afterEach(async () => {
  listener?.close();
  await http?.drain(0);
  held = [];
});

/** A server without a listener, and somebody who accepts for it. */
async function start(limits: HttpServerOptions['limits'] = {}): Promise<{ port: number; http: HttpServer }> {
  const made = createHttpServer({
    own: { hosts: ['x'] },
    handler(request, response) {
      if (request.url === '/held') held.push(response);
      else response.end('hello');
    },
    limits,
  });
  http = made;
  listener = createServer((socket) => made.take(socket));
  const { port } = await listen({ server: listener }, { host: '127.0.0.1', port: 0 });
  return { port, http: made };
}

describe('connections that a server is given', () => {
  test('are served and kept', async () => {
    const { port } = await start();
    const client = new RawClient(port).send(GET);
    await client.sees(/hello$/);
    client.send(GET);
    await client.sees(/hello[\s\S]+hello$/);
  });

  test('may be half open, as those of node:http’s own listener', async () => {
    const { port, http: server } = await start();
    const seen: boolean[] = [];
    server.server.on('connection', (socket) => seen.push(socket.allowHalfOpen));
    await new RawClient(port).send(GET).sees(/hello$/);
    expect(seen).toEqual([true]);
  });

  test('are held to the time limits of a request', async () => {
    const { port } = await start({ headersTimeoutMs: 200, requestTimeoutMs: 200 });
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHo');
    expect(await client.all()).toMatch(/^HTTP\/1.1 408 /);
  });

  test('are as many as the server may have, and of a client as many as it may', async () => {
    const { port } = await start({ maxConnections: 100, maxConnectionsPerClient: 1 });
    const client = new RawClient(port).send(HELD);
    await until(() => held.length === 1);
    expect(await new RawClient(port).send(GET).all()).toBe('');
    held[0]?.end('first');
    await client.sees(/first$/);
  });

  test('are drained: what is in flight is answered, what is idle ends', async () => {
    const { port, http: drained } = await start();
    const idle = new RawClient(port).send(GET);
    const busy = new RawClient(port).send(HELD);
    await Promise.all([idle.sees(/hello$/), until(() => held.length === 1)]);
    listener?.close();
    const end = drained.drain(8_000);
    await idle.closed;
    held[0]?.end('last');
    expect(await busy.all()).toMatch(/^Connection: close[\s\S]*last$/im);
    expect(await end).toEqual({ cut: 0 });
  });

  test('are held to their limits during a drain, and cut at its end', async () => {
    const { port, http: drained } = await start({ headersTimeoutMs: 100, requestTimeoutMs: 100 });
    const busy = new RawClient(port).send(HELD);
    await until(() => held.length === 1);
    const slow = new RawClient(port).send('GET / HTTP/1.1\r\nHo');
    await once(slow.socket, 'connect');
    listener?.close();
    const end = drained.drain(1_000);
    await slow.closed;
    expect(busy.socket.destroyed).toBe(false);
    expect(await end).toEqual({ cut: 1 });
    // And what has looked after them ends.
    await until(() => drained.server.listenerCount('close') === 0);
  });
});
