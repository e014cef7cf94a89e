import type { IncomingMessage } from 'node:http';
import { Registry } from 'prom-client';
import {
  createApp,
  createClientKeys,
  createHttpMetrics,
  createRateLimits,
  type Face,
  LIMITS,
  type RateLimitOptions,
  type RateLimits,
  type Routes,
  type SharedCounters,
} from '../src/index.js';
import { type Running, startServer } from './support.js';

const common = { service: 'x', role: 'public', errors: 'page', label: 'things' } as const;
const routes = {
  change: { ...common, method: 'POST', path: '/things', rate: 'changes' },
  edit: { ...common, method: 'PATCH', path: '/:code', rate: 'edits' },
  lookUp: { ...common, method: 'GET', path: '/:code', rate: 'misses' },
} as const satisfies Routes;

let registry: Registry;
let limits: RateLimits;
let refused: string[];
let nowMs: number;
let server: Running;
/** Look-ups that wait to be answered with this status. */
let waiting: ((status: number) => void)[];

function makeLimits(options: Partial<RateLimitOptions> = {}): RateLimits {
  registry = new Registry();
  return createRateLimits({
    changesPerMin: 3,
    missesPerMin: 3,
    wrongTokensPerMin: 3,
    clientOf: createClientKeys(['127.0.0.1/32']),
    registry,
    onRefused: (limit) => refused.push(limit),
    nowMs: () => nowMs,
    ...options,
  });
}

beforeEach(async () => {
  refused = [];
  waiting = [];
  nowMs = 0;
  limits = makeLimits();
  const face: Face<typeof routes> = {
    routes,
    handlers: {
      change(request, response) {
        limits.admit(routes.change.rate, request, response, request.headers['x-holder'] as string | undefined);
        response.status(201).end();
      },
      edit(request, response) {
        limits.admit(routes.edit.rate, request, response, request.headers['x-holder'] as string | undefined);
        response.status(Number(request.params.code)).end();
      },
      async lookUp(request, response) {
        limits.admit(routes.lookUp.rate, request, response);
        const { code } = request.params;
        response.status(code === 'later' ? await new Promise<number>((r) => waiting.push(r)) : Number(code)).end();
      },
    },
  };
  const app = createApp({ faces: [face], metrics: createHttpMetrics(registry, ['things']), onError: () => {} });
  server = await startServer(app);
});
afterEach(() => server.drain(0));

function ask(path: string, from: string, init: RequestInit = {}): Promise<Response> {
  const headers = { 'x-forwarded-for': from, ...(init.headers as object) };
  return fetch(`http://127.0.0.1:${server.port}${path}`, { redirect: 'manual', ...init, headers });
}

async function statuses(times: number, path: string, from: string, init?: RequestInit): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < times; i += 1) found.push((await ask(path, from, init)).status);
  return found;
}

const post = { method: 'POST' };

test('an address has its changes a minute, in problem details with Retry-After beyond it, and others theirs', async () => {
  expect(await statuses(4, '/things', '192.0.2.1', post)).toEqual([201, 201, 201, 429]);
  nowMs += 20_500;
  const answer = await ask('/things', '192.0.2.1', post);
  expect(answer.headers.get('retry-after')).toBe('40');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(await answer.json()).toEqual({
    type: 'urn:lakh:error:rate_limited',
    title: 'Rate limited',
    status: 429,
    code: 'rate_limited',
    detail: 'Too many links were made or changed from this address; try again in 40 seconds.',
  });
  expect(await statuses(1, '/things', '192.0.2.2', post)).toEqual([201]);
  nowMs += 39_500;
  expect(await statuses(1, '/things', '192.0.2.1', post)).toEqual([201]);
  expect(refused).toEqual(['changes', 'changes']);
});

test('a browser gets a page', async () => {
  await statuses(3, '/404', '192.0.2.1');
  const answer = await ask('/404', '192.0.2.1', { headers: { accept: 'text/html' } });
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60']);
  expect(await answer.text()).toMatch(/<h1>Too much at once<\/h1>\n<p>Too many links that are not there/);
});

