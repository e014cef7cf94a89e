import { StoreUnavailableError } from '@lakh/links';
import { parseTokens } from '../src/index.js';
import { tokenLine } from '../src/tokens.js';
import { ApiServer, type Batch, url } from './support.js';

let api: ApiServer;
beforeEach(async () => {
  api = await new ApiServer().start();
});
afterEach(() => api.http.drain(0));

const statuses = ({ body }: Batch) => body.results.map(({ status }) => status);
const codes = ({ body }: Batch) => body.results.map(({ link }) => link?.code);

describe('creates', () => {
  test('a thousand links, a result each in their order', async () => {
    const made = await api.create(Array.from({ length: 1000 }, (_, i) => url(i)));
    expect(made.status).toBe(200);
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect(made.headers.get('set-cookie')).toBe('x=y');
    expect(made.body).toMatchObject({ succeeded: 1000, failed: 0 });
    made.body.results.forEach((result, index) => {
      expect(result).toMatchObject({
        index,
        status: 201,
        etag: '"1"',
        link: { long_url: `https://example.com/${index}` },
      });
    });
    expect(new Set(codes(made)).size).toBe(1000);
  });

  test('what is wrong with one link is its own result, in the words of a single create', async () => {
    const made = await api.create([
      url(1),
      { long_url: 'ftp://example.com', tag: 1 },
      7,
      { long_url: 'http://lakh.example/x' },
      { long_url: 'https://example.com/', alias: 'x' },
      url(2),
    ]);
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({ succeeded: 2, failed: 4 });
    expect(statuses(made)).toEqual([201, 422, 422, 422, 422, 201]);
    expect(made.body.results[1]?.problem).toMatchObject({
      code: 'invalid_request',
      type: 'urn:lakh:error:invalid_request',
      errors: [
        { field: 'tag', rule: 'unknown_field' },
        { field: 'long_url', rule: 'scheme_not_allowed' },
      ],
    });
    expect(made.body.results[3]?.problem?.errors).toMatchObject([{ rule: 'own_host' }]);
  });

  test('of fields that there are not the first few are named: a body of nothing else is not answered with many times its size', async () => {
    const junk = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`k${i}`, 1]));
    const made = await api.create(Array(20).fill(junk));
    for (const { problem } of made.body.results) expect(problem?.errors).toHaveLength(17);
    const deleted = await api.send('batchDelete', { links: [junk] });
    expect(deleted.body.results[0]?.problem?.errors).toHaveLength(17);
  });

  test('of one alias in a batch the first has it, and who asks for the very same is told of it', async () => {
    const mine = { ...url('mine'), alias: 'mine' };
    const made = await api.create([mine, { ...url('other'), alias: 'mine' }, mine, url(1)]);
    expect(statuses(made)).toEqual([201, 409, 200, 201]);
    expect(made.body.results[1]?.problem?.code).toBe('alias_taken');
    expect(made.body.results[2]?.link?.long_url).toBe('https://example.com/mine');
  });

  test.each([
    ['no object', '[]', [{ field: '', rule: 'not_an_object' }]],
    ['nothing', '', [{ field: 'links', rule: 'missing' }]],
    ['no array', '{"links": 1}', [{ field: 'links', rule: 'not_an_array' }]],
    ['no links', '{"links": []}', [{ field: 'links', rule: 'no_links' }]],
    ['unknown fields', '{"links": [], "create": 1}', [{ field: 'create', rule: 'unknown_field' }]],
    [
      'another name',
      '{"link": []}',
      [
        { field: 'link', rule: 'unknown_field' },
        { field: 'links', rule: 'missing' },
      ],
    ],
    ['too many', JSON.stringify({ links: Array(1001).fill(0) }), [{ field: 'links', rule: 'too_many' }]],
  ])('a body with %s is refused as a whole', async (_, body, errors) => {
    const { status, body: problem } = await api.send('batch', body);
    expect(status).toBe(422);
    expect(problem).toMatchObject({ code: 'invalid_request', errors });
  });

  test('bounds of the body, its type and its method', async () => {
    expect((await api.send('batch', '{')).body.code).toBe('malformed_json');
    expect((await api.send('batch', `{"links": ["${'x'.repeat(4 * 1024 * 1024)}"]}`)).status).toBe(413);
    expect((await api.send('batch', '{}', { 'content-type': 'text/plain' })).status).toBe(415);
    const got = await fetch(`http://127.0.0.1:${api.port}/api/v1/urls:batch`);
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`http://127.0.0.1:${api.port}/api/v1/urlsXbatch`)).status).toBe(404);
  });

  test('an outage is told of once, and every link says so', async () => {
    let left = 1;
    api.store.gate = () => {
      left -= 1;
      if (left < 0) throw new StoreUnavailableError('away');
    };
    const made = await api.create([url(1), url(2), url(3)]);
    expect(statuses(made)).toEqual([201, 503, 503]);
    expect(api.errors).toHaveLength(1);
    expect(JSON.stringify(made.body)).not.toContain('away');
  });
});

