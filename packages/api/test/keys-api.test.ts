import { createApp, createHttpMetrics, createHttpServer, createRateLimits, type HttpServer, listen } from '@lakh/http';
import { StoreUnavailableError, tokenHolder } from '@lakh/links';
import type { Logger } from '@lakh/process';
import { MemoryFactStore, until } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { accessPolicy, createKeysApi, openKeyRing } from '../src/index.js';

const AT = '/api/v1/keys';

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered
  readonly body: any;
}

let facts: MemoryFactStore;
let http: HttpServer;
let url: string;
let lines: unknown[];
let closeRing: () => Promise<void>;
let access: ReturnType<typeof accessPolicy>;

const clock = { nowMs: () => Date.now() };

async function start({ apiKeys = true } = {}): Promise<void> {
  facts = new MemoryFactStore();
  lines = [];
  const note = (...line: unknown[]) => void lines.push(line);
  const log = { info: note, warn: note, error: note } as unknown as Logger;
  const policy = { apiTokensFile: undefined, apiKeys, open: false, listen: { host: '127.0.0.1', port: 0 } };
  access = accessPolicy(policy, log);
  const root = tokenHolder('root', ['admin']);
  const identify: typeof access.identify = (header, right) =>
    header === 'Bearer root' ? root : access.identify(header, right);
  const { signal } = new AbortController();
  closeRing = await openKeyRing({ facts, clock, log, onLoaded: access.takeKeys, signal, lookEveryMs: 20 });
  const registry = new Registry();
  const metrics = createHttpMetrics(registry, ['api']);
  const perMin = { changesPerMin: 1_000, missesPerMin: 1_000, wrongTokensPerMin: 1_000 };
  const limits = createRateLimits({ ...perMin, clientOf: () => 'one', registry });
  const face = createKeysApi({ isOn: apiKeys, facts, clock, log, identify, limits });
  http = createHttpServer({ own: {}, ...createApp({ faces: [face], metrics, onError: () => {} }) });
  ({ url } = await listen(http, { host: '127.0.0.1', port: 0 }));
}

afterEach(async () => {
  await Promise.all([http.drain(0), closeRing()]);
  access.close();
});

async function ask(method: string, path: string, body?: unknown, token = 'root'): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

const knows = (key: string) => access.identify(`Bearer ${key}`) !== undefined;

test('a key is made, shown once, let in, listed without its text, renewed and revoked', async () => {
  await start();
  const made = await ask('POST', AT, { name: 'ci', owner: 'web', scopes: ['links:read', 'admin'], reach: 'all' });
  expect(made).toMatchObject({
    status: 201,
    body: { name: 'ci', owner: 'web', scopes: ['links:read', 'admin'], valid: true },
  });
  const { key, id } = made.body;
  await until(() => knows(key));
  expect(access.identify(`Bearer ${key}`, 'read')).toMatchObject({
    kind: 'key',
    name: 'ci',
    rights: ['read', 'admin'],
  });
  expect(access.identify(`Bearer ${key}`)).toBe(access.identify(`bearer ${key}`));
  const { body: all } = await ask('GET', AT, undefined, key);
  expect(all.keys).toMatchObject([{ id, name: 'ci', expires_at: null, revoked_at: null }]);
  expect(JSON.stringify([all, lines])).not.toContain(key.split('_')[2]);

  const renewed = await ask('POST', `${AT}/ci/rotate`, { overlap_s: 3_600 });
  expect([renewed.status, renewed.body.name, renewed.body.id === id]).toEqual([201, 'ci', false]);
  await until(() => knows(renewed.body.key));
  expect(knows(key)).toBe(true);
  expect((await ask('DELETE', `${AT}/${id}`)).status).toBe(204);
  expect((await ask('DELETE', `${AT}/${id}`)).status).toBe(204);
  await until(() => !knows(key));
  expect(knows(renewed.body.key)).toBe(true);
  expect(lines.filter((line) => JSON.stringify(line).includes('"actor":{"kind":"token","name":"root"}'))).toHaveLength(
    4,
  );
});

test('a rotation needs no body', async () => {
  await start();
  await ask('POST', AT, { name: 'ci' });
  expect(await ask('POST', `${AT}/ci/rotate`, undefined)).toMatchObject({ status: 201, body: { name: 'ci' } });
});