test('a token has ten times as many, its own wherever it is used and whoever else is at its address', async () => {
  expect(await statuses(4, '/things', '192.0.2.1', post)).toEqual([201, 201, 201, 429]);
  const held = { ...post, headers: { 'x-holder': 'ci' } };
  expect(new Set(await statuses(20, '/things', '192.0.2.1', held))).toEqual(new Set([201]));
  expect(await statuses(11, '/things', '192.0.2.9', held)).toEqual([...Array(10).fill(201), 429]);
  expect(await statuses(1, '/things', '192.0.2.9', { ...post, headers: { 'x-holder': 'other' } })).toEqual([201]);
});

test('an IPv6 subscriber is its /64, whatever the rest of the address', async () => {
  const from = [1, 2, 3, 4].map((i) => `2001:db8:0:7::${i}`);
  const found: number[] = [];
  for (const address of from) found.push(...(await statuses(1, '/things', address, post)));
  expect(found).toEqual([201, 201, 201, 429]);
  expect(await statuses(1, '/things', '2001:db8:0:8::1', post)).toEqual([201]);
});

test('look-ups that find something cost nothing; 404 and 410 do; what this server fails at is not the client’s', async () => {
  expect(new Set(await statuses(20, '/301', '192.0.2.1'))).toEqual(new Set([301]));
  expect(new Set(await statuses(20, '/503', '192.0.2.1'))).toEqual(new Set([503]));
  expect(await statuses(1, '/404', '192.0.2.1')).toEqual([404]);
  expect(await statuses(3, '/410', '192.0.2.1')).toEqual([410, 410, 429]);
  // It would tell whether it is there.
  expect(await statuses(1, '/301', '192.0.2.1')).toEqual([429]);
  expect(await statuses(1, '/301', '192.0.2.2')).toEqual([301]);
});

test('an edit is a change, and a look-up as well: no right to edit is one to try codes faster', async () => {
  const edit = { method: 'PATCH' };
  const held = { ...edit, headers: { 'x-holder': 'ci' } };
  expect(await statuses(4, '/200', '192.0.2.1', edit)).toEqual([200, 200, 200, 429]);
  expect(await statuses(2, '/404', '192.0.2.2', edit)).toEqual([404, 404]);
  expect(await statuses(2, '/410', '192.0.2.2')).toEqual([410, 429]);
  expect(await statuses(25, '/412', '192.0.2.3', held)).toEqual(Array(25).fill(412));
  expect(await statuses(5, '/404', '192.0.2.3', held)).toEqual([404, 404, 404, 429, 429]);
  expect(await statuses(1, '/200', '192.0.2.3', held)).toEqual([429]);
  expect(await statuses(1, '/404', '192.0.2.3')).toEqual([404]);
  expect(refused).toEqual(['changes', 'misses', 'misses', 'misses', 'misses']);
});

test('many at once get no more than one after another', async () => {
  const asked = Array.from({ length: 10 }, () => ask('/later', '192.0.2.1'));
  while (waiting.length + refused.length < 10) await new Promise((resolve) => setTimeout(resolve, 2));
  for (const answer of waiting) answer(404);
  const found = (await Promise.all(asked)).map(({ status }) => status).sort();
  expect(found).toEqual([404, 404, 404, ...Array(7).fill(429)]);
});

