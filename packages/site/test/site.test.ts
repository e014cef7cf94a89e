import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp, createHttpMetrics, createHttpServer, type HttpServer, listen } from '@lakh/http';
import { createResolver, type LinkTerms } from '@lakh/links';
import { MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createSite } from '../src/index.js';

const NOW_MS = 1_790_000_000_000;

let dir: string;
let store: MemoryLinkStore;
let http: HttpServer;
let url: string;
let lookUps: boolean[];
const errors: unknown[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-site-'));
  mkdirSync(join(dir, '.well-known'));
  store = new MemoryLinkStore();
  const metrics = createHttpMetrics(new Registry(), ['redirect']);
  const site = createSite({
    domainId: 0,
    resolver: createResolver({ store, clock: { monotonicMs: () => 0 }, validForMs: 0 }),
    store,
    limits: { lookUp: () => (found) => void lookUps.push(found) },
    clock: { nowMs: () => NOW_MS },
    publicUrl: 'https://lakh.example',
    settings: { siteDir: dir },
  });
  http = createHttpServer({
    own: {},
    ...createApp({ faces: [site], metrics, onError: (error) => void errors.push(error) }),
  });
  ({ url } = await listen(http, { host: '127.0.0.1', port: 0 }));
});
beforeEach(() => {
  lookUps = [];
  errors.length = 0;
});
afterAll(async () => {
  await http.drain(0);
  rmSync(dir, { recursive: true });
});

async function add(
  code: string,
  longUrl = 'https://example.com/',
  expiresAtMs: number | null = null,
  terms: LinkTerms | null = null,
): Promise<void> {
  const insertId = code.padStart(32, '0');
  const plain = { domainId: 0, kind: 'alias', counter: 0, createdAtMs: NOW_MS, redirectStatus: null } as const;
  await store.insert({ ...plain, code, longUrl, expiresAtMs, terms, owner: '', details: null, insertId });
}

const get = (path: string, init: RequestInit = {}) => fetch(url + path, init);

test('a preview says where a link leads, and does not go there', async () => {
  await add('abc', "https://example.com/'><script>alert(1)</script>?a=1&b=2", NOW_MS + 60_000);
  const answer = await get('/abc+');
  const page = await answer.text();
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('x-robots-tag')).toBe('noindex');
  expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'.*img-src 'self' data:/);
  expect(page).toContain('<p class="host long">example.com</p>');
  expect(page).toContain('https://lakh.example/abc');
  expect(page).toContain('Ends');
  expect(page).not.toContain('<script');
  expect(page).toContain('?a=1&amp;b=2');
  expect(lookUps).toEqual([true]);
});

test('a preview tells nothing that following the link would not tell', async () => {
  await add('secret', 'https://hidden.example/', null, { password: 'kept' });
  const page = await (await get('/secret+')).text();
  expect(page).toContain('asks for a password');
  expect(page).not.toContain('hidden');
  await add('later', 'https://hidden.example/', null, { notBeforeMs: NOW_MS + 1 });
  expect((await get('/later+')).status).toBe(404);
  await add('ruled', 'https://shown.example/', null, { rules: [{ device: 'ios', longUrl: 'https://app.example/' }] });
  expect(await (await get('/ruled+')).text()).toMatch(/shown\.example[\s\S]*may lead elsewhere/);
});

test('nothing of a preview is wider than a narrow screen', async () => {
  await add('narrow');
  const page = await (await get('/narrow+')).text();
  // A column of `1fr` is as wide as its longest word.
  expect(page).toContain('grid-template-columns: max-content minmax(0, 1fr)');
  expect(page).toMatch(/dd \{[^}]*overflow-wrap: anywhere/);
});

test('the picture of a link is kept no longer than the link', async () => {
  await add('soon', 'https://example.com/', NOW_MS + 60_500);
  const answer = await get('/soon.qr?format=png&size=100');
  expect(answer.headers.get('content-type')).toBe('image/png');
  expect(answer.headers.get('cache-control')).toBe('private, max-age=60');
  expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(100);
  expect((await get('/soon.qr', { method: 'HEAD' })).status).toBe(200);
});

test('what has no link, or has one no more, has neither preview nor picture, and is counted as a try', async () => {
  await add('old', 'https://example.com/', NOW_MS);
  await add('deleted');
  await store.remove(0, 'deleted');
  for (const [code, status] of [
    ['none', 404],
    ['old', 410],
    ['deleted', 410],
    ['%2e%2e', 404],
  ] as const) {
    expect([code, (await get(`/${code}+`)).status, (await get(`/${code}.qr`)).status]).toEqual([code, status, status]);
  }
  expect(lookUps).toEqual(Array(8).fill(false));
});

test('a link that was followed as often as it may be has neither any more', async () => {
  await add('once', 'https://hidden.example/', null, { maxClicks: 1 });
  expect([(await get('/once+')).status, (await get('/once.qr')).status]).toEqual([200, 200]);
  expect(await store.click({ domainId: 0, code: 'once', version: 1 }, 1, true)).toBe('counted');
  expect([(await get('/once+')).status, (await get('/once.qr')).status]).toEqual([410, 410]);
  expect(lookUps).toEqual([true, true, false, false]);
});

test('a style that cannot be drawn is refused, all of it at once', async () => {
  await add('style');
  const answer = await get('/style.qr?size=1&colour=red');
  expect(answer.status).toBe(422);
  expect(((await answer.json()) as { errors: unknown[] }).errors).toHaveLength(2);
});

test('nothing but a question may be asked', async () => {
  const answer = await get('/abc+', { method: 'POST' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('robots have a file where nobody wrote one', async () => {
  expect(await (await get('/robots.txt')).text()).toContain('User-agent: *');
});

test('files of the folder are served as they are now, with their types', async () => {
  expect((await get('/.well-known/assetlinks.json')).status).toBe(404);
  for (const [path, type] of [
    ['robots.txt', 'text/plain; charset=utf-8'],
    ['favicon.ico', 'image/x-icon'],
    ['.well-known/security.txt', 'text/plain; charset=utf-8'],
    ['.well-known/assetlinks.json', 'application/json'],
    ['.well-known/apple-app-site-association', 'application/json'],
  ] as const) {
    for (const text of ['[1]', '[2, 3]']) {
      writeFileSync(join(dir, path), text);
      const answer = await get(`/${path}`, { redirect: 'error' });
      expect([path, answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
        path,
        200,
        type,
        text,
      ]);
    }
  }
});

test('nothing else of the folder is served, nor what is no file, and what is too large is told to the operator alone', async () => {
  writeFileSync(join(dir, 'secret.txt'), 'secret');
  for (const path of ['/secret.txt', '/.well-known/../secret.txt', '/.well-known/%2e%2e/secret.txt', '/.well-known/']) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
  rmSync(join(dir, 'favicon.ico'));
  symlinkSync(dir, join(dir, 'favicon.ico'));
  expect((await get('/favicon.ico')).status).toBe(404);
  expect(errors).toEqual([]);
  writeFileSync(join(dir, 'robots.txt'), Buffer.alloc(300_000));
  const answer = await get('/robots.txt');
  expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining(dir)]);
  expect(errors).toHaveLength(1);
});
