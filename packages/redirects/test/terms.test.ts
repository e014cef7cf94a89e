import {
  createApp,
  createHttpMetrics,
  createHttpServer,
  createRateLimits,
  type HttpServer,
  listen,
  PasswordKeeper,
} from '@lakh/http';
import { type LinkTerms, type NewLink, OwnHosts } from '@lakh/links';
import { MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createRedirects, type Redirects } from '../src/index.js';

const WRONG_A_MINUTE = 2;
const MISSES_A_MINUTE = 30;
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';
const ANDROID =
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36';
const DESKTOP =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36';
const APP = 'https://app.example/';

let store: MemoryLinkStore;
let redirects: Redirects;
let http: HttpServer;
let url: string;
let nowMs: number;
let codes = 0;

beforeEach(async () => {
  nowMs = Date.now();
  store = new MemoryLinkStore();
  const registry = new Registry();
  const metrics = createHttpMetrics(registry, ['redirect']);
  redirects = createRedirects({
    ...{ domainId: 0, store, ownHosts: new OwnHosts([]), registry, metrics },
    settings: { redirectStatus: 301, redirectMaxAgeS: 90, l1TtlMs: 5_000, l1MaxBytes: 1_000_000 },
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    hasJustWritten: (cookie) => cookie === 'written',
    limits: createRateLimits({
      ...{ changesPerMin: 1, missesPerMin: MISSES_A_MINUTE, wrongTokensPerMin: WRONG_A_MINUTE, registry },
      clientOf: ({ headers }) => `${headers['x-forwarded-for']}`,
    }),
    onError: (error) => {
      throw error;
    },
  });
  http = createHttpServer({ own: {}, ...createApp({ faces: [redirects], metrics, onError: () => {} }) });
  ({ url } = await listen(http, { host: '127.0.0.1', port: 0 }));
});
afterEach(() => http.drain(0));

/** @returns its code */
async function add(terms: LinkTerms, changes: Partial<NewLink> = {}): Promise<string> {
  codes += 1;
  const code = `code${codes}`;
  await store.insert({
    ...{ domainId: 0, code, kind: 'alias', counter: 0, longUrl: 'https://example.com/', createdAtMs: 0 },
    ...{ expiresAtMs: null, redirectStatus: null, terms, owner: '', details: null, insertId: code.padStart(32, '0') },
    ...changes,
  });
  return code;
}

const ask = (path: string, init: RequestInit = {}) => fetch(`${url}/${path}`, { redirect: 'manual', ...init });

/** Status, target and what caches are told. */
async function follow(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const { status, headers: answered } = await ask(path, { method, headers });
  return [status, answered.get('location'), answered.get('cache-control')];
}

const open = (code: string, password: string, client = 'me') =>
  ask(code, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': client },
    body: new URLSearchParams({ password }).toString(),
  });

const reads = () => store.calls.filter(({ call }) => call === 'find').length;

test('a link is not there before its time, and then is like any other', async () => {
  const code = await add({ notBeforeMs: nowMs + 1_000 });
  const answer = await ask(code);
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, 'no-store']);
  nowMs += 999;
  expect((await ask(code)).status).toBe(404);
  nowMs += 1;
  expect(await follow(code)).toEqual([301, 'https://example.com/', 'private, max-age=90']);
});

test('nor does anything else tell before its time that it is there', async () => {
  const code = await add({ notBeforeMs: nowMs + 1_000 });
  const secret = await add({ notBeforeMs: nowMs + 1_000, password: 'kept' });
  for (const known of [false, true]) {
    for (const path of [`${code}/`, `${code}.`, code, `${code}?a`]) {
      expect([known, path, (await follow(path)).slice(0, 2)]).toEqual([known, path, [404, null]]);
    }
    expect([(await open(code, 'x')).status, (await open(secret, 'x')).status]).toEqual([404, 404]);
  }
  // Who has tried too many codes is told nothing of any.
  const asMany = (path: string) => follow(path, { 'x-forwarded-for': 'a guesser' });
  while ((await asMany('nothing'))[0] !== 429);
  expect((await asMany(code))[0]).toBe(429);
  nowMs += 1_000;
  expect((await follow(`${code}/`)).slice(0, 2)).toEqual([308, `/${code}`]);
  expect((await open(code, 'x')).status).toBe(405);
  expect((await asMany(code))[0]).toBe(301);
});

