import { type Actor, anonymous, tokenHolder } from '@lakh/links';
import { ApiServer, RESTORE_MS } from './support.js';

const TARGET = 'https://example.com/printed';
const holders: Record<string, Actor> = {
  ci: tokenHolder('ci'),
  other: tokenHolder('other'),
  makes: tokenHolder('makes', ['create', 'read']),
  own: { kind: 'key', name: 'own', rights: ['create', 'read', 'edit', 'delete'], owner: 'ci', reach: 'own' },
  stranger: { kind: 'key', name: 'x', rights: ['create', 'read', 'edit', 'delete'], owner: 'x', reach: 'own' },
};

let api: ApiServer;

async function start(options: Parameters<ApiServer['start']>[0] = {}): Promise<void> {
  const identify = (header?: string) =>
    header === undefined ? anonymous(['create', 'read', 'edit', 'delete']) : holders[header.slice('Bearer '.length)];
  api = await new ApiServer().start({ identify, ...options });
}
afterEach(() => api.http.drain(0));

async function ask(method: string, path: string, by?: string, body?: object, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${api.port}/api/v1/urls${path}`, {
    method,
    headers: {
      ...(by && { authorization: `Bearer ${by}` }),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get('etag'), body: text === '' ? {} : JSON.parse(text) };
}

const create = (alias: string, by?: string, more: object = {}, headers: Record<string, string> = {}) =>
  ask('POST', '', by, { long_url: TARGET, alias, ...more }, headers);
const later = (ms: number) => {
  api.nowMs += ms;
};
const timeIn = (ms: number) => new Date(api.nowMs + ms).toISOString();

describe('a deleted link', () => {
  test('comes back as it was, by who may delete it, and says until when', async () => {
    await start();
    const made = await create('printed', 'ci', { title: 'Poster', max_clicks: 7 });
    expect((await ask('DELETE', '/printed', 'ci')).status).toBe(204);
    const until = timeIn(RESTORE_MS);
    const gone = await ask('GET', '/printed', 'ci');
    expect([gone.status, gone.body.code, gone.body.restorable_until]).toEqual([410, 'link_gone', until]);
    // Nothing is said to who may not restore it.
    for (const by of ['makes', 'stranger'])
      expect((await ask('GET', '/printed', by)).body).not.toHaveProperty('restorable_until');
    expect((await ask('POST', '/printed:restore', 'makes')).body.code).toBe('forbidden');
    expect((await ask('POST', '/printed:restore', 'stranger')).body.code).toBe('forbidden');
    later(RESTORE_MS);
    const restored = await ask('POST', '/printed:restore', 'own');
    expect(restored).toEqual({ status: 200, etag: '"3"', body: made.body });
    expect(await ask('GET', '/printed', 'ci')).toEqual(restored);
    // It is there: nothing is done again.
    expect(await ask('POST', '/printed:restore', 'ci')).toEqual(restored);
    expect((await ask('POST', '/printed:restore', 'stranger')).status).toBe(403);
  });

  test('comes back only as the version that was meant', async () => {
    await start();
    await create('versions', 'ci');
    await ask('DELETE', '/versions', 'ci');
    const restore = (version: string) => ask('POST', '/versions:restore', 'own', undefined, { 'if-match': version });
    expect((await restore('"1"')).body.code).toBe('changed_since');
    expect((await restore('"2"')).etag).toBe('"3"');
    expect((await restore('"2"')).status).toBe(412);
    expect((await restore('"3"')).status).toBe(200);
    expect((await ask('POST', '/never:restore', 'ci')).status).toBe(404);
    expect((await ask('POST', '/no%20code:restore', 'ci')).status).toBe(404);
  });

  test('is gone for good after its time, also where no sweep has passed', async () => {
    await start();
    await create('toolate', 'ci');
    await ask('DELETE', '/toolate', 'ci');
    later(RESTORE_MS + 1);
    expect((await ask('GET', '/toolate', 'ci')).body).not.toHaveProperty('restorable_until');
    const late = await ask('POST', '/toolate:restore', 'ci');
    expect([late.status, late.body.code, late.body.restorable_until]).toEqual([410, 'link_gone', undefined]);
  });

  test.each([
    ['at once', async () => [await ask('DELETE', '/private?forever=true', 'own')]],
    ['later', async () => [await ask('DELETE', '/private', 'ci'), await ask('DELETE', '/private?forever=true', 'own')]],
    [
      'in a batch',
      async () => {
        const headers = { authorization: 'Bearer ci' };
        return (await api.send('batchDelete', { links: [{ code: 'private', forever: true }] }, headers)).body.results;
      },
    ],
  ])('is not kept where that is asked for: %s', async (_, remove) => {
    await start();
    await create('private', 'ci');
    expect((await remove()).map(({ status }) => status)).toEqual(expect.arrayContaining([204]));
    expect((await ask('POST', '/private:restore', 'ci')).status).toBe(410);
  });

  test('is kept where somebody else, or nobody clearly, asks to keep nothing', async () => {
    await start();
    await create('kept', 'ci');
    await ask('DELETE', '/kept', 'ci');
    expect((await ask('DELETE', '/kept?forever=true', 'stranger')).status).toBe(403);
    for (const [query, rule] of [
      ['forever=1', 'not_a_boolean'],
      ['forever', 'not_a_boolean'],
      ['forever=true&forever=true', 'not_a_boolean'],
      ['forevr=true', 'unknown_field'],
    ] as const) {
      const refused = await ask('DELETE', `/kept?${query}`, 'ci');
      expect([refused.status, refused.body.errors.map((each: { rule: string }) => each.rule)]).toEqual([422, [rule]]);
    }
    const batch = await api.send(
      'batchDelete',
      { links: [{ code: 'kept', forever: 'yes' }] },
      { authorization: 'Bearer ci' },
    );
    expect(batch.body.results[0]!.problem!.errors![0]).toMatchObject({ field: 'forever', rule: 'not_a_boolean' });
    expect((await ask('DELETE', '/kept?forever=false', 'ci')).status).toBe(204);
    expect((await ask('POST', '/kept:restore', 'ci')).status).toBe(200);
  });

  test('is not kept where no days are set', async () => {
    await start({ restoreMs: 0 });
    await create('at0', 'ci');
    await ask('DELETE', '/at0', 'ci');
    expect((await ask('POST', '/at0:restore', 'ci')).status).toBe(410);
    expect((await create('at0', 'ci')).status).toBe(201);
  });
});

describe('the alias of a deleted link', () => {
  test('is its owner’s again once it cannot be restored, and nobody else’s ever', async () => {
    await start();
    await create('mine', 'ci', { title: 'Old' });
    await ask('DELETE', '/mine', 'ci');
    const until = timeIn(RESTORE_MS);
    const early = await create('mine', 'ci');
    expect([early.status, early.body.code, early.body.restorable_until]).toEqual([409, 'alias_deleted', until]);
    expect(early.body.detail).toContain(until);
    later(RESTORE_MS + 1);
    for (const by of ['other', undefined]) {
      const refused = await create('mine', by);
      expect([refused.status, refused.body.code]).toEqual([409, 'alias_deleted']);
      expect(refused.body).not.toHaveProperty('restorable_until');
    }
    const again = await create('mine', 'own');
    expect([again.status, again.etag, again.body.title, again.body.owner]).toEqual([201, '"3"', undefined, 'ci']);
    expect((await create('mine', 'own')).status).toBe(200);
    expect((await create('mine', 'other')).body.code).toBe('alias_taken');
  });

  test('is claimed once with a key, and the repeated claim is answered the same', async () => {
    await start();
    await create('keyed', 'ci');
    await ask('DELETE', '/keyed?forever=true', 'ci');
    const key = { 'idempotency-key': 'claim-1' };
    const claims = [await create('keyed', 'ci', {}, key), await create('keyed', 'ci', {}, key)];
    expect(claims.map(({ status, etag }) => [status, etag])).toEqual([
      [201, '"3"'],
      [201, '"3"'],
    ]);
    expect(claims[1]!.body).toEqual(claims[0]!.body);
    await ask('DELETE', '/keyed?forever=true', 'ci');
    expect((await create('keyed', 'ci', {}, key)).status).toBe(410);
  });

  test.each([true, false])('of nobody is anybody’s only where there is one alone: %s', async (anonymousOwns) => {
    await start({ anonymousOwns });
    await create('nobodys');
    await ask('DELETE', '/nobodys?forever=true');
    const again = await create('nobodys');
    expect([again.status, again.body.code]).toEqual(anonymousOwns ? [201, 'nobodys'] : [409, 'alias_deleted']);
  });

  test('that a counter made stays dead', async () => {
    await start();
    const { body } = await ask('POST', '', 'ci', { long_url: TARGET });
    await ask('DELETE', `/${body.code}?forever=true`, 'ci');
    expect((await create(body.code, 'ci')).body.code).toBe('alias_deleted');
  });
});
