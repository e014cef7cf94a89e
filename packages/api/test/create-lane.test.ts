import { connect } from 'node:net';
import { createHttpMetrics, createHttpServer, type HttpServer, listen } from '@lakh/http';
import { until } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createCreateLane } from '../src/create-lane.js';

let http: HttpServer;
afterEach(() => http.drain(0));

test('a create whose client left, in the middle of its body or while it was stored, is counted as 499', async () => {
  const registry = new Registry();
  const stored: (() => void)[] = [];
  const lane = createCreateLane({
    createLink: async (response) => {
      await new Promise<void>((resolve) => stored.push(resolve));
      response.writeHead(201).end();
    },
    callers: { actorOf: () => ({ kind: 'anyone' }), admit: () => {} } as never,
    metrics: createHttpMetrics(registry, ['api']),
    onError: (error) => {
      throw error;
    },
  });
  const answered: (Promise<void> | undefined)[] = [];
  http = createHttpServer({
    own: { hosts: ['x'] },
    handler: (request, response) => void answered.push(lane(request, response)),
  });
  const { port } = await listen(http, { host: '127.0.0.1', port: 0 });
  const head = 'POST /api/v1/urls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n';
  const clients = ['{', '{}', '{}'].map((body) => {
    const client = connect(port, '127.0.0.1');
    client.on('error', () => {}).write(head + body);
    return client;
  });
  await until(() => stored.length === 2 && answered.length === 3);
  for (const client of clients.slice(0, 2)) client.resetAndDestroy();
  await until(() => http.inFlight === 1);
  for (const done of stored) done();
  await Promise.all(answered);
  expect((await registry.metrics()).match(/^lakh_http_requests_total\{.*$/gm)?.sort()).toEqual([
    'lakh_http_requests_total{route="api",status="201"} 1',
    'lakh_http_requests_total{route="api",status="499"} 2',
  ]);
  clients[2]?.destroy();
});