test('one that has expired leads where it says, for now', async () => {
  const code = await add({ expiredUrl: 'https://example.com/over' }, { expiresAtMs: nowMs + 10_000 });
  expect(await follow(code)).toEqual([301, 'https://example.com/', 'private, max-age=10']);
  nowMs += 10_000;
  expect(await follow(code)).toEqual([302, 'https://example.com/over', 'no-store']);
  expect(await follow(code, {}, 'HEAD')).toEqual([302, 'https://example.com/over', 'no-store']);
});

describe('the query of a request', () => {
  test.each([
    ['https://example.com/', 'a=1', 'https://example.com/?a=1'],
    ['https://example.com/?z=+%20&y', 'a=1+2&a=%2B', 'https://example.com/?z=+%20&y&a=1+2&a=%2B'],
    ['https://example.com/?', 'a', 'https://example.com/?a'],
    ['https://example.com/#top', 'a=1', 'https://example.com/?a=1#top'],
    ['https://example.com/?b#top?c', 'a=?/@:', 'https://example.com/?b&a=?/@:#top?c'],
    ['https://example.com/', '', 'https://example.com/'],
  ])('is put behind that of %s as it came: %s', async (longUrl, query, location) => {
    const code = await add({ forwardQuery: 'append' }, { longUrl });
    // From the store, from memory, and by a request that is none of the wire lane's.
    for (const headers of [{}, {}, { te: 'trailers' }]) {
      expect(await follow(`${code}?${query}`, headers)).toEqual([301, location, 'private, max-age=90']);
    }
  });

  test('is left out where nobody asked for it', async () => {
    expect((await follow(`${await add({ maxClicks: 5 })}?a=1`))[1]).toBe('https://example.com/');
  });

  test('is left out where the address would be longer than proxies take', async () => {
    const code = await add({ forwardQuery: 'append' });
    const query = 'q'.repeat(3_072 - 'https://example.com/?'.length);
    expect((await follow(`${code}?${query}`))[1]).toBe(`https://example.com/?${query}`);
    expect((await follow(`${code}?${query}q`))[1]).toBe('https://example.com/');
  });

  test('is no more than a header may hold', async () => {
    const code = await add({ forwardQuery: 'append' });
    const request = (query: string) => `GET /${code}?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    expect(await raw(request('a="<>|{}'))).toMatch(/^Location: https:\/\/example\.com\/\?a="<>\|\{\}\r$/m);
    expect(await raw(request('a=\xe9'))).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('a link that may be followed so often', () => {
  test('leads to its target as often, however many come at once, and then no more', async () => {
    const code = await add({ maxClicks: 7 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => follow(code)));
    expect(answers.filter(([status]) => status === 302)).toHaveLength(7);
    expect(answers.filter(([status]) => status === 410)).toHaveLength(13);
    expect(answers.find(([status]) => status === 302)).toEqual([302, 'https://example.com/', 'no-store']);
    expect(await follow(code)).toEqual([410, null, 'no-store']);
  });

  test('counts neither who only looks nor who is led elsewhere', async () => {
    const code = await add({ maxClicks: 1, expiredUrl: APP });
    for (let i = 0; i < 3; i += 1) expect((await follow(code, {}, 'HEAD'))[1]).toBe('https://example.com/');
    expect((await follow(code))[1]).toBe('https://example.com/');
    expect(await follow(code)).toEqual([302, APP, 'no-store']);
    expect(await follow(code, {}, 'HEAD')).toEqual([302, APP, 'no-store']);
  });

  test('costs no question to the database a click once it was followed as often, for as long as it is remembered', async () => {
    const code = await add({ maxClicks: 1 });
    const clicks = () => store.calls.filter(({ call }) => call === 'click').length;
    for (let i = 0; i < 20; i += 1) expect((await follow(code))[0]).toBe(i === 0 ? 302 : 410);
    expect(clicks()).toBe(2);
    nowMs += 5_000;
    for (let i = 0; i < 3; i += 1) expect((await follow(code))[0]).toBe(410);
    expect(clicks()).toBe(3);
    await store.edit(0, code, { terms: { maxClicks: 2 } });
    redirects.l1.changed({ domainId: 0, code, version: 2 });
    expect([(await follow(code))[0], (await follow(code))[0]]).toEqual([302, 410]);
  });

  test('is counted by what it is now, also where an older form of it is remembered', async () => {
    const code = await add({ maxClicks: 1 });
    expect((await follow(code))[0]).toBe(302);
    await store.edit(0, code, { terms: { maxClicks: 2 }, longUrl: APP });
    expect([await follow(code), await follow(code)]).toEqual([
      [302, APP, 'no-store'],
      [410, null, 'no-store'],
    ]);
    await store.edit(0, code, { terms: { maxClicks: 9 } });
    await store.remove(0, code);
    expect((await follow(code))[0]).toBe(410);
  });
});

describe('a password', () => {
  let code: string;
  beforeEach(async () => {
    const kept = await new PasswordKeeper({ atOnce: 1, queuedMax: 1 }).hash('pässword');
    code = await add({ password: kept }, { longUrl: 'https://hidden.example/' });
  });

  test('is asked for by a page that no cache keeps and that tells nothing', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask(`${code}?a=1`, { method });
      const page = await answer.text();
      expect([answer.status, answer.headers.get('cache-control'), answer.headers.get('location')]).toEqual([
        ...[200, 'no-store', null],
      ]);
      expect(answer.headers.get('x-robots-tag')).toBe('noindex');
      expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
      expect(page).not.toMatch(/hidden|<script|scrypt/);
      expect(page.includes('<form method="post">')).toBe(method === 'GET');
    }
  });

  test('leads to the target who sends it, in whatever form it was typed', async () => {
    for (const typed of ['pässword', 'pa\u0308ssword']) {
      const answer = await open(code, typed);
      expect([answer.status, answer.headers.get('location'), answer.headers.get('cache-control')]).toEqual([
        ...[303, 'https://hidden.example/', 'no-store'],
      ]);
    }
  });

  test('that is wrong has the page again; wrong ones are limited by themselves, right ones cost nothing', async () => {
    for (let i = 0; i < 2 * WRONG_A_MINUTE; i += 1) expect((await open(code, 'pässword')).status).toBe(303);
    for (let i = 0; i < WRONG_A_MINUTE; i += 1) {
      const answer = await open(code, i === 0 ? '' : `wrong ${i}`);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([403, 'no-store']);
      expect(await answer.text()).toContain('This is not the password');
    }
    const refused = await open(code, 'pässword');
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true]);
    expect((await open(code, 'pässword', 'another')).status).toBe(303);
    expect((await ask(code)).status).toBe(200);
  }, 30_000);

  test('that nobody could look at is no wrong one', async () => {
    const unknown = await add({ password: 'of a later form' });
    for (let i = 0; i <= WRONG_A_MINUTE; i += 1) expect((await open(unknown, 'x', 'unheard')).status).toBe(500);
    expect((await open(code, 'pässword', 'unheard')).status).toBe(303);
  });

  test('is not taken where none is asked for', async () => {
    const plain = await add({ maxClicks: 3 });
    for (const [asked, status] of [
      [plain, 405],
      ['nothing', 404],
    ] as const) {
      expect((await open(asked, 'x')).status).toBe(status);
    }
    expect((await ask(code, { method: 'POST', body: '{}' })).status).toBe(415);
    // Nobody is told to send a password that no link asks for.
    expect((await ask(plain, { method: 'POST' })).status).toBe(405);
    expect((await ask('nothing', { method: 'POST', body: '{}' })).status).toBe(404);
    await store.remove(0, code);
    redirects.l1.changed({ domainId: 0, code, version: 2 });
    expect((await open(code, 'pässword')).status).toBe(410);
  });
});

describe('rules', () => {
  const to = (name: string) => `https://${name}.example/`;

  test('the first that is met says where, for everybody else it is the target', async () => {
    const code = await add({
      rules: [
        { device: 'ios', language: 'de', longUrl: to('ios-de') },
        { device: 'ios', longUrl: to('ios') },
        { device: 'android', longUrl: to('android') },
        { device: 'desktop', longUrl: to('desktop') },
        { language: 'pt-br', longUrl: to('br') },
      ],
    });
    for (const [headers, location] of [
      [{ 'user-agent': IPHONE, 'accept-language': 'de-CH, en;q=0.9' }, to('ios-de')],
      [{ 'user-agent': IPHONE, 'accept-language': 'en, de;q=0.9' }, to('ios')],
      [{ 'user-agent': ANDROID }, to('android')],
      [{ 'user-agent': DESKTOP }, to('desktop')],
      [{ 'user-agent': 'curl/8', 'accept-language': 'pt-BR' }, to('br')],
      [{ 'user-agent': 'curl/8', 'accept-language': 'pt' }, 'https://example.com/'],
      [{ 'user-agent': '', 'accept-language': 'pt-BR;q=0, *' }, 'https://example.com/'],
    ] as const) {
      expect([headers, await follow(code, headers)]).toEqual([headers, [302, location, 'no-store']]);
      expect((await follow(code, { ...headers, te: 'trailers' }))[1]).toBe(location);
    }
    expect((await follow(await add({ rules: [] as never, maxClicks: 9 }))).slice(0, 2)).toEqual([
      302,
      'https://example.com/',
    ]);
  });

  test('by time and by query', async () => {
    const code = await add(
      {
        forwardQuery: 'append',
        rules: [
          { query: { name: 'from', value: 'a b' }, longUrl: to('query') },
          { fromMs: nowMs + 10, untilMs: nowMs + 20, longUrl: to('window') },
        ],
      },
      { redirectStatus: 307 },
    );
    expect(await follow(`${code}?x=1&from=a+b`)).toEqual([307, `${to('query')}?x=1&from=a+b`, 'no-store']);
    const leads = [];
    for (const ms of [0, 10, 9, 1]) {
      nowMs += ms;
      leads.push((await follow(code))[1]);
    }
    expect(leads).toEqual(['https://example.com/', to('window'), to('window'), 'https://example.com/']);
  });

  test('that lead back to where the request came in go round in circles', async () => {
    const code = await add({ rules: [{ query: { name: 'a', value: '1' }, longUrl: `${url}/x` }] });
    expect([(await follow(`${code}?a=1`))[0], (await follow(code))[0]]).toEqual([508, 302]);
  });
});

test('links with terms are remembered for as long as others, and forgotten with them', async () => {
  const code = await add({ forwardQuery: 'append' });
  for (let i = 0; i < 5; i += 1) expect((await follow(code))[0]).toBe(301);
  expect(reads()).toBe(1);
  await store.edit(0, code, { longUrl: APP });
  expect((await follow(code))[1]).toBe('https://example.com/');
  redirects.l1.changed({ domainId: 0, code, version: 2 });
  expect((await follow(code))[1]).toBe(APP);
  expect((await follow(code, { cookie: 'written' }))[1]).toBe(APP);
  nowMs += 5_000;
  await follow(code);
  expect(reads()).toBe(4);
  redirects.l1.missed();
  await follow(code);
  expect(reads()).toBe(5);
  // Terms come and go.
  await store.edit(0, code, { terms: { forwardQuery: null } });
  redirects.l1.changed({ domainId: 0, code, version: 3 });
  expect([await follow(code), await follow(code)].map(([, location]) => location)).toEqual([APP, APP]);
  await store.edit(0, code, { terms: { maxClicks: 1 } });
  nowMs += 5_000;
  expect([(await follow(code))[0], (await follow(code))[0]]).toEqual([302, 410]);
});

/** All that comes back on a connection. */
async function raw(request: string): Promise<string> {
  const { connect } = await import('node:net');
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  socket.end(Buffer.from(request, 'latin1'));
  let text = '';
  for await (const chunk of socket) text += chunk.toString('latin1');
  return text;
}
