import { gzipSync } from 'node:zlib';
import { type Answer, ask, create, exchange, metric } from './support/http.js';
import { type Standalone, startStandalone } from './support/standalone.js';

// The HTTP contract of the API and of redirects, as a client of the built program meets it.
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
let aliases = 0;
const newAlias = (): string => `test-alias-${++aliases}`;

async function createdCode(fields: Record<string, unknown> = {}): Promise<string> {
  const answer = await create(port, { long_url: TARGET, ...fields });
  expect(answer.status).toBe(201);
  return answer.json().code as string;
}

/** Problem details (RFC 9457) that no cache keeps. */
function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, ...answer.json() }).toMatchObject({ status, code, type: `urn:lakh:error:${code}` });
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['cache-control']).toBe('no-store');
}

/** `field rule` of each named problem, in order. */
function namedProblems(answer: Answer): string[] {
  expectProblem(answer, 422, 'invalid_request');
  const errors = answer.json().errors as { field: string; rule: string; reason: string }[];
  for (const { reason } of errors) expect(reason).toMatch(/\S/);
  return errors.map(({ field, rule }) => `${field} ${rule}`).sort();
}

describe('creating a link', () => {
  test('answers 201 with the link, where it is, and the cookie of its author', async () => {
    const before = Date.now();
    const answer = await create(port, { long_url: 'HTTPS://Example.COM:443/ä b' });
    const after = Date.now();
    expect(answer.status).toBe(201);
    const link = answer.json() as Record<string, string>;
    expect(Object.keys(link)).toEqual(['code', 'short_url', 'long_url', 'created_at', 'expires_at']);
    expect(link.code).toMatch(/^[0-9A-Za-z]{3,7}$/);
    expect(link.short_url).toBe(`${server.url}/${link.code}`);
    expect(link.long_url).toBe('https://example.com/%C3%A4%20b');
    expect(link.expires_at).toBeNull();
    expect(Date.parse(link.created_at as string)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(link.created_at as string)).toBeLessThanOrEqual(after);
    expect(answer.headers.location).toBe(link.short_url);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    const [, until] = /^ryow_until=(\d{13}); Path=\/; Max-Age=30; HttpOnly; SameSite=Lax$/.exec(cookie) ?? [];
    expect(Number(until) - 30_000).toBeGreaterThanOrEqual(before);
    expect(Number(until) - 30_000).toBeLessThanOrEqual(after);
  });

  test('the link can be looked up, and is the same object', async () => {
    const created = await create(port, { long_url: TARGET, expires_at: '2999-12-31T23:59:59.5+05:30' });
    expect(created.json().expires_at).toBe('2999-12-31T18:29:59.500Z');
    const found = await ask(port, `/api/v1/urls/${created.json().code}`);
    expect(found.status).toBe(200);
    expect(found.json()).toEqual(created.json());
    expect(found.headers['cache-control']).toBe('no-store');
    expectProblem(await ask(port, '/api/v1/urls/nosuchcode'), 404, 'link_not_found');
    expectProblem(await ask(port, '/api/v1/urls/no%00such'), 404, 'link_not_found');
  });

  test('an alias is kept as it is; the same again is the same link, another target is 409, a reserved word 422', async () => {
    const alias = newAlias();
    const first = await create(port, { long_url: TARGET, alias });
    expect([first.status, first.json().code]).toEqual([201, alias]);
    const again = await create(port, { long_url: TARGET, alias });
    expect([again.status, again.json()]).toEqual([200, first.json()]);
    expectProblem(await create(port, { long_url: 'https://example.com/other', alias }), 409, 'alias_taken');
    const otherExpiry = await create(port, { long_url: TARGET, alias, expires_at: '2999-01-01T00:00:00Z' });
    expectProblem(otherExpiry, 409, 'alias_taken');
    expect((await create(port, { long_url: TARGET, alias: alias.toUpperCase() })).status).toBe(201);
    expect(namedProblems(await create(port, { long_url: TARGET, alias: 'API' }))).toEqual(['alias reserved']);
  });

  test('null is as good as leaving an optional field out', async () => {
    const answer = await create(port, { long_url: TARGET, alias: null, expires_at: null });
    expect([answer.status, answer.json().expires_at]).toEqual([201, null]);
  });

  test.each([
    ['nothing that it needs', {}, ['long_url missing']],
    [
      'wrong types',
      { long_url: 1, alias: [], expires_at: {} },
      ['alias', 'expires_at', 'long_url'].map((f) => `${f} not_a_string`),
    ],
    [
      'everything wrong at once',
      { long_url: 'ftp://example.com', alias: '-a-', expires_at: '2001-01-01T00:00:00Z', ttl: 1, __proto__x: 2 },
      [
        '__proto__x unknown_field',
        'alias bad_character',
        'expires_at not_in_future',
        'long_url scheme_not_allowed',
        'ttl unknown_field',
      ],
    ],
    ['a local time', { long_url: TARGET, expires_at: '2999-01-01T00:00:00' }, ['expires_at not_rfc3339']],
    ['a line break in the target', { long_url: 'https://example.com/\r\nX: y' }, ['long_url control_character']],
    ['a password in the target', { long_url: 'https://a:b@example.com/' }, ['long_url userinfo']],
    ['2,049 characters', { long_url: `https://example.com/${'x'.repeat(2029)}` }, ['long_url too_long']],
    ['an array', [], [' not_an_object']],
    ['a string', '"https://example.com"', [' not_an_object']],
    ['null', 'null', [' not_an_object']],
    ['no byte', '', ['long_url missing']],
    ['a prototype', '{"long_url":"https://example.com","__proto__":{"alias":"x"}}', ['__proto__ unknown_field']],
  ])('%s: 422 that names each problem', async (_name, body, expected) => {
    expect(namedProblems(await create(port, body))).toEqual(expected);
  });

  test('a target that leads back here is refused in every spelling', async () => {
    for (const host of [
      '127.0.0.1',
      'localhost',
      'LOCALHOST.',
      '0x7f.1',
      '2130706433',
      '[::1]',
      '[::ffff:7f00:1]',
      '１27.0.0.1',
      'a.localhost',
    ]) {
      const answer = await create(port, { long_url: `http://${host}:${port}/x` });
      expect({ host, problems: namedProblems(answer) }).toEqual({ host, problems: ['long_url own_host'] });
    }
    expect((await create(port, { long_url: `http://127.0.0.1:${port === 80 ? 81 : 80}/` })).status).toBe(201);
  });

  test('an Idempotency-Key is refused as long as it would mean nothing', async () => {
    const answer = await create(port, { long_url: TARGET }, { 'idempotency-key': 'abc' });
    expect(namedProblems(answer)).toEqual(['Idempotency-Key unsupported_header']);
  });

  test.each(['{', '{"long_url":}', '[1,]', "{'long_url':1}", '\u0000', '{}{}', '[[[[[[[[[[[['])(
    'malformed JSON is 400: %j',
    async (body) => {
      expectProblem(await create(port, body), 400, 'malformed_json');
    },
  );

  test('a body that is not UTF-8 is 400, not a link to something else', async () => {
    const body = Buffer.concat([
      Buffer.from('{"long_url":"https://example.com/'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    const headers = { 'content-type': 'application/json' };
    expectProblem(await ask(port, '/api/v1/urls', { method: 'POST', headers, body }), 400, 'malformed_json');
  });

  test('another content type, charset or encoding is 415; parameters and case of the right one do not matter', async () => {
    const body = JSON.stringify({ long_url: TARGET });
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json-patch+json',
      'nonsense',
      'application/json; charset=latin1',
      'application/json; charset=utf-9',
    ]) {
      expectProblem(await create(port, body, { 'content-type': type }), 415, 'unsupported_media_type');
    }
    expectProblem(await ask(port, '/api/v1/urls', { method: 'POST', body }), 415, 'unsupported_media_type');
    expectProblem(await create(port, body, { 'content-encoding': 'compress' }), 415, 'unsupported_media_type');
    expect((await create(port, body, { 'content-type': 'Application/JSON; charset="UTF-8"' })).status).toBe(201);
  });

  test('a body over 16 KiB is 413 however it comes; one of 16 KiB is read', async () => {
    const fill = (length: number): string => `{"long_url":"${'x'.repeat(length - 15)}"}`;
    expect(namedProblems(await create(port, fill(16 * 1024)))).toEqual(['long_url too_long']);
    expectProblem(await create(port, fill(16 * 1024 + 1)), 413, 'payload_too_large');
    const headers = { 'content-type': 'application/json' };
    const chunked = await ask(port, '/api/v1/urls', { method: 'POST', headers, chunks: [fill(16 * 1024), ' '] });
    expectProblem(chunked, 413, 'payload_too_large');
    const small = gzipSync(fill(1_000_000));
    const inflated = await ask(port, '/api/v1/urls', {
      method: 'POST',
      headers: { ...headers, 'content-encoding': 'gzip' },
      body: small,
    });
    expectProblem(inflated, 413, 'payload_too_large');
    // Before a byte of it was sent: nobody waits for what will be refused.
    const head = 'POST /api/v1/urls HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n';
    expect((await exchange(port, `${head}Content-Length: 99999999\r\n\r\n{`)).status).toBe(413);
  });

  test('chunked and compressed bodies are read', async () => {
    const headers = { 'content-type': 'application/json' };
    const chunks = ['{"long_', `url":"${TARGET}`, '"}'];
    expect((await ask(port, '/api/v1/urls', { method: 'POST', headers, chunks })).status).toBe(201);
    const body = gzipSync(JSON.stringify({ long_url: TARGET }));
    const gzip = { ...headers, 'content-encoding': 'gzip' };
    expect((await ask(port, '/api/v1/urls', { method: 'POST', headers: gzip, body })).status).toBe(201);
    expectProblem(
      await ask(port, '/api/v1/urls', { method: 'POST', headers: gzip, body: 'not gzip' }),
      400,
      'bad_request',
    );
  });

  test('neither Host nor forwarded headers say what a short URL begins with', async () => {
    const forged = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
    };
    const answer = await create(port, { long_url: TARGET }, forged);
    expect(answer.json().short_url).toBe(`${server.url}/${answer.json().code}`);
    expect(answer.headers['set-cookie']?.[0]).not.toContain('Secure');
  });
});

