import { connect } from 'node:net';
import {
  createApp,
  createClientKeys,
  createHttpMetrics,
  createHttpServer,
  createRateLimits,
  type HttpServer,
  listen,
} from '@lakh/http';
import { anonymous, createRemover, createRestorer, OwnHosts } from '@lakh/links';
import { countedShortener, MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createApi, type Identify, parseTokens } from '../src/index.js';
import { tokenLine } from '../src/tokens.js';

const LIMITS = { changesPerMin: 3, missesPerMin: 3, wrongTokensPerMin: 3 };
const tokens = parseTokens(
  [tokenLine('right', 'ci', ['create', 'read', 'delete']), tokenLine('other', 'cd', ['create', 'read'])].join('\n'),
  'test',
);
const anyone = anonymous(['create', 'read', 'delete']);

let http: HttpServer;
let port: number;

async function start(identify: Identify): Promise<void> {
  const registry = new Registry();
  const store = new MemoryLinkStore();
  const metrics = createHttpMetrics(registry, ['api']);
  const clock = { nowMs: () => Date.now() };
  const ownHosts = new OwnHosts([]);
  const onError = () => {};
  const api = createApi({
    domainId: 0,
    store,
    shortener: countedShortener({
      store,
      clock,
      policy: { ownHosts },
    }),
    remover: createRemover({ store }),
    restorer: createRestorer({ store, clock, restoreMs: 0 }),
    clock,
    ryowCookie: () => 'x=y',
    publicUrl: 'http://lakh.example',
    identify,
    limits: createRateLimits({ ...LIMITS, clientOf: createClientKeys(['127.0.0.1/32']), registry }),
    metrics,
    onError,
  });
  http = createHttpServer({ own: {}, ...createApp({ faces: [api], metrics, onError }) });
  ({ port } = await listen(http, { host: '127.0.0.1', port: 0 }));
}
afterEach(() => http.drain(0));

interface Asked {
  readonly from?: string;
  readonly token?: string;
  readonly method?: string;
  readonly code?: string;
  /** Past the lane of plain creates. */
  readonly chunked?: boolean;
}

async function ask({ from = '192.0.2.1', token, method = 'POST', code, chunked = false }: Asked): Promise<number> {
  const body = '{"long_url":"https://example.com/"}';
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/urls${code === undefined ? '' : `/${code}`}`, {
    method,
    headers: {
      'x-forwarded-for': from,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(method === 'POST'
        ? { 'content-type': chunked ? 'application/json; charset=utf-8' : 'application/json' }
        : {}),
    },
    ...(method === 'POST' ? { body } : {}),
  });
  await response.arrayBuffer();
  if (response.status === 429) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  return response.status;
}

async function times(count: number, asked: Asked): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i += 1) found.push(await ask(asked));
  return found;
}

describe('without tokens', () => {
  beforeEach(() => start(() => anyone));

  test('creates in the lane, creates past it and deletes count together', async () => {
    expect(await ask({})).toBe(201);
    expect(await ask({ chunked: true })).toBe(201);
    expect(await ask({ method: 'DELETE', code: 'c100000' })).toBe(204);
    expect([await ask({}), await ask({ chunked: true })]).toEqual([429, 429]);
    expect(await ask({ method: 'DELETE', code: 'c100001' })).toBe(429);
    expect(await ask({ method: 'GET', code: 'c100001' })).toBe(200);
    expect(await ask({ from: '192.0.2.2' })).toBe(201);
  });

  test('look-ups that find nothing count, those that find do not', async () => {
    expect(await ask({})).toBe(201);
    expect(await times(5, { method: 'GET', code: 'c100000' })).toEqual([200, 200, 200, 200, 200]);
    expect(await times(4, { method: 'GET', code: 'unknown' })).toEqual([404, 404, 404, 429]);
    expect(await ask({ method: 'GET', code: 'c100000' })).toBe(429);
  });

  test('a refusal does not wait for the body', async () => {
    await times(3, {});
    const client = connect(port, '127.0.0.1');
    const answer = new Promise<string>((resolve) => client.once('data', (bytes) => resolve(bytes.toString())));
    const headers = 'Host: localhost\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Type: application/json';
    client.write(`POST /api/v1/urls HTTP/1.1\r\n${headers}\r\nContent-Length: 9000\r\n\r\n{`);
    expect(await answer).toMatch(/^HTTP\/1\.1 429 [\s\S]*"code":"rate_limited"/);
    client.destroy();
  });
});

describe('with tokens', () => {
  beforeEach(() => start((authorization) => tokens.verifyBearer(authorization)));

  test('a token has an allowance of its own, ten times as large, for changes and for misses', async () => {
    expect(await times(31, { token: 'right' })).toEqual([...Array(30).fill(201), 429]);
    expect(await ask({ token: 'other' })).toBe(201);
    expect(await times(4, { token: 'right', method: 'GET', code: 'unknown' })).toEqual([404, 404, 404, 429]);
    expect(await ask({ token: 'other', method: 'GET', code: 'unknown' })).toBe(404);
  });

  test('wrong tokens are tried so many times, and then none is told from a right one', async () => {
    expect(await times(5, { token: 'wrong' })).toEqual([401, 401, 401, 429, 429]);
    expect(await times(2, { token: 'right' })).toEqual([429, 429]);
    expect(await ask({ token: 'right', from: '192.0.2.2' })).toBe(201);
  });

  test('who was at work from an address is not shut out by guesses that come from it', async () => {
    expect(await ask({ token: 'right' })).toBe(201);
    await times(4, { token: 'wrong' });
    expect(await ask({ token: 'right' })).toBe(201);
    expect(await ask({ token: 'other' })).toBe(429);
  });

  test('no token at all is no guess', async () => {
    expect(new Set(await times(10, {}))).toEqual(new Set([401]));
    expect(await ask({ token: 'right' })).toBe(201);
  });
});
