import { gzipSync } from 'node:zlib';
import { ask, create, exchange } from '../support/http.js';
import { expectProblem, namedProblems } from '../support/problems.js';
import { type Standalone, startStandalone } from '../support/standalone.js';

// The HTTP contract of the API, as a client of the built program meets it.
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

describe('batches', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const LINES_TYPE = { 'content-type': 'application/x-ndjson' };
  const post = (path: string, body: string, headers: Record<string, string>) =>
    ask(port, path, { method: 'POST', headers, body });

  test('hundreds of links in one request, one that is wrong among them, by a key, and all deleted in another', async () => {
    const links: object[] = Array.from({ length: 299 }, (_, i) => ({ long_url: `${TARGET}${i}` }));
    links.splice(150, 0, { long_url: 'nonsense' });
    const headers = { ...JSON_TYPE, 'idempotency-key': '"hundreds"' };
    const made = await post('/api/v1/urls:batch', JSON.stringify({ links }), headers);
    expect(made.status).toBe(200);
    const resultsOf = (answer: typeof made) =>
      answer.json().results as readonly { readonly status: number; readonly link?: { readonly code: string } }[];
    expect(made.json()).toMatchObject({ succeeded: 299, failed: 1 });
    expect(resultsOf(made)[150]?.status).toBe(422);
    const again = await post('/api/v1/urls:batch', JSON.stringify({ links }), headers);
    expect(again.headers['idempotency-replayed']).toBe('true');
    const codes = (answer: typeof made) => resultsOf(answer).map(({ link }) => link?.code);
    expect(codes(again)).toEqual(codes(made));
    const code = codes(made)[299];
    expect((await ask(port, `/${code}`)).headers.location).toBe(`${TARGET}298`);
    const gone = codes(made).flatMap((each) => (each === undefined ? [] : { code: each }));
    const deleted = await post('/api/v1/urls:batchDelete', JSON.stringify({ links: gone }), JSON_TYPE);
    expect(deleted.json()).toMatchObject({ succeeded: 299, failed: 0 });
    expect((await ask(port, `/${code}`)).status).toBe(410);
  });

  test('lines, as curl sends them: with Expect, and in chunks', async () => {
    const body = ['{"long_url":"https://example.com/1"}', '{', '{"long_url":"https://example.com/3"}', ''].join('\n');
    const expected = [
      { line: 1, status: 201 },
      { line: 2, status: 400 },
      { line: 3, status: 201 },
      { done: true, lines: 3 },
    ];
    const told = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
    const answer = await post('/api/v1/urls:batch', body, LINES_TYPE);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    expect(told(answer.text)).toMatchObject(expected);
    const head =
      'POST /api/v1/urls:batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nExpect: 100-continue\r\nConnection: close\r\n';
    const chunks = [...body].map((byte) => `1\r\n${byte}\r\n`).join('');
    const answered = await exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    expect(answered.status).toBe(100);
    expect(answered.rest).toMatch(/^HTTP\/1\.1 200 /);
    expect(told(answered.rest)).toMatchObject(expected);
  });
});

