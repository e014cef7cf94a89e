import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, ask, create, postForm } from '../support/http.js';
import { expectProblem, namedProblems } from '../support/problems.js';
import { type Standalone, startStandalone } from '../support/standalone.js';

// The page as a browser without scripts uses it, and API tokens.
jest.setTimeout(60_000);

const TARGET = 'https://example.com/';
const TOKEN = 'T0ken-of-the-test_0123456789.abcdef~';

let open: Standalone;
let guarded: Standalone;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lakh-tokens-'));
  const tokens = join(folder, 'tokens');
  const sum = (text: string): string => createHash('sha256').update(text).digest('hex');
  writeFileSync(tokens, `# callers\nci:${sum(TOKEN)}\nother:${sum('another one')}\n`, { mode: 0o600 });
  [open, guarded] = await Promise.all([
    startStandalone(),
    startStandalone({
      env: { LAKH_API_TOKENS_FILE: tokens, LAKH_PUBLIC_URL: 'https://xn--lkh-qla.example' },
    }),
  ]);
});
afterAll(async () => {
  await Promise.all([open.stop(), guarded.stop()]);
  rmSync(folder, { recursive: true });
});

/** Strict: nothing from elsewhere, nothing inline, no base, no frames, forms only to here. */
function expectStrictPage(answer: Answer): void {
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  const policy = String(answer.headers['content-security-policy']).split('; ');
  expect(policy.sort()).toEqual([
    "base-uri 'none'",
    "default-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    'img-src data:',
    "script-src 'self'",
    "style-src 'self'",
  ]);
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect(answer.headers['cache-control']).toBe('no-store');
  // Nothing that the policy would stop.
  expect(answer.text).not.toMatch(
    /<style|<script(?! src="\/-\/page\.js" defer><\/script>)|\son\w+=|\sstyle=|javascript:/i,
  );
}