describe('creates by one key', () => {
  const key = { 'idempotency-key': '"a batch"' };
  const links = [url(1), { long_url: 'nonsense' }, { ...url(2), alias: 'chosen' }, url(3)];

  test('the same again is the same links, and says so', async () => {
    const first = await api.create(links, key);
    expect(statuses(first)).toEqual([201, 422, 201, 201]);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    api.nowMs += 60_000;
    const again = await api.create(links, key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(statuses(again)).toEqual([201, 422, 201, 201]);
    expect(codes(again)).toEqual(codes(first));
    expect(api.store.size).toBe(3);
  });

  test.each([
    ['other links', [url(1), { long_url: 'nonsense' }, { ...url(2), alias: 'chosen' }, url(4)]],
    ['other wrong ones', [url(1), { long_url: 'other nonsense' }, { ...url(2), alias: 'chosen' }, url(3)]],
    ['more of them', [...links, url(4)]],
    ['another order', links.toReversed()],
  ])('%s are refused as a whole, before any is made', async (_, others) => {
    await api.create(links, key);
    const { status, body } = await api.create(others, key);
    expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(api.store.size).toBe(3);
  });

  test('one that is under way is 409', async () => {
    const inserted: (() => void)[] = [];
    api.store.gate = () => new Promise<void>((resolve) => inserted.push(resolve));
    const first = api.create([url(1)], key);
    while (inserted.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const second = await api.create([url(1)], key);
    expect([second.status, second.body.code]).toEqual([409, 'idempotency_key_in_use']);
    api.store.gate = undefined;
    for (const goOn of inserted) goOn();
    expect((await first).status).toBe(200);
  });

  test('what an outage has cut short the next request finishes', async () => {
    let left = 2;
    api.store.gate = () => {
      left -= 1;
      if (left < 0) throw new StoreUnavailableError('away');
    };
    const first = await api.create(links, key);
    expect(statuses(first)).toContain(503);
    api.store.gate = undefined;
    const again = await api.create(links, key);
    expect(statuses(again)).toEqual([201, 422, 201, 201]);
    first.body.results.forEach(({ link }, index) => {
      if (link) expect(codes(again)[index]).toBe(link.code);
    });
    expect(api.store.size).toBe(3);
  });

  test('an expiry that has passed by then is that of the first request, and a day later the key is free', async () => {
    const soon = [{ ...url(1), expires_at: new Date(api.nowMs + 1000).toISOString() }];
    const first = await api.create(soon, key);
    api.nowMs += 5000;
    expect(codes(await api.create(soon, key))).toEqual(codes(first));
    api.nowMs += 24 * 60 * 60 * 1000;
    expect(statuses(await api.create([url(9)], key))).toEqual([201]);
    expect((await api.create(soon, key)).body.code).toBe('idempotency_key_reused');
  });

  test('a key of a single create is another one', async () => {
    const single = await fetch(`http://127.0.0.1:${api.port}/api/v1/urls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...key },
      body: JSON.stringify(url(1)),
    });
    expect(single.status).toBe(201);
    expect(statuses(await api.create([url(2)], key))).toEqual([201]);
  });
});

describe('deletes', () => {
  test('each by itself, in their order, by version where one is named', async () => {
    const [a, b, c] = codes(await api.create([url(1), url(2), url(3)])) as string[];
    const sent = {
      links: [{ code: a }, { code: 'nosuch' }, { code: b, if_match: '"7"' }, { code: c, if_match: '"1"' }, { code: a }],
    };
    const gone = await api.send('batchDelete', sent);
    expect(gone.status).toBe(200);
    expect(gone.body).toMatchObject({ succeeded: 3, failed: 2 });
    expect(gone.body.results).toMatchObject([
      { index: 0, status: 204, code: a },
      { index: 1, status: 404, problem: { code: 'link_not_found' } },
      { index: 2, status: 412, problem: { code: 'changed_since' } },
      { index: 3, status: 204, code: c },
      { index: 4, status: 204, code: a },
    ]);
    const read = async (code: string) => (await fetch(`http://127.0.0.1:${api.port}/api/v1/urls/${code}`)).status;
    expect([await read(a as string), await read(b as string), await read(c as string)]).toEqual([410, 200, 410]);
  });

  test('what is wrong with one is its own result', async () => {
    const gone = await api.send('batchDelete', {
      links: [
        {},
        { code: 1 },
        'Q0u',
        { code: 'a', if_match: 'x' },
        { code: 'a', if_match: 3 },
        { code: 'a', version: 1 },
      ],
    });
    expect(
      gone.body.results.map(({ status, problem }) => [status, problem?.errors?.[0]?.field, problem?.errors?.[0]?.rule]),
    ).toEqual([
      [422, 'code', 'missing'],
      [422, 'code', 'not_a_string'],
      [422, '', 'not_an_object'],
      [422, 'if_match', 'not_an_etag'],
      [422, 'if_match', 'not_an_etag'],
      [422, 'version', 'unknown_field'],
    ]);
  });
});

describe('limits', () => {
  const limited = async (limits: { perMin?: number; missesPerMin?: number }) => {
    await api.http.drain(0);
    api = await new ApiServer().start(limits);
  };
  const many = (count: number) => Array.from({ length: count }, (_, i) => url(i));

  test('links are counted, and not requests; a batch that is more than what is left makes nothing', async () => {
    await limited({ perMin: 10 });
    expect((await api.create(many(6))).status).toBe(200);
    const refused = await api.create(many(5));
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(refused.body.detail).toMatch(
      /^Too many links .* for 5 at once: of 10 a minute 4 are left; try again in \d+ seconds\.$/,
    );
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(api.store.size).toBe(6);
    // The refused one counts as one.
    expect((await api.create(many(3))).status).toBe(200);
    expect((await api.create(many(1))).status).toBe(429);
  });

  test('a batch that no minute has room for is too large, and not too early', async () => {
    await limited({ perMin: 10 });
    const refused = await api.create(many(11));
    expect([refused.status, refused.body.code]).toEqual([413, 'payload_too_large']);
    expect(refused.body.detail).toContain('11 links at once, and 10');
  });

  test('deletes that find nothing count as look-ups, and those beyond are refused by themselves', async () => {
    await limited({ missesPerMin: 20 });
    const made = codes(await api.create(many(5))).map((code) => ({ code }));
    expect(statuses(await api.send('batchDelete', { links: made }))).toEqual([204, 204, 204, 204, 204]);
    const none = Array.from({ length: 25 }, (_, i) => ({ code: `none${i}` }));
    // The request itself is a look-up until it is answered.
    expect(statuses(await api.send('batchDelete', { links: none }))).toEqual([
      ...Array(19).fill(404),
      ...Array(6).fill(429),
    ]);
  });

  test('only so many batches of one client are read at a time', async () => {
    const { request } = await import('node:http');
    const open = Array.from({ length: 8 }, () =>
      request({
        port: api.port,
        method: 'POST',
        path: '/api/v1/urls:batch',
        headers: { 'content-type': 'application/json', 'content-length': 100 },
      }),
    );
    for (const each of open) each.on('error', () => {}).write('{');
    while (api.http.inFlight < 8) await new Promise((resolve) => setTimeout(resolve, 2));
    const refused = await api.create([url(1)]);
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_in_flight']);
    expect((await api.create([url(1)], { 'x-forwarded-for': '192.0.2.7' })).status).toBe(200);
    for (const each of open) each.destroy();
    while (api.http.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect((await api.create([url(1)])).status).toBe(200);
  });

  test('rights are those of single creates and deletes', async () => {
    await api.http.drain(0);
    const tokens = parseTokens([tokenLine('c', 'c', ['create']), tokenLine('d', 'd', ['delete'])].join('\n'), 'test');
    api = await new ApiServer().start({ identify: (header) => tokens.verifyBearer(header) });
    const ask = async (verb: string, token: string) =>
      (
        await api.send(verb, verb === 'batch' ? { links: [url(1)] } : { links: [{ code: 'none' }] }, {
          authorization: `Bearer ${token}`,
        })
      ).status;
    expect([await ask('batch', 'c'), await ask('batch', 'd'), await ask('batch', 'x')]).toEqual([200, 403, 401]);
    expect([await ask('batchDelete', 'c'), await ask('batchDelete', 'd')]).toEqual([403, 200]);
  });
});
