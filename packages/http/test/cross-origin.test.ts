import { Registry } from 'prom-client';
import {
  createApp,
  createHttpMetrics,
  type Face,
  type HttpServer,
  type Routes,
  UnauthorizedError,
} from '../src/index.js';
import { RawClient, startServer } from './support.js';

const common = { service: 'x', role: 'public', rate: 'none', errors: 'problem', label: 'x' } as const;
const routes = {
  change: { ...common, method: 'POST', path: '/api/things' },
  look: { ...common, method: 'GET', path: '/api/things' },
  form: { ...common, method: 'POST', path: '/-/form' },
} as const satisfies Routes;

const face: Face<typeof routes> = {
  routes,
  guard({ headers }) {
    if (headers.authorization === undefined) throw new UnauthorizedError('A token is needed.');
  },
  handlers: {
    change: (_request, response) => void response.status(201).end('made'),
    look: (_request, response) => void response.end('seen'),
    form: (_request, response) => void response.end('sent'),
  },
};

let servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.drain(0)));
  servers = [];
});

async function asking(crossOrigins?: readonly string[]) {
  const metrics = createHttpMetrics(new Registry(), ['x']);
  const app = createApp({ faces: [face], metrics, onError: () => {} });
  const server = await startServer({ own: {}, crossOrigins, ...app });
  servers.push(server as unknown as HttpServer);
  return async (method: string, path: string, headers: Record<string, string> = {}) => {
    const lines = Object.entries({ host: 'localhost', connection: 'close', ...headers }).map((pair) => pair.join(': '));
    const answer = await new RawClient(server.port)
      .send(`${[`${method} ${path} HTTP/1.1`, ...lines, 'content-length: 0'].join('\r\n')}\r\n\r\n`)
      .all();
    const [head = ''] = answer.split('\r\n\r\n');
    const got = Object.fromEntries(
      head
        .split('\r\n')
        .slice(1)
        .map((line) => /^([^:]+): (.*)$/.exec(line) as RegExpExecArray)
        .map(([, name, value]) => [(name as string).toLowerCase(), value]),
    );
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), headers: got };
  };
}

const APP = 'https://app.example';
const authorization = 'Bearer x';
const asks = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };

describe('another origin’s page', () => {
  test('that is named may use the API: what it asks before, its changes and its look-ups', async () => {
    const ask = await asking([APP, 'http://localhost:3000']);
    const before = await ask('OPTIONS', '/api/things', { origin: APP, ...asks, 'sec-fetch-site': 'cross-site' });
    expect(before).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': APP,
        'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
        'access-control-allow-headers': 'Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Prefer',
        'access-control-max-age': '600',
        vary: 'Origin',
      },
    });
    for (const [method, status] of [
      ['POST', 201],
      ['GET', 200],
    ] as const) {
      const answer = await ask(method, '/api/things', { origin: APP, authorization, 'sec-fetch-site': 'cross-site' });
      expect(answer).toMatchObject({ status, headers: { 'access-control-allow-origin': APP, vary: 'Origin' } });
      expect(answer.headers['access-control-expose-headers']).toContain('Idempotency-Replayed');
      expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    }
  });

  test('reads errors too, its own and those of a server that has not seen its request', async () => {
    const ask = await asking([APP]);
    const headers = { 'access-control-allow-origin': APP };
    expect(await ask('POST', '/api/things', { origin: APP })).toMatchObject({ status: 401, headers });
    expect(await ask('GET', '/api/none', { origin: APP, authorization })).toMatchObject({ status: 404, headers });
    expect(await ask('GET', `/api/${'x'.repeat(9000)}`, { origin: APP })).toMatchObject({ status: 414, headers });
  });

  test.each([
    'https://other.example',
    'http://app.example',
    'https://app.example:8443',
    'https://app.example.evil.example',
    'https://x.app.example',
    'HTTPS://APP.EXAMPLE',
    'null',
    '*',
  ])('that is not named may not: %s', async (origin) => {
    const ask = await asking([APP]);
    const change = await ask('POST', '/api/things', { origin, authorization });
    expect([change.status, change.headers.vary]).toEqual([403, 'Origin']);
    const before = await ask('OPTIONS', '/api/things', { origin, authorization, ...asks });
    const look = await ask('GET', '/api/things', { origin, authorization });
    expect([before.status, look.status]).toEqual([405, 200]);
    for (const { headers } of [change, before, look]) {
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  test.each(['/-/form', '/api', '/API/things', '/api/../-/form', '//api/things', 'http://localhost/api/things'])(
    'may use nothing but the API, named or not: %s',
    async (path) => {
      const ask = await asking([APP]);
      const answer = await ask('POST', path, { origin: APP, authorization });
      expect(answer.status).not.toBe(200);
      if (!path.startsWith('/api/')) {
        expect(answer.status).toBe(403);
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      }
    },
  );

  test('for another host stays misdirected', async () => {
    const ask = await asking([APP]);
    expect((await ask('POST', '/api/things', { host: 'evil.example', origin: APP, authorization })).status).toBe(421);
  });
});

test('where no origin is named nothing is said about it, and an own page’s requests say nothing either', async () => {
  const ask = await asking();
  expect((await ask('POST', '/api/things', { origin: APP, authorization })).status).toBe(403);
  const before = await ask('OPTIONS', '/api/things', { origin: APP, authorization, ...asks });
  expect([before.status, before.headers.vary]).toEqual([405, undefined]);
  const named = await asking([APP]);
  const plain = await named('POST', '/api/things', { authorization });
  expect([plain.status, plain.headers.vary]).toEqual([201, undefined]);
});
