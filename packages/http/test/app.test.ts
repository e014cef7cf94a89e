import { CodedError } from '@lakh/base';
import { until } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createApp, createHttpMetrics, type Face, ForbiddenError, type Routes } from '../src/index.js';
import { RawClient, type Running, startServer } from './support.js';

const common = { service: 'x', role: 'public', rate: 'none', errors: 'problem', label: 'things' } as const;
const routes = {
  add: { ...common, method: 'POST', path: '/api/things', body: { type: 'json', holds: 'thing', maxBytes: 100 } },
  get: { ...common, method: 'GET', path: '/api/things/:id' },
  fail: { ...common, method: 'DELETE', path: '/api/things/:id' },
} as const satisfies Routes;
const codeRoutes = {
  follow: { ...common, method: 'GET', path: '/:code', errors: 'page', label: 'codes' },
  followSlashed: { ...common, method: 'GET', path: '/:code/', errors: 'page', label: 'codes' },
} as const satisfies Routes;

/** More than the sockets of both sides take while nobody reads. */
const LONG_BODY = 'x'.repeat(32 * 1024 * 1024);

/** As a domain has it. */
class LoopError extends CodedError {
  readonly code = 'link_loop';
}

let server: Running;
let registry: Registry;
const errors: unknown[] = [];
let guarded: (string | undefined)[] = [];
/** Requests for /held, which are never answered. */
let held = 0;

beforeEach(async () => {
  registry = new Registry();
  errors.length = 0;
  guarded = [];
  held = 0;
  const things: Face<typeof routes> = {
    routes,
    headers: { 'x-face': 'things' },
    guard: ({ url, headers }) => {
      guarded.push(url);
      if (headers.authorization === 'no') throw new ForbiddenError('No.');
    },
    lanes: {
      plain: (request, response) =>
        request.url === '/api/things?lane' ? Promise.resolve(void response.end('lane')) : undefined,
    },
    handlers: {
      add: async (_request, response, body) => void response.json(await body()),
      get({ params }, response) {
        if (params.id === 'loop') throw new LoopError('inside');
        response.json(params);
      },
      fail: () => {
        throw new Error('inside');
      },
    },
  };
  const codes: Face<typeof codeRoutes> = {
    routes: codeRoutes,
    handlers: {
      follow({ params }, response) {
        if (params.code === 'held') held += 1;
        else if (params.code === 'long') response.end(LONG_BODY);
        else response.end('followed');
      },
      followSlashed: (_request, response) => void response.end('followed, with a slash'),
    },
    lanes: { fast: ({ url }, response) => url === '/fast' && response.end('fast') !== undefined },
  };
  const metrics = createHttpMetrics(registry, ['things', 'codes']);
  const app = createApp({ faces: [codes, things], metrics, onError: (error) => errors.push(error) });
  server = await startServer(app);
});
afterEach(() => server.drain(0));

