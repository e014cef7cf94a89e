import { Agent, request } from 'node:http';
import { hostname, networkInterfaces } from 'node:os';
import { type Standalone, startStandalone } from '../support/standalone.js';

// Who is answered what, by a server that people know by https and that listens on every address.
jest.setTimeout(60_000);

let server: Standalone;
beforeAll(async () => {
  server = await startStandalone({
    env: {
      LAKH_LISTEN: '0.0.0.0:0',
      LAKH_ADMIN_LISTEN: '0.0.0.0:0',
      LAKH_PUBLIC_URL: 'https://lakh.example',
      LAKH_HOSTS: 'lakh.svc,lakh',
      LAKH_OPEN: 'true',
    },
  });
});
afterAll(() => server.stop());

interface Asked {
  readonly address?: string;
  readonly port?: number;
  readonly method?: string;
  readonly path?: string;
  readonly host: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent;
}

function ask(asked: Asked) {
  const { address = '127.0.0.1', port = server.port, method = 'GET', path = '/', host, headers, body, agent } = asked;
  return new Promise<{ status: number; headers: Readonly<Record<string, unknown>> }>((resolve, reject) => {
    const sent = request({ host: address, port, method, path, headers: { host, ...headers }, agent: agent ?? false });
    sent.once('error', reject);
    sent.once('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    sent.end(body);
  });
}

const create = (host: string, headers: Readonly<Record<string, string>> = {}) =>
  ask({
    host,
    method: 'POST',
    path: '/api/v1/urls',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"long_url":"https://example.com/"}',
  });

test('both listeners answer for their own names, and for no other', async () => {
  const admin = { port: Number(new URL(server.adminUrl).port), path: '/healthz/live' };
  const own = ['lakh.example', 'lakh.example:8443', 'LAKH.svc:80', 'lakh', 'localhost:1', '127.0.0.1', hostname()];
  for (const host of own) {
    expect([host, (await ask({ host })).status]).toEqual([host, 200]);
    expect([host, (await ask({ host, ...admin })).status]).toEqual([host, 200]);
  }
  for (const host of ['evil.example', 'lakh.example.evil.example', '192.0.2.1', 'svc']) {
    expect([host, (await ask({ host })).status]).toEqual([host, 421]);
    expect([host, (await ask({ host, ...admin })).status]).toEqual([host, 421]);
    expect([host, (await create(host)).status]).toEqual([host, 421]);
  }
});

test('a probe by the address that it reaches is answered, as those of pods are', async () => {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  for (const { address } of addresses.filter(({ family }) => family === 'IPv4')) {
    expect([address, (await ask({ address, host: `${address}:${server.port}` })).status]).toEqual([address, 200]);
    const other = address === '192.0.2.1' ? '192.0.2.2' : '192.0.2.1';
    expect((await ask({ address, host: other })).status).toBe(421);
  }
});

test('the page of another site changes nothing, whatever name it comes by', async () => {
  const own = { origin: 'https://lakh.example', 'sec-fetch-site': 'same-origin' };
  expect((await create('lakh.example', own)).status).toBe(201);
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'http://lakh.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    expect([headers, (await create('lakh.example', headers)).status]).toEqual([headers, 403]);
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
    const body = 'long_url=https%3A%2F%2Fexample.com%2F';
    const posted = { method: 'POST', path: '/-/shorten', host: 'lakh.example', headers: form, body };
    expect([headers, (await ask(posted)).status]).toEqual([headers, 403]);
    const deleted = { method: 'DELETE', path: '/api/v1/urls/Q0u', host: 'lakh.example', headers };
    expect([headers, (await ask(deleted)).status]).toEqual([headers, 403]);
  }
});

test('every answer keeps browsers to https, and the cookie to this host', async () => {
  const { headers } = await create('lakh.example');
  expect((headers['set-cookie'] as string[])[0]).toMatch(/^__Host-ryow_until=\d+\.[\w-]{22}; Path=\/; .*; Secure$/);
  const code = String(headers.location).split('/').at(-1);
  for (const path of ['/', `/${code}`, `/${code}`, '/nosuchcode', '/-/page.css', `/${'x'.repeat(9000)}`]) {
    const answer = await ask({ host: 'lakh.example', path });
    expect([path, answer.headers['strict-transport-security']]).toEqual([path, 'max-age=31536000']);
  }
});

test('an admin listener beyond loopback is warned about', async () => {
  expect(server.stderr()).toMatch(/"level":"warn".*the admin listener is beyond loopback/);
});

test('who tries codes meets a limit as it is shipped, and nobody else does', async () => {
  const { headers } = await create('lakh.example');
  const code = String(headers.location).split('/').at(-1);
  expect((await ask({ host: 'lakh.example', path: `/${code}` })).status).toBe(301);
  const statuses = new Map<number, number>();
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const sent = Array.from({ length: 700 }, async (_, i) => {
    const { status } = await ask({ host: 'lakh.example', path: `/nosuch${i}`, agent });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  });
  await Promise.all(sent);
  agent.destroy();
  expect([...statuses.keys()].sort()).toEqual([404, 429]);
  expect(statuses.get(404)).toBeLessThanOrEqual(600);
  const refused = await ask({ host: 'lakh.example', path: '/nosuch' });
  expect([refused.status, Number(refused.headers['retry-after']) > 0]).toEqual([429, true]);
  expect((await ask({ host: 'lakh.example', path: `/${code}` })).status).toBe(301);
  expect(await server.logged(/"level":"warn".*"limit":"misses".*a client has reached a rate limit/)).toBeDefined();
});