describe('creating a link', () => {
  test('answers 201 with the link, where it is, and the cookie of its author', async () => {
    const before = Date.now();
    const answer = await create(port, { long_url: 'HTTPS://Example.COM:443/ä b' });
    const after = Date.now();
    expect(answer.status).toBe(201);
    const link = answer.json() as Record<string, string>;
    expect(Object.keys(link)).toEqual(['code', 'short_url', 'long_url', 'created_at', 'expires_at', 'redirect_status']);
    expect(link.code).toMatch(/^[0-9A-Za-z]{3,7}$/);
    expect(link.short_url).toBe(`${server.url}/${link.code}`);
    expect(link.long_url).toBe('https://example.com/%C3%A4%20b');
    expect(link.expires_at).toBeNull();
    expect(Date.parse(link.created_at as string)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(link.created_at as string)).toBeLessThanOrEqual(after);
    expect(answer.headers.location).toBe(`/api/v1/urls/${link.code}`);
    expect((await ask(port, answer.headers.location as string)).json()).toEqual(link);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    const [, until] =
      /^ryow_until=(\d{13})\.[\w-]{22}; Path=\/; Max-Age=30; HttpOnly; SameSite=Lax$/.exec(cookie) ?? [];
    expect(Number(until) - 29_000).toBeGreaterThanOrEqual(before);
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

  test('creates with an Idempotency-Key are one create, in either spelling of it', async () => {
    const first = await create(port, { long_url: TARGET }, { 'idempotency-key': '"abc"' });
    const again = await create(port, { long_url: TARGET }, { 'idempotency-key': 'abc' });
    expect([first.status, first.headers['idempotency-replayed']]).toEqual([201, undefined]);
    expect([again.status, again.headers['idempotency-replayed'], again.text]).toEqual([201, 'true', first.text]);
    const other = await create(port, { long_url: `${TARGET}/other` }, { 'idempotency-key': 'abc' });
    expectProblem(other, 422, 'idempotency_key_reused');
    expectProblem(await create(port, { long_url: TARGET }, { 'idempotency-key': '"abc' }), 400, 'bad_request');
    const at = await Promise.all(
      Array.from({ length: 20 }, () => create(port, { long_url: TARGET }, { 'idempotency-key': 'at-once' })),
    );
    const made = new Set(at.filter(({ status }) => status === 201).map(({ text }) => text));
    expect([made.size, at.every(({ status }) => status === 201 || status === 409)]).toEqual([1, true]);
  });

  test.each(['{', '{"long_url":}', '[1,]', "{'long_url':1}", '\u0000', '{}{}', '[[[[[[[[[[[['])(
    'malformed JSON is 400: %j',
    async (body) => {
      expectProblem(await create(port, body), 400, 'malformed_json');
    },
  );

  test('a refusal has the same headers, whether the request was plain or had something unusual', async () => {
    const plain = await create(port, '{');
    const unusual = await create(port, '{', { 'content-type': 'application/json; charset=utf-8' });
    expect(plain.headers['x-content-type-options']).toBe('nosniff');
    expect({ ...plain.headers, date: '' }).toEqual({ ...unusual.headers, date: '' });
  });

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
      'application/json; charset=utf-7',
      'application/json; charset=utf-16',
      'application/json;charset=UTF-16LE',
      'application/json ; v=1 ; charset = "utf-32"',
      'application/json; charset=',
    ]) {
      expectProblem(await create(port, body, { 'content-type': type }), 415, 'unsupported_media_type');
    }
    expectProblem(await ask(port, '/api/v1/urls', { method: 'POST', body }), 415, 'unsupported_media_type');
    expectProblem(await create(port, body, { 'content-encoding': 'compress' }), 415, 'unsupported_media_type');
    for (const type of [
      'Application/JSON; charset="UTF-8"',
      'application/json;charset=utf8',
      'application/json; v=1;',
    ]) {
      expect((await create(port, body, { 'content-type': type })).status).toBe(201);
    }
    for (const encoding of ['utf16le', 'ucs2'] as const) {
      const headers = { 'content-type': 'application/json' };
      const sent = Buffer.from(body, encoding);
      expectProblem(await ask(port, '/api/v1/urls', { method: 'POST', headers, body: sent }), 400, 'malformed_json');
    }
  });

  test('a byte order mark in front of the body is ignored, however the body comes', async () => {
    const text = `\ufeff${JSON.stringify({ long_url: TARGET })}`;
    const path = '/api/v1/urls';
    const headers = { 'content-type': 'application/json' };
    for (const answer of [
      await create(port, text),
      await create(port, text, { 'content-type': 'application/json; charset=utf-8' }),
      await ask(port, path, { method: 'POST', headers, chunks: [text] }),
      await ask(port, path, {
        method: 'POST',
        headers: { ...headers, 'content-encoding': 'gzip' },
        body: gzipSync(text),
      }),
    ]) {
      expect([answer.status, answer.json().long_url]).toEqual([201, TARGET]);
    }
    expectProblem(await create(port, `\ufeff${text}`), 400, 'malformed_json');
    expectProblem(await create(port, '\ufeff'), 400, 'malformed_json');
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
    const head =
      'POST /api/v1/urls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n';
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
    const host = { host: 'evil.example' };
    expectProblem(await create(port, { long_url: TARGET }, host), 421, 'misdirected_request');
    const code = await createdCode();
    for (const path of [`/${code}`, `/${code}`, '/', `/api/v1/urls/${code}`]) {
      expectProblem(await ask(port, path, { headers: host }), 421, 'misdirected_request');
    }
    expectProblem(
      await ask(Number(new URL(server.adminUrl).port), '/metrics', { headers: host }),
      421,
      'misdirected_request',
    );
    const forged = {
      host: 'localhost:1',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
    };
    const answer = await create(port, { long_url: TARGET }, forged);
    expect(answer.json().short_url).toBe(`${server.url}/${answer.json().code}`);
    expect(answer.headers['set-cookie']?.[0]).not.toContain('Secure');
  });
});