describe('the page', () => {
  test('is a form that needs no script, under a strict policy', async () => {
    const page = await ask(open.port, '/');
    expect(page.status).toBe(200);
    expectStrictPage(page);
    expect(page.text).toContain('<form method="post" action="/-/shorten">');
    for (const path of ['/-/page.css', '/-/page.js']) {
      const asset = await ask(open.port, path);
      expect([asset.status, asset.headers['x-content-type-options']]).toEqual([200, 'nosniff']);
    }
  });

  test('posting the form creates the link and shows it', async () => {
    const posted = await postForm(open.port, { long_url: ' https://example.com/?a=1&b=2 ', alias: '', expires_at: '' });
    expect([posted.status, posted.headers['cache-control']]).toEqual([303, 'no-store']);
    // A reload asks for this, and makes no second link.
    const answer = await ask(open.port, posted.headers.location as string);
    expect(answer.status).toBe(200);
    expectStrictPage(answer);
    const [, shown, code = ''] = /<a id="short-url" autofocus href="([^"]+\/([^"/]+))">/.exec(answer.text) ?? [];
    expect(shown).toBe(`${open.url}/${code}`);
    expect(answer.text).toContain('href="https://example.com/?a=1&amp;b=2"');
    expect(posted.headers['set-cookie']?.[0]).toMatch(
      /^ryow_until=\d{13}\.[\w-]{22}; Path=\/; Max-Age=30; HttpOnly; SameSite=Lax$/,
    );
    expect((await ask(open.port, `/${code}`)).headers.location).toBe('https://example.com/?a=1&b=2');
  });

  const targetOf = async (code: string) => (await ask(open.port, `/api/v1/urls/${code}`)).json();
  let aliases = 0;
  /** What the API has of a link that the form makes. */
  async function made(fields: Record<string, string>): Promise<Record<string, unknown>> {
    const alias = `by-form-${++aliases}`;
    const answer = await postForm(open.port, { alias, ...fields });
    expect([answer.status, answer.headers.location]).toEqual([303, `/-/made/${alias}`]);
    return targetOf(alias);
  }

  test.each([
    ['example.com/foo', 'https://example.com/foo'],
    ['example.com', 'https://example.com/'],
    ['EXAMPLE.com:8443?x=://y', 'https://example.com:8443/?x=://y'],
    ['b\u00fccher.example/#f', 'https://xn--bcher-kva.example/#f'],
    ['http://example.com/foo', 'http://example.com/foo'],
    ['\r\n https://example.com/foo\r\n', 'https://example.com/foo'],
  ])('what people call an address is one: %j', async (address, longUrl) => {
    expect((await made({ long_url: address })).long_url).toBe(longUrl);
  });

  test.each([
    ['nonsense', 'must begin with'],
    ['javascript:alert(1)', 'must be an http or https URL'],
    ['mailto:a@example.com', 'must be an http or https URL'],
    ['user@example.com', 'must begin with'],
    ['https://example.com/a\r\nb', 'has a line break'],
    ['example.com/a\nb', 'has a line break'],
    ['OWN/x', 'leads back to this service'],
    [`https://example.com/${'x'.repeat(2150)}`, 'has more than 2048 characters'],
  ])('what is none is refused, whole and with its subject: %j', async (address, reason) => {
    const answer = await postForm(open.port, { long_url: address.replace('OWN', open.host) });
    expect(answer.status).toBe(422);
    expect(answer.text).toMatch(new RegExp(`id="long_url-error">The long address ${reason}[^<]*\\.<`));
  });

  test('nothing that is typed or pasted is cut', async () => {
    expect((await ask(open.port, '/')).text).not.toContain('maxlength');
    const long = `https://example.com/${'x'.repeat(12_000)}`;
    expect((await postForm(open.port, { long_url: long, alias: '-' })).text).toContain(long);
  });

  test('a date-time field has no offset: the one beside it, or UTC', async () => {
    const until = async (fields: Record<string, string>) => (await made({ long_url: TARGET, ...fields })).expires_at;
    expect(await until({ expires_at: '2999-07-01T12:00', expires_offset: '+05:30' })).toBe('2999-07-01T06:30:00.000Z');
    expect(await until({ expires_at: '2999-07-01T12:00' })).toBe('2999-07-01T12:00:00.000Z');
    expect(await until({ expires_at: '2999-07-01T12:00:30.5', expires_offset: 'x' })).toBe('2999-07-01T12:00:30.500Z');
    expect(await until({ expires_at: '2999-07-01T12:00:00-01:00', expires_offset: '+09:00' })).toBe(
      '2999-07-01T13:00:00.000Z',
    );
    const past = await postForm(open.port, {
      long_url: TARGET,
      expires_at: '2001-01-01T00:00',
      expires_offset: '+01:00',
    });
    expect(past.text).toMatch(/id="expires_at"[^>]*value="2001-01-01T00:00"/);
    expect(past.text).toContain('The end date must be in the future.');
  });

  test('over 16 KiB it is the form again, and a word of it', async () => {
    const answer = await postForm(open.port, { long_url: 'x'.repeat(20_000) });
    expect(answer.status).toBe(413);
    expectStrictPage(answer);
    expect(answer.text).toMatch(/role="alert">[^<]*larger than 16384 bytes/);
  });

  test('the page of a link shows a long target in part, and is 404 or 410 where there is none', async () => {
    const longUrl = `https://example.com/${'y'.repeat(300)}`;
    await postForm(open.port, { long_url: longUrl, alias: 'long-target', expires_at: '2999-07-01T12:00' });
    const { text } = await ask(open.port, '/-/made/long-target');
    expect(text).toMatch(new RegExp(`href="${longUrl}" title="${longUrl}"[^>]*>https://example\\.com/y{59}\u2026</a>`));
    expect(text).toContain('until <time datetime="2999-07-01T12:00:00.000Z">');
    await ask(open.port, '/api/v1/urls/long-target', { method: 'DELETE' });
    const accept = { accept: 'text/html' };
    for (const [code, status] of [
      ['long-target', 410],
      ['none', 404],
      ['%00', 404],
    ] as const) {
      const answer = await ask(open.port, `/-/made/${code}`, { headers: accept });
      expect([code, answer.status, answer.headers['content-type']]).toEqual([code, status, 'text/html; charset=utf-8']);
    }
  });

  test('what is wrong is said beside its field, and what was typed is kept', async () => {
    const answer = await postForm(open.port, { long_url: 'nonsense', alias: '-', expires_at: 'tomorrow' });
    expect(answer.status).toBe(422);
    expectStrictPage(answer);
    expect(answer.text).toMatch(/<title>Error: /);
    for (const [name, value] of [
      ['long_url', 'nonsense'],
      ['alias', '-'],
      ['expires_at', 'tomorrow'],
    ]) {
      const [input = ''] = new RegExp(`<(?:input|textarea) id="${name}"[^>]*>[^<]*`).exec(answer.text) ?? [];
      expect(input).toMatch(name === 'long_url' ? new RegExp(`>\\n${value}$`) : new RegExp(`value="${value}"`));
      expect(input).toContain('aria-invalid="true"');
      expect(input).toMatch(new RegExp(`aria-describedby="[^"]*\\b${name}-error"`));
      expect(answer.text).toMatch(new RegExp(`id="${name}-error">[A-Z][^<]+\\.<`));
    }
  });

  test('a taken alias is the alias field’s error, with 409', async () => {
    await postForm(open.port, { long_url: TARGET, alias: 'taken-one' });
    const answer = await postForm(open.port, { long_url: `${TARGET}other`, alias: 'taken-one' });
    expect(answer.status).toBe(409);
    expect(answer.text).toMatch(/id="alias-error">[^<]*taken-one[^<]*taken/);
    await ask(open.port, '/api/v1/urls/taken-one', { method: 'DELETE' });
    const deleted = await postForm(open.port, { long_url: TARGET, alias: 'taken-one' });
    expect([deleted.status, deleted.text]).toEqual([
      409,
      expect.stringMatching(/id="alias-error">[^<]*taken-one was deleted: until 20/),
    ]);
  });

  const ATTACKS = [
    '<script>alert(1)</script>',
    '"><script>alert(1)</script>',
    `"' autofocus onfocus=alert(1) x="`,
    "'><img src=x onerror=alert(1)>",
    '</title></textarea><svg/onload=alert(1)>',
    '&lt;script&gt;',
    'javascript:alert(1)',
    `https://example.com/"><script>alert(1)</script>`,
    `https://example.com/'onmouseover='alert(1)`,
  ];
  test.each(['long_url', 'alias', 'expires_at', 'token', 'unknown'])('markup in %s stays text', async (field) => {
    for (const attack of ATTACKS) {
      for (const fields of [
        { long_url: TARGET, [field]: attack },
        { long_url: attack, alias: '-', [field]: attack },
      ]) {
        const posted = await postForm(open.port, fields);
        const { text, headers } =
          posted.status === 303 ? await ask(open.port, posted.headers.location as string) : posted;
        expect(headers['content-type']).toBe('text/html; charset=utf-8');
        expect(text.match(/<script/g)).toHaveLength(1);
        expect(text.match(/<\/?textarea/gi)).toHaveLength(2);
        expect(text).not.toMatch(/<(img|svg)/i);
        // Quotes of an attack never end an attribute: every tag is one that the page itself has.
        for (const [tag] of text.matchAll(/<(?:a|input|textarea)\b[^>]*>/g)) {
          expect(tag.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/'|\s(?:on\w+|x)=/);
        }
        expect(text).not.toMatch(/href="javascript:/i);
      }
    }
  });

  test('a form of another site is refused, whichever way the browser tells', async () => {
    const form = { long_url: TARGET };
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: open.url },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ]) {
      expectProblem(await postForm(open.port, form, headers as Record<string, string>), 403, 'forbidden');
    }
    const own = [
      { 'sec-fetch-site': 'same-origin', origin: 'null' },
      { 'sec-fetch-site': 'none' },
      { origin: open.url },
    ];
    for (const headers of own) {
      expect((await postForm(open.port, form, headers as Record<string, string>)).status).toBe(303);
    }
  });

  test('other bodies are 4xx', async () => {
    const post = (type: string, body: string) =>
      ask(open.port, '/-/shorten', { method: 'POST', headers: { 'content-type': type }, body });
    const form = 'application/x-www-form-urlencoded';
    expectProblem(await post('application/json', '{}'), 415, 'unsupported_media_type');
    expectProblem(await post('text/plain', `long_url=${TARGET}`), 415, 'unsupported_media_type');
    const many = await post(form, Array.from({ length: 100 }, (_, i) => `a${i}=`).join('&'));
    expect([many.status, many.headers['content-type']]).toEqual([413, 'text/html; charset=utf-8']);
    for (const body of ['', 'long_url=%ff%zz', 'long_url=a&long_url=b', 'long_url[x]=1', '__proto__=1', '&&==&']) {
      expect([body, (await post(form, body)).status]).toEqual([body, 422]);
    }
  });
});

