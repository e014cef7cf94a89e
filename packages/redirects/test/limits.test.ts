import {
  createApp,
  createClientKeys,
  createHttpMetrics,
  createHttpServer,
  createRateLimits,
  type HttpServer,
  listen,
} from '@lakh/http';
import { type NewLink, OwnHosts } from '@lakh/links';
import { MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createRedirects, type Redirects } from '../src/index.js';

const MISSES = 5;

let store: MemoryLinkStore;
let redirects: Redirects;
let http: HttpServer;
let url: string;
let nowMs: number;
let registry: Registry;

function link(code: string, changes: Partial<NewLink> = {}): NewLink {
  return {
    domainId: 0,
    code,
    kind: 'alias',
    counter: 0,
    longUrl: `https://example.com/${code}`,
    createdAtMs: 0,
    expiresAtMs: null,
    redirectStatus: null,
    terms: null,
    owner: '',
    details: null,
    insertId: code.padStart(32, '0'),
    ...changes,
  };
}

beforeEach(async () => {
  nowMs = Date.now();
  store = new MemoryLinkStore();
  registry = new Registry();
  const metrics = createHttpMetrics(registry, ['redirect']);
  redirects = createRedirects({
    domainId: 0,
    store,
    ownHosts: new OwnHosts([]),
    settings: { redirectStatus: 302, redirectMaxAgeS: 90, l1TtlMs: 5_000, l1MaxBytes: 1_000_000 },
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    hasJustWritten: (cookie) => cookie === 'written',
    registry,
    metrics,
    limits: createRateLimits({
      changesPerMin: 1,
      missesPerMin: MISSES,
      wrongTokensPerMin: 1,
      clientOf: createClientKeys(['127.0.0.1/32']),
      registry,
    }),
  });
  const app = createApp({ faces: [redirects], metrics, onError: () => {} });
  http = createHttpServer({ own: {}, ...app });
  ({ url } = await listen(http, { host: '127.0.0.1', port: 0 }));
});
afterEach(() => http.drain(0));

async function ask(path: string, from = '192.0.2.1', headers = {}): Promise<number> {
  const response = await fetch(url + path, { redirect: 'manual', headers: { 'x-forwarded-for': from, ...headers } });
  await response.arrayBuffer();
  return response.status;
}

async function useUpMisses(): Promise<void> {
  for (let i = 0; i < MISSES; i += 1) expect(await ask(`/unknown${i}`)).toBe(404);
  expect(await ask('/unknown')).toBe(429);
}

const lookUps = async () =>
  Number(/^lakh_lookups_total\{by="store"\} (\d+)$/m.exec(await registry.metrics())?.[1] ?? 0);

test('whoever tries codes is answered so many a minute, and nothing is looked up for it any more', async () => {
  await store.insert(link('never-followed'));
  await useUpMisses();
  const before = await lookUps();
  const found = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`/guess${i}`)));
  expect(new Set(found)).toEqual(new Set([429]));
  expect(await ask('/never-followed')).toBe(429);
  expect(await ask('/never-followed/')).toBe(429);
  expect(await lookUps()).toBe(before);
  expect(await ask('/never-followed', '192.0.2.2')).toBe(302);
});

test('while the database stands still one client has no more look-ups under way than its allowance, and another has its own', async () => {
  await store.insert(link('anothers'));
  const [read, { promise: still, resolve: goOn }] = [store.sight.bind(store), withResolvers()];
  const asked = new Set<string>();
  store.sight = async (domainId, code) => {
    asked.add(code);
    await still;
    return read(domainId, code);
  };
  const many = Array.from({ length: 50 }, (_, i) => ask(`/guess${i}`));
  const anothers = ask('/anothers', '192.0.2.2');
  while (!asked.has('anothers')) await new Promise(setImmediate);
  const refused = new Promise((resolve) => {
    let count = 0;
    for (const each of many) void each.then((status) => status === 429 && ++count === 50 - MISSES && resolve(count));
  });
  expect(await refused).toBe(50 - MISSES);
  expect(asked.size).toBe(MISSES + 1);
  goOn();
  expect(await anothers).toBe(302);
  expect((await Promise.all(many)).filter((status) => status === 404)).toHaveLength(MISSES);
});

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('what was redirected lately goes on: from memory, with a query string, and where it has to be read again', async () => {
  await store.insert(link('hot'));
  expect(await ask('/hot', '192.0.2.2')).toBe(302);
  await useUpMisses();
  expect(await ask('/hot')).toBe(302);
  expect(await ask('/hot?utm_source=x')).toBe(302);
  expect(await ask('/hot.')).toBe(308);
  expect(await ask('/hot/')).toBe(308);
  expect(await ask('/hot', '192.0.2.1', { cookie: 'written' })).toBe(302);
  nowMs += 60_000;
  const before = await lookUps();
  expect(await ask('/hot')).toBe(302);
  expect(await lookUps()).toBe(before + 1);
});

test('what was deleted or has expired costs one look-up, and what cannot be a code none', async () => {
  await store.insert(link('ended', { expiresAtMs: nowMs - 1 }));
  await store.insert(link('gone'));
  await store.remove(0, 'gone');
  for (let i = 0; i < 20; i += 1) expect(await ask('/favicon.ico')).toBe(404);
  for (let i = 0; i < 5; i += 1) expect([await ask('/gone'), await ask('/ended')]).toEqual([410, 410]);
  nowMs += 60_000;
  expect([await ask('/un.'), await ask('/un/'), await ask('/un'), await ask('/un')]).toEqual([404, 404, 404, 429]);
  // Known, so that a dead link in a letter shuts nobody out.
  expect([await ask('/gone'), await ask('/ended')]).toEqual([410, 410]);
  expect(await ask('/favicon.ico')).toBe(404);
});

test('the lane of hits asks no limit', async () => {
  await store.insert(link('hot'));
  expect(await ask('/hot')).toBe(302);
  await useUpMisses();
  const before = redirects.l1.hits;
  for (let i = 0; i < 100; i += 1) expect(await ask('/hot')).toBe(302);
  expect(redirects.l1.hits).toBe(before + 100);
  expect(await registry.metrics()).toContain('lakh_rate_limited_total{limit="misses"} 1\n');
});
