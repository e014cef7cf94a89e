import { createHttpMetrics, type RouteRequest, type RouteResponse } from '@lakh/http';
import { LinkLoopError, OwnHosts } from '@lakh/links';
import { MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createRedirects } from '../src/index.js';

/** Redirects of links that lead to these targets, by their codes. */
async function redirectsTo(targets: Readonly<Record<string, string>>) {
  const store = new MemoryLinkStore();
  for (const [code, longUrl] of Object.entries(targets)) {
    await store.insert({
      domainId: 0,
      code,
      kind: 'alias',
      counter: 0,
      longUrl,
      createdAtMs: 0,
      expiresAtMs: null,
      redirectStatus: null,
      terms: null,
      owner: '',
      details: null,
      insertId: code.padStart(32, '0'),
    });
  }
  const registry = new Registry();
  const redirects = createRedirects({
    domainId: 0,
    store,
    ownHosts: new OwnHosts(['https://lakh.example', 'http://0.0.0.0:8080'], 'box'),
    settings: { redirectStatus: 302, redirectMaxAgeS: 90, l1TtlMs: 60_000, l1MaxBytes: 1_000_000 },
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    hasJustWritten: () => false,
    registry,
    metrics: createHttpMetrics(registry, ['redirect']),
    onError: () => {},
    limits: { lookUp: () => () => {}, tokenShown: () => {}, shareOver: () => {} },
  });

  /** Where the answer to a request for this host leads, or the code of its error. */
  async function ask(code: string, host: string): Promise<unknown> {
    const request = { params: { code }, headers: { host }, socket: {} } as unknown as RouteRequest;
    const writeHead = jest.fn();
    const response = { writeHead, end() {} } as unknown as RouteResponse;
    try {
      await redirects.handlers.followLink(request, response, async () => undefined);
      return writeHead.mock.calls[0][1][1];
    } catch (error) {
      if (error instanceof LinkLoopError) return error.code;
      throw error;
    }
  }
  return { ask, l1: redirects.l1 };
}

test('a target that is the host of the request is not followed, whatever that host is and however it is written', async () => {
  const { ask, l1 } = await redirectsTo({
    name: 'https://go.example/x',
    port: 'http://go.example:8443/x',
    loop: 'http://127.0.0.1:3000/loop',
  });
  for (let i = 0; i < 2; i += 1) {
    expect(await ask('name', 'go.example')).toBe('link_loop');
    expect(await ask('name', 'GO.example.')).toBe('link_loop');
    expect(await ask('port', 'go.example:8443')).toBe('link_loop');
    expect(await ask('loop', 'localhost:3000')).toBe('link_loop');
    expect(l1.size).toBe(0);
  }
  expect(await ask('port', 'go.example')).toBe('http://go.example:8443/x');
  expect(await ask('loop', '127.0.0.1:3001')).toBe('http://127.0.0.1:3000/loop');
});

test('what leads to a host that is known as this server’s is followed from others, but never in L1, which asks for no host', async () => {
  const { ask, l1 } = await redirectsTo({
    name: 'https://lakh.example/x',
    address: 'http://127.0.0.1:8080/x',
    machine: 'http://box:8080/x',
    other: 'https://example.com/',
  });
  expect(await ask('name', 'alias.example')).toBe('https://lakh.example/x');
  expect(await ask('address', 'alias.example')).toBe('http://127.0.0.1:8080/x');
  expect(await ask('machine', 'alias.example')).toBe('http://box:8080/x');
  expect(l1.size).toBe(0);
  expect(await ask('name', 'lakh.example')).toBe('link_loop');
  expect(await ask('machine', 'box:8080')).toBe('link_loop');
  expect(await ask('other', 'lakh.example')).toBe('https://example.com/');
  expect(l1.size).toBe(1);
});