test('who leaves before the answer has paid for the look-up', async () => {
  for (let i = 0; i < 3; i += 1) {
    const gone = new AbortController();
    const asked = ask('/later', '192.0.2.1', { signal: gone.signal }).catch(() => {});
    while (waiting.length <= i) await new Promise((resolve) => setTimeout(resolve, 2));
    gone.abort();
    await asked;
  }
  while (server.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(await statuses(1, '/404', '192.0.2.1')).toEqual([429]);
});

test('what was refused is counted by its limit, and so are the keys that are known', async () => {
  await statuses(5, '/404', '192.0.2.1');
  await statuses(1, '/404', '192.0.2.2');
  const text = await registry.metrics();
  expect(text).toContain('lakh_rate_limited_total{limit="misses"} 2');
  expect(text).toContain('lakh_rate_limited_total{limit="changes"} 0');
  expect(text).toContain('lakh_rate_limit_keys{limit="misses"} 2');
  expect(LIMITS.every((limit) => text.includes(`lakh_rate_limited_total{limit="${limit}"}`))).toBe(true);
});

const from = (address: string) => ({ socket: { remoteAddress: address }, headers: {} }) as unknown as IncomingMessage;
const shown = (address: string, holder?: string): string => {
  try {
    limits.tokenShown(from(address), holder);
    return 'looked at';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('tokens that are shown', () => {
  test('right ones cost nothing', () => {
    for (let i = 0; i < 20; i += 1) expect(shown('192.0.2.1', 'ci')).toBe('looked at');
    expect(shown('192.0.2.1')).toBe('looked at');
  });

  test('after so many wrong ones a right one is told from them no more, but for who was at work there before', () => {
    expect(shown('192.0.2.1', 'neighbour')).toBe('looked at');
    const guesses = Array.from({ length: 4 }, () => shown('192.0.2.1'));
    expect(guesses).toEqual([...Array(3).fill('looked at'), 'rate_limited']);
    expect(shown('192.0.2.1', 'guessed')).toBe('rate_limited');
    expect(shown('192.0.2.1', 'neighbour')).toBe('looked at');
    expect(shown('192.0.2.2', 'guessed')).toBe('looked at');
    nowMs += 60_000;
    expect(shown('192.0.2.1', 'guessed')).toBe('looked at');
  });
});

describe('shared counters', () => {
  /** What Redis does, in memory; `down`: as it answers then. */
  class Counters implements SharedCounters {
    readonly used = new Map<string, number>();
    calls = 0;
    down = false;
    async count(limit: string, key: string, taken: number) {
      this.calls += 1;
      if (this.down) return undefined;
      const used = (this.used.get(`${limit}:${key}`) ?? 0) + taken;
      this.used.set(`${limit}:${key}`, used);
      return { used, endsInMs: 30_000 };
    }
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  async function changes(each: RateLimits, times: number): Promise<number> {
    let admitted = 0;
    for (let i = 0; i < times; i += 1) {
      try {
        each.admit('changes', from('192.0.2.1'), {} as never);
        admitted += 1;
      } catch {}
      await settled();
    }
    return admitted;
  }

  test('servers count together, out by a fiftieth each, and who uses little is never told of', async () => {
    const counters = new Counters();
    const servers = [1, 2, 3].map(() => makeLimits({ changesPerMin: 500 }));
    for (const each of servers) each.shareOver(counters);
    await changes(servers[0] as RateLimits, 9);
    expect(counters.calls).toBe(0);
    let admitted = 9;
    for (let i = 0; i < 400; i += 1) for (const each of servers) admitted += await changes(each, 1);
    expect(admitted).toBeGreaterThanOrEqual(500);
    expect(admitted).toBeLessThanOrEqual(530);
    expect(counters.calls).toBeLessThanOrEqual(53);
    expect(await changes(servers[1] as RateLimits, 1)).toBe(0);
  });

  test('where they are away each server has its own limit, and goes on', async () => {
    const counters = new Counters();
    counters.down = true;
    const servers = [1, 2].map(() => makeLimits({ changesPerMin: 100 }));
    for (const each of servers) each.shareOver(counters);
    for (const each of servers) expect(await changes(each, 150)).toBe(100);
  });

  test('misses are told once they are known to be, and wrong tokens one by one', async () => {
    const counters = new Counters();
    limits.shareOver(counters);
    await statuses(2, '/301', '192.0.2.1');
    expect(counters.calls).toBe(0);
    await statuses(2, '/404', '192.0.2.1');
    shown('192.0.2.3');
    expect(Object.fromEntries(counters.used)).toEqual({ 'misses:192.0.2.1': 2, 'wrong_tokens:192.0.2.3': 1 });
  });
});

test('a client has a few passwords looked at at once, right ones too, and others have theirs', () => {
  limits = makeLimits({ wrongTokensPerMin: 100 });
  const of = (address: string) => ({ headers: {}, socket: { remoteAddress: address } }) as unknown as IncomingMessage;
  const ends = Array.from({ length: 8 }, () => limits.passwordTried(of('192.0.2.1')));
  expect(() => limits.passwordTried(of('192.0.2.1'))).toThrow('Too many passwords of this client');
  limits.passwordTried(of('192.0.2.2'))(true);
  for (const end of ends) end(true);
  for (let i = 0; i < 20; i += 1) limits.passwordTried(of('192.0.2.1'))(true);
  expect(refused).toEqual([]);
});
