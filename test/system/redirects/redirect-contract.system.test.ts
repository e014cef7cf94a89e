import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, create, exchange, metric } from '../support/http.js';
import { describeLinkTerms } from '../support/link-terms.js';
import { expectProblem } from '../support/problems.js';
import { type Standalone, startStandalone } from '../support/standalone.js';

// The HTTP contract of redirects and of paths in general, as a client of the built program meets it.
jest.setTimeout(60_000);

let server: Standalone;
let port: number;
beforeAll(async () => {
  server = await startStandalone();
  port = server.port;
});
afterAll(async () => {
  await server.stop();
});

const TARGET = 'https://example.com/a/path?with=a&query#and-fragment';

async function createdCode(fields: Record<string, unknown> = {}): Promise<string> {
  const answer = await create(port, { long_url: TARGET, ...fields });
  expect(answer.status).toBe(201);
  return answer.json().code as string;
}

describeLinkTerms(() => `http://127.0.0.1:${port}`);

describe('redirecting', () => {
  test('answers 301 with the serialised target and a bounded lifetime; HEAD the same without a body', async () => {
    const code = await createdCode();
    // The first is answered by the app, the second by the fast lane.
    for (let i = 0; i < 2; i += 1) {
      const got = await ask(port, `/${code}`);
      expect([got.status, got.headers.location, got.text]).toEqual([301, TARGET, '']);
      expect(got.headers['cache-control']).toBe('private, max-age=90');
      expect(got.headers['x-robots-tag']).toBe('noindex');
    }
    const get = await exchange(port, `GET /${code} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const head = await exchange(port, `HEAD /${code} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(head.rest).toBe('');
    expect([...head.headers].filter(([name]) => name !== 'date')).toEqual(
      [...get.headers].filter(([name]) => name !== 'date'),
    );
  });

  test('HEAD has no body and the headers of GET on every other route too', async () => {
    const code = await createdCode();
    for (const path of [
      '/',
      '/-/page.css',
      `/api/v1/urls/${code}`,
      '/nosuchcode',
      '/a/b',
      '/api/nothing',
      '/-/shorten',
    ]) {
      const [get, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) =>
          exchange(port, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
        ),
      );
      expect([path, head?.rest]).toEqual([path, '']);
      expect(get?.rest).not.toBe('');
      expect([path, head?.status, head?.headers.get('content-length')]).toEqual([
        path,
        get?.status,
        get?.headers.get('content-length'),
      ]);
      expect([...(head?.headers.keys() ?? [])]).toEqual([...(get?.headers.keys() ?? [])]);
    }
  });

  test('query strings are ignored; a code may be percent-encoded; a target may be absolute, of a host that is this server’s', async () => {
    const code = await createdCode();
    const encoded = [...code].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
    for (const target of [
      `/${code}?a=b`,
      `/${code}?`,
      `/${encoded}`,
      `http://${server.host}/${code}`,
      `HTTP://LOCALHOST:1/${code}?x`,
    ]) {
      const { status, headers } = await exchange(
        port,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect([target, status, headers.get('location')]).toEqual([target, 301, TARGET]);
    }
    // Its host overrules the header's.
    const elsewhere = `GET HTTP://other.example/${code}?x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    expect((await exchange(port, elsewhere)).status).toBe(421);
    const absolute = await exchange(
      port,
      `GET http://${server.host}/api/v1/urls/${code} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect([absolute.status, JSON.parse(absolute.rest).code]).toEqual([200, code]);
    const page = await exchange(
      port,
      `GET http://${server.host} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(page.status).toBe(200);
  });

  test.each([
    '/nosuchcode',
    '/a/b',
    '/nosuchcode/',
    '/nosuchcode.',
    '/Q0u//',
    '/Q0u/.',
    '/.',
    '/humans.txt',
    '/.well-known',
    '/.well-known/',
    '/.well-known/security.txt',
    '/favicon.ico',
    '/api',
    '/api/',
    '/api/v2/urls',
    '/api/v1/urls/x/y',
    '/-',
    '/-/',
    '/-/no',
    '//',
    '//Q0u',
    '/API/v1/urls',
    '/%2e%2e',
    '/no%00code',
    '/%2Fapi%2Fv1%2Furls',
    '/65-characters-65-characters-65-characters-65-characters-65-charact',
  ])('%s is 404, and no cache keeps that', async (path) => {
    const { status, headers } = await exchange(
      port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect([status, headers.get('cache-control')]).toEqual([404, 'no-store']);
  });

  test('a code that does not decode is 400, a target that is too long 414', async () => {
    expectProblem(await ask(port, '/%E0%A4%A'), 400, 'bad_request');
    expectProblem(await ask(port, '/%zz'), 400, 'bad_request');
    expect((await exchange(port, 'GET /\u00e4 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).status).toBe(
      400,
    );
    expectProblem(await ask(port, `/${'x'.repeat(9000)}`), 414, 'uri_too_long');
  });

  test.each([
    // A link may ask for a password, which is sent by POST.
    ['/Q0u', ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'], 'GET, HEAD, POST'],
    ['/', ['POST', 'DELETE', 'OPTIONS'], 'GET, HEAD'],
    ['/-/page.css', ['POST', 'OPTIONS'], 'GET, HEAD'],
    ['/-/page.js', ['PUT'], 'GET, HEAD'],
    ['/-/shorten', ['GET', 'PUT', 'OPTIONS'], 'POST'],
    ['/api/v1/urls', ['GET', 'PUT', 'DELETE', 'OPTIONS'], 'POST'],
    ['/api/v1/urls/Q0u', ['POST', 'PUT', 'OPTIONS'], 'GET, HEAD, PATCH, DELETE'],
  ])('%s refuses %j with 405 and says what is allowed', async (path, methods, allow) => {
    for (const method of methods) {
      const answer = await ask(port, path, { method });
      expectProblem(answer, 405, 'method_not_allowed');
      expect([method, answer.headers.allow]).toEqual([method, allow]);
    }
  });

  test('an expiring link redirects until that very moment, is never cached past it, and is 410 from then on', async () => {
    const expiresAtMs = Date.now() + 1500;
    const code = await createdCode({ expires_at: new Date(expiresAtMs).toISOString() });
    let redirects = 0;
    for (;;) {
      const askedMs = Date.now();
      const { status, headers } = await ask(port, `/${code}`);
      const answeredMs = Date.now();
      if (status === 301) {
        expect(askedMs).toBeLessThan(expiresAtMs);
        const [, maxAge] = /^private, max-age=(\d+)$/.exec(headers['cache-control'] ?? '') ?? [];
        expect(askedMs + Number(maxAge) * 1000).toBeLessThanOrEqual(expiresAtMs);
        redirects += 1;
      } else {
        expect([status, headers['cache-control']]).toEqual([410, 'no-store']);
        expect(answeredMs).toBeGreaterThanOrEqual(expiresAtMs);
        break;
      }
    }
    expect(redirects).toBeGreaterThan(10);
    expectProblem(await ask(port, `/${code}?again`), 410, 'link_gone');
    expect((await ask(port, `/api/v1/urls/${code}`)).status).toBe(200);
  });

  test('who has just written is answered past the cache; a window that is not ours changes nothing', async () => {
    const created = await create(port, { long_url: TARGET });
    const code = created.json().code as string;
    const [given = ''] = (created.headers['set-cookie']?.[0] ?? '').split(';');
    const hits = (): Promise<number> => metric(server.adminUrl, 'lakh_l1_hits_total');
    await ask(port, `/${code}`);
    const before = await hits();
    for (const path of [`/${code}`, `/${code}?query`]) {
      expect((await ask(port, path, { headers: { cookie: `a=b; ${given}` } })).status).toBe(301);
    }
    expect(await hits()).toBe(before);
    for (const until of [Date.now() + 20_000, `${Date.now() + 20_000}.${given.slice(-22)}`, 'soon']) {
      expect((await ask(port, `/${code}`, { headers: { cookie: `ryow_until=${until}` } })).status).toBe(301);
    }
    expect(await hits()).toBe(before + 3);
  });

  test('a slash or marks behind a code that exists without them: 308 to its own address', async () => {
    const code = await createdCode({ alias: 'a-link_b' });
    for (const marks of [
      '/',
      '.',
      ',',
      '!',
      ')',
      ').',
      '%22',
      '%3E',
      '%E2%80%A6',
      '%E2%80%9D',
      '*',
      '_',
      '-',
      '%2F',
      './',
      './?x=1',
    ]) {
      const answer = await ask(port, `/${code}${marks}`);
      expect([marks, answer.status, answer.headers.location]).toEqual([marks, 308, `/${code}`]);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    expectProblem(await ask(port, `/${code}${'.'.repeat(9)}`), 404, 'link_not_found');
    expectProblem(await ask(port, `/${code.slice(0, -2)}.`), 404, 'link_not_found');
  });

  const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  test('a browser is told of every error on a page, a program in problem details', async () => {
    const code = await createdCode();
    await ask(port, `/api/v1/urls/${code}`, { method: 'DELETE' });
    for (const [status, method, path] of [
      [404, 'GET', '/nosuchcode'],
      [404, 'GET', '/a/b'],
      [404, 'GET', '/-/nothing'],
      [404, 'GET', '/humans.txt'],
      [410, 'GET', `/${code}`],
      [405, 'PUT', `/${code}`],
      [410, 'POST', `/${code}`],
      [405, 'DELETE', '/'],
      [405, 'GET', '/-/shorten'],
      [400, 'GET', '/%zz'],
      [414, 'GET', `/${'x'.repeat(9000)}`],
      [417, 'GET', '/Q0u'],
    ] as const) {
      const more: Record<string, string> = status === 417 ? { expect: 'a miracle' } : {};
      const page = await ask(port, path, { method, headers: { ...BROWSER, ...more } });
      expect([path, page.status, page.headers['content-type']]).toEqual([path, status, 'text/html; charset=utf-8']);
      expect(page.headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; img-src data:/,
      );
      expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      expect(page.text).toMatch(/<header><a href="\/">Lakh<\/a><\/header>\n<main>\n<h1>[A-Z][^<]+<\/h1>/);
      expect(page.text).not.toMatch(/<script|\sstyle=|[{,]"(?:type|status|code)":/);
      const told = await ask(port, path, { method, headers: more });
      expect([path, told.status, told.headers['content-type']]).toEqual([path, status, 'application/problem+json']);
    }
    const api = await ask(port, '/api/v1/urls/none', { headers: BROWSER });
    expectProblem(api, 404, 'link_not_found');
  });
});

test.each([302, 307, 308])('LAKH_REDIRECT_STATUS=%i is what redirects answer', async (status) => {
  const other = await startStandalone({ env: { LAKH_REDIRECT_STATUS: String(status) } });
  try {
    const { code } = (await create(other.port, { long_url: TARGET })).json();
    for (let i = 0; i < 2; i += 1) expect((await ask(other.port, `/${code}`)).status).toBe(status);
  } finally {
    await other.stop();
  }
});

test('a link whose target has become this very server is not followed: 508, as a page to a browser', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lakh-loop-'));
  const start = (env = {}) => startStandalone({ dataDir, env });
  try {
    const before = await start();
    const made = await create(before.port, { long_url: 'http://go.example/x', alias: 'loop' });
    await before.stop();
    const after = await start({
      LAKH_HOSTS: 'go.example',
      LAKH_OPEN: 'true',
      LAKH_PUBLIC_URL: 'http://127.0.0.1:8080',
    });
    try {
      expect(made.status).toBe(201);
      for (const method of ['GET', 'HEAD', 'GET']) {
        expect((await ask(after.port, '/loop', { method, headers: { host: 'go.example' } })).status).toBe(508);
      }
      const headers = { host: 'go.example', accept: 'text/html' };
      expect((await ask(after.port, '/loop', { headers })).text).toContain('goes round in circles');
      expectProblem(await ask(after.port, '/loop?x', { headers: { host: 'go.example' } }), 508, 'link_loop');
      for (let i = 0; i < 2; i += 1) {
        expect((await ask(after.port, '/loop')).headers.location).toBe('http://go.example/x');
      }
      expect(await metric(after.adminUrl, 'lakh_l1_hits_total')).toBe(0);
      for (const target of ['http://go.example/y', `http://${hostname()}:${after.port}/y`]) {
        expect((await create(after.port, { long_url: target })).text).toContain('"rule":"own_host"');
      }
      expect(after.stderr()).not.toContain('a request failed');
    } finally {
      await after.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