test('who has no key, a wrong one or one without the scope learns and changes nothing', async () => {
  await start();
  const { body } = await ask('POST', AT, { name: 'plain' });
  await until(() => knows(body.key));
  for (const [method, path, sent] of [
    ['GET', AT, undefined],
    ['POST', AT, { name: 'mine', scopes: ['admin'] }],
    ['POST', `${AT}/plain/rotate`, {}],
    ['DELETE', `${AT}/plain`, undefined],
  ] as const) {
    expect((await ask(method, path, sent, '')).status).toBe(401);
    expect((await ask(method, path, sent, 'wrong')).status).toBe(401);
    const refused = await ask(method, path, sent, body.key);
    expect([refused.status, refused.body.detail]).toEqual([
      403,
      'Administering keys is not among the scopes of this API key.',
    ]);
  }
  expect((await ask('GET', AT)).body.keys).toHaveLength(1);
});

test('what cannot be is refused with all that is wrong', async () => {
  await start();
  await ask('POST', AT, { name: 'ci' });
  const bad = await ask('POST', AT, { name: '', scopes: ['x'], expires_at: 1 });
  expect([bad.status, bad.body.errors.map(({ field }: { field: string }) => field)]).toEqual([
    422,
    ['name', 'scopes', 'expires_at'],
  ]);
  expect((await ask('POST', AT, { name: 'a', tag: 1 })).body.errors).toMatchObject([
    { field: 'tag', rule: 'unknown_field' },
  ]);
  const mistyped = await ask('POST', AT, { nam: 'a', scope: ['links:read'], expires_at: '2030-02-31T12:00:00Z' });
  expect(mistyped.body.detail).toBe(
    'nam: there is no such field; did you mean name?; scope: there is no such field; did you mean scopes?; name: must be 1 to 64 of the characters 0-9 A-Z a-z . _ -; expires_at: must be a time as RFC 3339 has it, such as 2030-01-31T12:00:00Z',
  );
  expect((await ask('POST', AT, [])).status).toBe(422);
  expect(await ask('POST', AT, { name: 'ci' })).toMatchObject({ status: 409, body: { code: 'key_name_taken' } });
  expect(await ask('POST', `${AT}/none/rotate`, {})).toMatchObject({ status: 404, body: { code: 'key_not_found' } });
  expect(await ask('DELETE', `${AT}/none`)).toMatchObject({ status: 404, body: { code: 'key_not_found' } });
  expect((await ask('POST', `${AT}/ci/rotate`, { overlap_s: -1 })).status).toBe(422);
});

test('a server without keys says so to who may know, and lets no key in', async () => {
  await start({ apiKeys: false });
  expect(await ask('GET', AT)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect((await ask('GET', AT, undefined, '')).status).toBe(403);
});

test('while keys cannot be read those of before go on, which is told once', async () => {
  await start();
  const { body } = await ask('POST', AT, { name: 'ci' });
  await until(() => knows(body.key));
  const read = jest.spyOn(facts, 'read').mockRejectedValue(new Error('away'));
  await until(() => read.mock.calls.length >= 2);
  expect(knows(body.key)).toBe(true);
  const told = () => lines.filter((line) => JSON.stringify(line).includes('cannot be read now')).length;
  await until(() => told() === 1);
  read.mockRestore();
  const second = await ask('POST', AT, { name: 'second' });
  await until(() => knows(second.body.key));
  expect(told()).toBe(1);
});

test('a start waits for keys while the database is away, until it is stopped, and for nothing else', async () => {
  await start();
  const stopping = new AbortController();
  let reads = 0;
  const opening = (read: () => Promise<string | undefined>) => {
    const log = { info: () => {}, warn: () => {} };
    const store = Object.assign(new MemoryFactStore(), { read });
    return openKeyRing({ facts: store, clock, log, onLoaded: () => {}, signal: stopping.signal });
  };
  const away = async (): Promise<never> => {
    reads += 1;
    throw new StoreUnavailableError('away');
  };
  const close = await opening(() => (reads === 0 ? away() : Promise.resolve(undefined)));
  await close();
  expect(reads).toBe(1);
  await expect(opening(async () => 'no JSON')).rejects.toMatchObject({ code: 'key_book_invalid' });
  const waiting = opening(away);
  stopping.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});