describe('with a tokens file', () => {
  test('every API call needs a token, and what is wrong with one is not told', async () => {
    const body = { long_url: TARGET };
    const refused = await Promise.all(
      [
        undefined,
        '',
        'Bearer',
        'Bearer ',
        'Bearer wrong',
        `Bearer ${TOKEN}x`,
        `Bearer ${TOKEN.slice(1)}`,
        `Basic ${TOKEN}`,
        TOKEN,
        `Bearer ${TOKEN} x`,
        `Bearer ${'x'.repeat(9000)}`,
      ].map((authorization) => create(guarded.port, body, authorization === undefined ? {} : { authorization })),
    );
    for (const answer of refused) {
      expectProblem(answer, 401, 'unauthorized');
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.text).toBe(refused[0]?.text);
    }
    for (const [method, path] of [
      ['GET', '/api/v1/urls/Q0u'],
      ['DELETE', '/api/v1/urls/Q0u'],
      ['POST', '/api/v1/urls'],
    ] as const) {
      expectProblem(await ask(guarded.port, path, { method }), 401, 'unauthorized');
    }
    for (const scheme of ['Bearer', 'bearer']) {
      expect((await create(guarded.port, body, { authorization: `${scheme} ${TOKEN}` })).status).toBe(201);
    }
    const log = guarded.stderr();
    expect(log).toContain('"ci: create, read, edit, delete"');
    expect(log).not.toContain(TOKEN);
  });

  test('redirects need none, and a token may delete', async () => {
    const authorization = `Bearer ${TOKEN}`;
    const { code } = (await create(guarded.port, { long_url: TARGET }, { authorization })).json();
    expect((await ask(guarded.port, `/${code}`)).status).toBe(301);
    const deleted = await ask(guarded.port, `/api/v1/urls/${code}`, { method: 'DELETE', headers: { authorization } });
    expect(deleted.status).toBe(204);
    expect((await ask(guarded.port, `/${code}`)).status).toBe(410);
  });

  test('the page asks for it, and never shows it again', async () => {
    expect((await ask(guarded.port, '/')).text).toMatch(/<input id="token" name="token" type="password"/);
    const wrong = await postForm(guarded.port, { long_url: TARGET, token: 'wrong-token' });
    expect([wrong.status, wrong.text.includes('wrong-token')]).toEqual([401, false]);
    expect(wrong.text).toContain(`>\n${TARGET}</textarea>`);
    const right = await postForm(guarded.port, { long_url: TARGET, token: TOKEN });
    expect([right.status, right.text.includes(TOKEN)]).toEqual([303, false]);
  });
});

describe('with a public URL', () => {
  const authorization = `Bearer ${TOKEN}`;

  test('short URLs begin with it, and the cookie is for https', async () => {
    const answer = await create(
      guarded.port,
      { long_url: TARGET },
      { authorization, host: 'xn--lkh-qla.example:8443' },
    );
    expect(answer.json().short_url).toBe(`https://xn--lkh-qla.example/${answer.json().code}`);
    expect(answer.headers['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Lax; Secure$/);
  });

  test('it is refused as a target in every spelling, and so is the listening address', async () => {
    for (const place of [
      'https://xn--lkh-qla.example/x',
      'http://l\u00e4kh.example',
      'https://L\u00c4KH.EXAMPLE:8443/',
      'https://xn--lkh-qla.example./',
      'https://l%C3%A4kh%2Eexample/',
      'https://\uff4c\u00e4kh\u3002example/',
      guarded.url,
    ]) {
      const answer = await create(guarded.port, { long_url: place }, { authorization });
      expect([place, namedProblems(answer)]).toEqual([place, ['long_url own_host']]);
    }
  });
});