const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: string) => {
  const init = body === undefined ? { method, headers } : { method, headers, body };
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const BODY_OF_9 = 'Content-Type: application/json\r\nContent-Length: 9\r\n\r\n';
const json = { 'content-type': 'application/json' };

describe('an app of faces', () => {
  test('answers each route by its handler, with the headers of its face', async () => {
    const got = await ask('GET', '/api/things/7');
    expect([got.status, got.text, got.headers.get('x-face')]).toEqual([200, '{"id":"7"}', 'things']);
    const followed = await ask('GET', '/Q0u');
    expect([followed.text, followed.headers.get('x-face')]).toEqual(['followed', null]);
  });

  test('has one fast lane at most', () => {
    const face: Face<typeof codeRoutes> = {
      routes: codeRoutes,
      handlers: { follow: () => {}, followSlashed: () => {} },
      lanes: { fast: () => false },
    };
    const metrics = createHttpMetrics(new Registry(), ['codes']);
    expect(() => createApp({ faces: [face, face], metrics, onError: () => {} })).toThrow('two faces with a fast lane');
  });

  test('asks the lanes first', async () => {
    expect((await ask('GET', '/fast')).text).toBe('fast');
    expect((await ask('POST', '/api/things?lane', json, '{}')).text).toBe('lane');
    expect(guarded).toEqual([]);
  });

  test('refuses other methods with what is allowed, and unknown paths, in the form of their area', async () => {
    const refused = await ask('PUT', '/api/things/7');
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE']);
    for (const [path, type] of [
      ['/api/none', 'application/problem+json'],
      ['/a/b', 'text/html; charset=utf-8'],
    ] as const) {
      const missing = await ask('GET', path, { accept: 'text/html' });
      expect([missing.status, missing.headers.get('content-type')]).toEqual([404, type]);
      expect(missing.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('has nothing at a path with a slash more than a route’s, guarded or not', async () => {
    for (const path of ['/api/things/', '/api/things/?lane', '/api/things/7/', '/api/things//', '/api//things']) {
      const { status } = await ask('POST', path, json, '{}');
      expect([path, status]).toEqual([path, 404]);
    }
  });

  test('gives to parameters of a first segment what no other area has, and nothing else, whoever is asked first', async () => {
    expect((await ask('GET', '/Q0u/')).text).toBe('followed, with a slash');
    for (const method of ['GET', 'POST']) {
      const { status, headers, text } = await ask(method, '/api/');
      expect([method, status, headers.get('allow'), JSON.parse(text).code]).toEqual([method, 404, null, 'not_found']);
    }
  });

  test('has a guard look at all that is at or under the path that its routes share, and at nothing else', async () => {
    expect((await ask('GET', '/api/things/7/8', { authorization: 'no' })).status).toBe(403);
    expect((await ask('GET', '/api/other', { authorization: 'no' })).status).toBe(404);
    expect((await ask('GET', '/Q0u', { authorization: 'no' })).status).toBe(200);
    expect(guarded).toHaveLength(1);
  });

  test.each([
    ['what fits', json, '{"a":1}', 200],
    ['what fits, with a parameter', { 'content-type': 'application/json; charset=utf-8' }, '{"a":1}', 200],
    ['another type', { 'content-type': 'text/plain' }, '{}', 415],
    ['too much', json, `"${'x'.repeat(100)}"`, 413],
    ['no JSON', json, '{', 400],
    ['UTF-8 by its other name', { 'content-type': 'application/json;charset=utf8' }, '{"a":1}', 200],
    ['a byte order mark', json, '\ufeff{"a":1}', 200],
    [
      'a byte order mark, with a parameter',
      { 'content-type': 'application/json; charset=utf-8' },
      '\ufeff{"a":1}',
      200,
    ],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }, '{}', 415],
    ['nothing, with a parameter', { 'content-type': 'application/json; a=b' }, '', 200],
    ['no JSON, with a parameter', { 'content-type': 'application/json; charset=utf-8' }, '{', 400],
  ])('reads a body by its rule: %s', async (name, headers, body, status) => {
    const answer = await ask('POST', '/api/things', headers as Record<string, string>, body);
    expect(answer.status).toBe(status);
    if (name === 'another type') expect(answer.text).toContain('Send the thing as application/json.');
    if (status === 200) expect(answer.text).toBe(body.replace('\ufeff', '') || '{}');
  });

  test('tells of errors that are its own, and counts every answer under the label of its area', async () => {
    expect((await ask('DELETE', '/api/things/7')).status).toBe(500);
    const loop = await ask('GET', '/api/things/loop');
    expect([loop.status, JSON.parse(loop.text).code, loop.text.includes('inside')]).toEqual([508, 'link_loop', false]);
    expect(errors).toEqual([new Error('inside')]);
    await ask('GET', '/api/none');
    await ask('GET', '/Q0u');
    const text = await registry.metrics();
    for (const line of ['route="things",status="500"', 'route="things",status="404"', 'route="codes",status="200"']) {
      expect(text).toContain(`lakh_http_requests_total{${line}} 1`);
    }
  });

  test('counts who left before the whole of an answer was sent as 499, wherever that was', async () => {
    const leaving = (request: string) => new RawClient(server.port).send(request);
    const waiting = leaving('GET /held HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => held === 1);
    const sending = leaving(`POST /api/things HTTP/1.1\r\nHost: x\r\n${BODY_OF_9}{"a":`);
    const reading = leaving('GET /long HTTP/1.1\r\nHost: x\r\n\r\n');
    await reading.sees(/x{100}/);
    reading.socket.pause();
    const whole = leaving('GET /Q0u HTTP/1.1\r\nHost: x\r\n\r\n');
    await whole.sees(/followed/);
    await leaving('GET /Q0u HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n').all();
    for (const client of [waiting, sending, reading, whole]) client.socket.resetAndDestroy();
    await until(() => server.inFlight === 0);
    const text = await registry.metrics();
    expect(text.match(/^lakh_http_requests_total\{.*$/gm)?.sort()).toEqual([
      'lakh_http_requests_total{route="codes",status="200"} 2',
      'lakh_http_requests_total{route="codes",status="499"} 2',
      'lakh_http_requests_total{route="things",status="499"} 1',
    ]);
    expect(errors).toEqual([]);
  });
});