describe('deleting a link', () => {
  test('answers 204, then 410 everywhere, to a repeated delete as to the first one; its alias is never free again', async () => {
    const alias = newAlias();
    await createdCode({ alias });
    expect((await ask(port, `/${alias}`)).status).toBe(301);
    const deleted = await ask(port, `/api/v1/urls/${alias}`, { method: 'DELETE' });
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect(deleted.headers['set-cookie']?.[0]).toMatch(/^ryow_until=/);
    expectProblem(await ask(port, `/${alias}`), 410, 'link_gone');
    expectProblem(await ask(port, `/api/v1/urls/${alias}`), 410, 'link_gone');
    expect((await ask(port, `/api/v1/urls/${alias}`, { method: 'DELETE' })).status).toBe(204);
    expectProblem(await create(port, { long_url: TARGET, alias }), 409, 'alias_taken');
    expectProblem(await ask(port, '/api/v1/urls/nosuchcode', { method: 'DELETE' }), 404, 'link_not_found');
  });
});

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
    const get = await exchange(port, `GET /${code} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const head = await exchange(port, `HEAD /${code} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
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
          exchange(port, `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
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

  test('query strings are ignored; a code may be percent-encoded; a target may be absolute', async () => {
    const code = await createdCode();
    const encoded = [...code].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
    for (const target of [
      `/${code}?a=b`,
      `/${code}?`,
      `/${encoded}`,
      `http://${server.host}/${code}`,
      `HTTP://other.example/${code}?x`,
    ]) {
      const { status, headers } = await exchange(
        port,
        `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect([target, status, headers.get('location')]).toEqual([target, 301, TARGET]);
    }
    const absolute = await exchange(
      port,
      `GET http://${server.host}/api/v1/urls/${code} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect([absolute.status, JSON.parse(absolute.rest).code]).toEqual([200, code]);
    const page = await exchange(port, `GET http://${server.host} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(page.status).toBe(200);
  });

  test.each([
    '/nosuchcode',
    '/a/b',
    '/Q0u/',
    '/robots.txt',
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
    const { status, headers } = await exchange(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect([status, headers.get('cache-control')]).toEqual([404, 'no-store']);
  });

  test('a code that does not decode is 400, a target that is too long 414', async () => {
    expectProblem(await ask(port, '/%E0%A4%A'), 400, 'bad_request');
    expectProblem(await ask(port, '/%zz'), 400, 'bad_request');
    expect((await exchange(port, 'GET /\u00e4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).status).toBe(400);
    expectProblem(await ask(port, `/${'x'.repeat(9000)}`), 414, 'uri_too_long');
  });

  test.each([
    ['/Q0u', ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'], 'GET, HEAD'],
    ['/', ['POST', 'DELETE', 'OPTIONS'], 'GET, HEAD'],
    ['/-/page.css', ['POST', 'OPTIONS'], 'GET, HEAD'],
    ['/-/page.js', ['PUT'], 'GET, HEAD'],
    ['/-/shorten', ['GET', 'PUT', 'OPTIONS'], 'POST'],
    ['/api/v1/urls', ['GET', 'PUT', 'DELETE', 'OPTIONS'], 'POST'],
    ['/api/v1/urls/Q0u', ['POST', 'PUT', 'PATCH', 'OPTIONS'], 'GET, HEAD, DELETE'],
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
    const code = await createdCode();
    const hits = (): Promise<number> => metric(server.adminUrl, 'lakh_l1_hits_total');
    await ask(port, `/${code}`);
    const before = await hits();
    for (const path of [`/${code}`, `/${code}?query`]) {
      expect((await ask(port, path, { headers: { cookie: `a=b; ryow_until=${Date.now() + 20_000}` } })).status).toBe(
        301,
      );
    }
    expect(await hits()).toBe(before);
    for (const until of [Date.now() + 60_000, Date.now() - 1, 'soon']) {
      expect((await ask(port, `/${code}`, { headers: { cookie: `ryow_until=${until}` } })).status).toBe(301);
    }
    expect(await hits()).toBe(before + 3);
  });

  test('a browser is told of a missing link on a page, a program in problem details', async () => {
    const page = await ask(port, '/nosuchcode', { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect([page.status, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.headers['cache-control']).toBe('no-store');
    expectProblem(await ask(port, '/nosuchcode'), 404, 'link_not_found');
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