describe('editing a link', () => {
  const edit = (code: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(port, `/api/v1/urls/${code}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  test('is followed at once, raises the version, and is made of no other version than was asked for', async () => {
    const alias = newAlias();
    const created = await create(port, { long_url: TARGET, alias, redirect_status: 308 });
    expect([created.json().redirect_status, created.headers.etag]).toEqual([308, '"1"']);
    expect((await ask(port, `/${alias}`)).status).toBe(308);
    const edited = await edit(
      alias,
      { long_url: 'https://EXAMPLE.com/é', redirect_status: null },
      { 'if-match': '"1"' },
    );
    const { code, created_at, short_url } = created.json();
    const now = {
      code,
      created_at,
      short_url,
      long_url: 'https://example.com/%C3%A9',
      expires_at: null,
      redirect_status: null,
    };
    expect([edited.status, edited.json(), edited.headers.etag]).toEqual([200, now, '"2"']);
    expect(edited.headers['set-cookie']?.[0]).toMatch(/^ryow_until=/);
    const followed = await ask(port, `/${alias}`);
    expect([followed.status, followed.headers.location]).toEqual([301, now.long_url]);
    expectProblem(await edit(alias, { long_url: TARGET }, { 'if-match': '"1"' }), 412, 'changed_since');
    const late = await ask(port, `/api/v1/urls/${alias}`, { method: 'DELETE', headers: { 'if-match': '"1"' } });
    expectProblem(late, 412, 'changed_since');
    expect((await edit(alias, {}, { 'content-type': 'application/merge-patch+json' })).headers.etag).toBe('"2"');
    const shown = await ask(port, `/api/v1/urls/${alias}`);
    expect([shown.json(), shown.headers.etag]).toEqual([now, '"2"']);
    expect((await edit(alias, { expires_at: '2999-01-01T00:00:00+01:00' })).json().expires_at).toBe(
      '2998-12-31T23:00:00.000Z',
    );
  });

  test('names everything that is wrong with it', async () => {
    const alias = newAlias();
    await createdCode({ alias });
    const answer = await edit(alias, { alias: 'other', long_url: null, expires_at: 1, redirect_status: 300 });
    expectProblem(answer, 422, 'invalid_request');
    const rules = answer.json().errors.map(({ field, rule }: { field: string; rule: string }) => `${field} ${rule}`);
    expect(rules).toEqual([
      'alias unknown_field',
      'long_url not_a_string',
      'expires_at not_a_string',
      'redirect_status not_a_redirect',
    ]);
    expectProblem(await edit(alias, {}, { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
    expectProblem(await edit(alias, {}, { 'if-match': '1' }), 400, 'bad_request');
    expectProblem(await edit(alias, []), 422, 'invalid_request');
    expectProblem(await edit('nosuchcode', {}), 404, 'link_not_found');
    await ask(port, `/api/v1/urls/${alias}`, { method: 'DELETE' });
    expectProblem(await edit(alias, {}), 410, 'link_gone');
  });
});

describe('deleting a link', () => {
  test('answers 204, then 410 everywhere, to a repeated delete as to the first one; until it is restored, or its alias claimed again where nothing is kept', async () => {
    const alias = newAlias();
    await createdCode({ alias });
    expect((await ask(port, `/${alias}`)).status).toBe(301);
    const deleted = await ask(port, `/api/v1/urls/${alias}`, { method: 'DELETE' });
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect(deleted.headers['set-cookie']?.[0]).toMatch(/^ryow_until=/);
    expectProblem(await ask(port, `/${alias}`), 410, 'link_gone');
    expectProblem(await ask(port, `/api/v1/urls/${alias}`), 410, 'link_gone');
    expect((await ask(port, `/api/v1/urls/${alias}`, { method: 'DELETE' })).status).toBe(204);
    expectProblem(await create(port, { long_url: TARGET, alias }), 409, 'alias_deleted');
    const restored = await ask(port, `/api/v1/urls/${alias}:restore`, { method: 'POST' });
    expect([restored.status, restored.headers.etag]).toEqual([200, '"3"']);
    expect((await ask(port, `/${alias}`)).status).toBe(301);
    expect((await ask(port, `/api/v1/urls/${alias}?forever=true`, { method: 'DELETE' })).status).toBe(204);
    expectProblem(await ask(port, `/api/v1/urls/${alias}:restore`, { method: 'POST' }), 410, 'link_gone');
    expectProblem(await ask(port, `/${alias}`), 410, 'link_gone');
    expect((await create(port, { long_url: TARGET, alias })).status).toBe(201);
    expect((await ask(port, `/${alias}`)).status).toBe(301);
    expectProblem(await ask(port, '/api/v1/urls/nosuchcode', { method: 'DELETE' }), 404, 'link_not_found');
  });
});
