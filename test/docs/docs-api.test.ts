import SwaggerParser from '@apidevtools/swagger-parser';
import {
  apiRoutes,
  createApi,
  createDescription,
  createKeysApi,
  descriptionRoutes,
  digest,
  keyRoutes,
} from '@lakh/api';
import {
  createApp,
  createHttpMetrics,
  createHttpServer,
  createRateLimits,
  createRyowCookie,
  createRyowReader,
  type HttpServer,
  listen,
  PasswordKeeper,
  type Routes,
} from '@lakh/http';
import {
  anonymous,
  createEditor,
  createRemover,
  createRestorer,
  type Invalidation,
  OwnHosts,
  RIGHTS,
  StoreUnavailableError,
  tokenHolder,
} from '@lakh/links';
import { createPage, pageRoutes } from '@lakh/page';
import { adminRoutes, createAdminServer, createMetrics } from '@lakh/process';
import { createRedirects, redirectRoutes } from '@lakh/redirects';
import { createSite, siteRoutes } from '@lakh/site';
import { countedShortener, MemoryFactStore, MemoryLinkStore, MemoryReservationStore } from '@lakh/testkit';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { root } from './support.js';

interface ResponseDescription {
  readonly headers?: Record<string, { readonly schema: object; readonly required?: boolean }>;
  readonly content?: Record<string, { readonly schema: object }>;
}
interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Record<string, ResponseDescription>;
}
type Paths = Record<string, Record<string, Operation>>;

const RESTORE_MS = 30 * 24 * 60 * 60 * 1000;

/** What nothing here makes a server answer with; the rooms' own tests do. */
const UNSEEN = [
  ...['createLink 403', 'createLinks 403', 'createLinks 409', 'createLinks 503', 'deleteLinks 503', 'dryRunLink 403'],
  ...[
    'restoreLink 403',
    'restoreLink 503',
    'getLink 403',
    'drawLink 403',
    'listKeys 404',
    'listKeys 503',
    'createKey 404',
    'createKey 503',
  ],
  ...['rotateKey 409', 'rotateKey 503', 'revokeKey 503', 'followLink 508', 'openLink 508', 'getRobots 404'],
  ...['getFavicon 200', 'getSecurityText 200', 'getAssetLinks 200', 'getAppleAssociation 200', 'getReadiness 503'],
];

const RYOW_KEY = new Uint8Array(32);

/** The services in this process, over a store in memory: what is compared is what they answer, not what they keep. */
async function openServices(token?: string, perMin = 1e9) {
  const store = new MemoryLinkStore();
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const { registry, stop } = createMetrics({ program: 'docs', version: '0' });
  const metrics = createHttpMetrics(registry, ['redirect', 'api', 'page']);
  const publicUrl = 'http://lakh.example';
  const limits = createRateLimits({
    changesPerMin: perMin,
    missesPerMin: perMin,
    wrongTokensPerMin: perMin,
    clientOf: ({ headers }) => `${headers['x-client']}`,
    registry,
  });
  const onError = () => {};
  const redirects = createRedirects({
    domainId: 0,
    store,
    ownHosts: new OwnHosts([publicUrl]),
    settings: { redirectStatus: 301, redirectMaxAgeS: 90, l1TtlMs: 5000, l1MaxBytes: 1_000_000 },
    clock,
    hasJustWritten: createRyowReader(() => RYOW_KEY),
    registry,
    metrics,
    onError: () => {},
    limits,
  });
  const anyone = anonymous(['create', 'read']);
  const policy = { ownHosts: new OwnHosts([publicUrl]) };
  const passwords = new PasswordKeeper({ atOnce: 1, queuedMax: 100 });
  const options = {
    domainId: 0,
    shortener: countedShortener({
      store,
      clock,
      policy,
      passwords,
      idempotency: { digest, reservations: new MemoryReservationStore() },
    }),
    clock,
    ryowCookie: createRyowCookie(RYOW_KEY, false),
    publicUrl,
    identify: (header?: string) =>
      token === undefined
        ? anyone
        : header === `Bearer ${token}`
          ? tokenHolder('docs', [...RIGHTS, 'admin'])
          : undefined,
    needsToken: token !== undefined,
    limits,
    onError,
  };
  const changes = { store, invalidate: (invalidation: Invalidation) => redirects.l1.changed(invalidation) };
  const editor = createEditor({ ...changes, clock, policy, digest, passwords });
  const remover = createRemover({ ...changes, grace: { clock, restoreMs: RESTORE_MS } });
  const restorer = createRestorer({ ...changes, clock, restoreMs: RESTORE_MS });
  const api = createApi({ ...options, editor, remover, restorer, store, metrics });
  const site = createSite({ domainId: 0, resolver: redirects.resolver, store, limits, clock, publicUrl, settings: {} });
  const log = { info: () => {} };
  const keysApi = createKeysApi({ ...options, isOn: true, facts: new MemoryFactStore(), log });
  const faces = [site, redirects, api, keysApi, createDescription({ publicUrl }), createPage({ ...options, store })];
  const http = createHttpServer({ own: {}, ...createApp({ faces, metrics, onError }) });
  const admin = createAdminServer({ own: {}, registry, lifecycle: { state: 'running' }, checks: {} });
  const address = { host: '127.0.0.1', port: 0 };
  const servers: HttpServer[] = [http, admin];
  return {
    store,
    url: (await listen(http, address)).url,
    adminUrl: (await listen(admin, address)).url,
    async close() {
      stop();
      await Promise.all(servers.map((server) => server.drain(0)));
    },
  };
}

describe('the API description', () => {
  const file = `${root}/docs/reference/openapi.yaml`;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const compiled = new Map<object, ValidateFunction>();
  /** Operations with the statuses that they were seen to answer with. */
  const exercised = new Set<string>();
  let paths: Paths;
  let anyone: Awaited<ReturnType<typeof openServices>>;
  let guarded: Awaited<ReturnType<typeof openServices>>;

  beforeAll(async () => {
    paths = (await SwaggerParser.dereference(file)).paths as unknown as Paths;
    [anyone, guarded] = await Promise.all([openServices(), openServices('right')]);
  });
  afterAll(() => Promise.all([anyone.close(), guarded.close()]));

  test('is valid OpenAPI 3.1', async () => {
    const api = await SwaggerParser.validate(file);
    expect((api as { openapi?: string }).openapi).toBe('3.1.0');
  });

  test('describes every route of the table, and nothing else: operation, body, who may ask, and where', () => {
    const mediaTypes = {
      json: ['application/json'],
      patch: ['application/json', 'application/merge-patch+json'],
      form: ['application/x-www-form-urlencoded'],
      batch: ['application/json', 'application/x-ndjson'],
    };
    const routes: Routes = {
      ...redirectRoutes,
      ...siteRoutes,
      ...apiRoutes,
      ...keyRoutes,
      ...descriptionRoutes,
      ...pageRoutes,
      ...adminRoutes,
    };
    const expected = Object.entries(routes).map(([name, { method, path, body, role, rate }]) => ({
      ...{ name, method, path: path.replaceAll(/\/:(\w+)/g, '/{$1}') },
      bodies: body === undefined ? [] : mediaTypes[body.type],
      refusals: body === undefined ? [] : ['413', '415'],
      takesTokens: role === 'api',
      isLimited: rate !== 'none',
      onAdminListener: role === 'admin',
    }));
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([key, operation]) => {
        if (key === 'parameters' || key === 'servers') return [];
        const { operationId: name, requestBody, responses, security } = operation;
        return {
          ...{ name, method: key.toUpperCase(), path },
          bodies: Object.keys(requestBody?.content ?? {}),
          refusals: ['413', '415'].filter((status) => status in responses),
          isLimited: '429' in responses,
          takesTokens: security.length > 0 && '401' in responses,
          onAdminListener: 'servers' in item,
        };
      }),
    );
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    expect(described.sort(byName)).toEqual(expected.sort(byName));
  });

  test('each route that has a rate class is limited, and no other is', async () => {
    const strict = await openServices(undefined, 1);
    const bodies = {
      json: ['application/json', '{}'],
      patch: ['application/json', '{}'],
      form: ['application/x-www-form-urlencoded', 'long_url='],
      batch: ['application/json', '{}'],
    } as const;
    const routes: Routes = {
      ...redirectRoutes,
      ...siteRoutes,
      ...apiRoutes,
      ...keyRoutes,
      ...descriptionRoutes,
      ...pageRoutes,
    };
    try {
      for (const [name, { method, path, body, rate }] of Object.entries(routes)) {
        const [type, text] = body === undefined ? [] : bodies[body.type];
        const headers = { 'x-client': name, ...(type === undefined ? {} : { 'content-type': type }) };
        const init = { method, headers, ...(text === undefined ? {} : { body: text }) };
        const ask = async () => (await fetch(strict.url + path.replace(/:code|:key/, 'Nosuch1'), init)).status;
        const [first, second] = [await ask(), await ask()];
        expect([name, first === 429, second === 429]).toEqual([name, false, rate !== 'none']);
      }
    } finally {
      await strict.close();
    }
  });

  function mismatch(schema: object, value: unknown): string {
    const validate = compiled.get(schema) ?? ajv.compile(schema);
    compiled.set(schema, validate);
    return validate(value) ? '' : `${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`;
  }

  /** Sends a request and compares the answer with what the description says of `template`; resolves with its body. */
  async function holds(status: number, template: string, url: string, init: RequestInit = {}): Promise<string> {
    const response = await fetch(url, { redirect: 'manual', ...init });
    const text = await response.text();
    expect({ status: response.status, text }).toEqual({ status, text });
    const item = paths[template] as Paths[string];
    // HEAD is GET without a body; a method that is not there answers as any that is.
    const described =
      item[(init.method ?? 'GET').toLowerCase()] ?? Object.values(item).find((one) => 'responses' in one);
    const expected = described?.responses[String(status)];
    if (described) exercised.add(`${described.operationId} ${status}`);
    if (!expected) throw new Error(`${init.method ?? 'GET'} ${template} answered ${status}, which is not described`);
    const problems = Object.entries(expected.headers ?? {})
      .filter(([name, { required }]) => required !== false || response.headers.has(name))
      .map(([name, { schema }]) => mismatch(schema, response.headers.get(name)));
    if (expected.content && init.method !== 'HEAD') {
      const type = (response.headers.get('content-type') ?? '').split(';')[0] as string;
      const content = expected.content[type];
      if (!content) throw new Error(`${template} answered ${type}, which is not described for ${status}`);
      problems.push(mismatch(content.schema, /[/+]json$/.test(type) ? JSON.parse(text) : text));
    } else problems.push(text);
    expect(problems.filter((problem) => problem !== '')).toEqual([]);
    return text;
  }

  const URLS = '/api/v1/urls';
  const LINK = '/api/v1/urls/{code}';
  const json = (body: string, headers: Record<string, string> = {}): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const form = (body: string, headers: Record<string, string> = {}): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  });
  const alias = json(
    '{"long_url": "https://example.com/é", "alias": "my-link", "expires_at": "2999-01-01T00:00:00+05:30"}',
  );

  test('holds for creating, looking, following, editing and deleting', async () => {
    const { url } = anyone;
    const { code } = JSON.parse(await holds(201, URLS, url + URLS, json('{"long_url": "https://example.com/"}')));
    await holds(201, URLS, url + URLS, alias);
    await holds(200, URLS, url + URLS, alias);
    await holds(409, URLS, url + URLS, json('{"long_url": "https://example.com/other", "alias": "my-link"}'));
    await holds(200, LINK, `${url}${URLS}/my-link`);
    await holds(200, LINK, `${url}${URLS}/${code}`, { method: 'HEAD' });
    await holds(301, '/{code}', `${url}/${code}`);
    await holds(301, '/{code}', `${url}/${code}?utm=1`, { method: 'HEAD' });
    await holds(308, '/{code}/', `${url}/${code}/`);
    await holds(403, LINK, `${url}${URLS}/${code}`, { method: 'DELETE' });
    const headers = { authorization: 'Bearer right' };
    await holds(201, URLS, guarded.url + URLS, json('{"long_url": "https://example.com/", "alias": "gone"}', headers));
    const edit = (body: string, more: Record<string, string> = {}): RequestInit => ({
      ...json(body, { ...headers, ...more }),
      method: 'PATCH',
    });
    const gone = `${guarded.url}${URLS}/gone`;
    await holds(200, LINK, gone, edit('{"redirect_status": 307, "expires_at": "2999-01-01T00:00:00Z"}'));
    await holds(200, LINK, gone, edit('{"expires_at": null}', { 'content-type': 'application/merge-patch+json' }));
    await holds(412, LINK, gone, edit('{"long_url": "https://example.com/late"}', { 'if-match': '"1"' }));
    await holds(412, LINK, gone, { method: 'DELETE', headers: { ...headers, 'if-match': '"1", "2"' } });
    await holds(422, LINK, gone, edit('{"alias": "other", "redirect_status": 200}'));
    await holds(400, LINK, gone, edit('{}', { 'if-match': 'nonsense' }));
    expect(JSON.parse(await holds(400, LINK, gone, edit('')))).toMatchObject({ code: 'malformed_json' });
    await holds(422, URLS, url + URLS, json(''));
    await holds(404, LINK, `${guarded.url}${URLS}/none`, edit('{}'));
    await holds(403, LINK, `${url}${URLS}/${code}`, edit('{}'));
    await holds(204, LINK, `${guarded.url}${URLS}/gone`, { method: 'DELETE', headers });
    const restore = `${LINK}:restore`;
    const restored = `${guarded.url}${URLS}/gone:restore`;
    const told = JSON.parse(await holds(410, LINK, `${guarded.url}${URLS}/gone`, { headers }));
    expect(told.restorable_until).toMatch(/^20.*Z$/);
    await holds(409, URLS, guarded.url + URLS, json('{"long_url": "https://example.com/", "alias": "gone"}', headers));
    await holds(412, restore, restored, { method: 'POST', headers: { ...headers, 'if-match': '"1"' } });
    await holds(200, restore, restored, { method: 'POST', headers });
    await holds(404, restore, `${guarded.url}${URLS}/never:restore`, { method: 'POST', headers });
    await holds(401, restore, restored, { method: 'POST' });
    await holds(405, restore, restored, { method: 'PUT', headers });
    await holds(422, LINK, `${guarded.url}${URLS}/gone?for=ever`, { method: 'DELETE', headers });
    await holds(204, LINK, `${guarded.url}${URLS}/gone?forever=true`, { method: 'DELETE', headers });
    await holds(410, restore, restored, { method: 'POST', headers });
    await holds(410, LINK, gone, edit('{}'));
    await holds(204, LINK, `${guarded.url}${URLS}/gone`, { method: 'DELETE', headers });
    await holds(410, LINK, `${guarded.url}${URLS}/gone`, { headers });
    await holds(410, '/{code}', `${guarded.url}/gone`);
  });

  test('holds for links with terms', async () => {
    const { url } = anyone;
    const asked = {
      ...{ long_url: 'https://example.com/', title: 'A', description: 'B', image: 'https://example.com/i.png' },
      ...{ tags: ['News', 'été'], note: 'n', external_id: 'x:1', not_before: '2020-01-01T00:00:00Z', max_clicks: 1 },
      ...{ expired_url: 'https://example.com/over', forward_query: 'append', password: 'word' },
      rules: [
        {
          device: 'ios',
          language: 'de',
          from: '2020-01-01T00:00:00Z',
          until: '2999-01-01T00:00:00Z',
          long_url: 'https://a.example/',
        },
        { query: { name: 'a', value: '' }, long_url: 'https://b.example/' },
      ],
    };
    const made = JSON.parse(await holds(201, URLS, url + URLS, json(JSON.stringify(asked))));
    expect(made).toMatchObject({ has_password: true, tags: ['News', 'été'], max_clicks: 1 });
    expect(made).not.toHaveProperty('password');
    await holds(200, LINK, `${url}${URLS}/${made.code}`);
    await holds(
      422,
      URLS,
      url + URLS,
      json('{"long_url": "https://example.com/", "titel": "A", "tags": [1], "max_clicks": 0}'),
    );
    await holds(200, '/{code}', `${url}/${made.code}`);
    await holds(403, '/{code}', `${url}/${made.code}`, form('password=wrong'));
    await holds(415, '/{code}', `${url}/${made.code}`, { method: 'POST' });
    await holds(303, '/{code}', `${url}/${made.code}?x=1`, form('password=word'));
    await holds(302, '/{code}', `${url}/${made.code}`, form('password=word'));
    const dry = `${LINK}:dryRun`;
    const at = `${url}${URLS}/${made.code}:dryRun`;
    const told = await holds(200, dry, at, json('{"query": "?a=&b=1", "accept_language": "de"}'));
    expect(JSON.parse(told)).toMatchObject({ rule: 1, location: 'https://b.example/?a=&b=1', asks_password: true });
    await holds(200, dry, at, json('{"at": "2019-01-01T00:00:00Z"}'));
    await holds(422, dry, at, json('{"at": "now", "query": "ü", "user_agent": 1, "languages": "de"}'));
    await holds(404, dry, `${url}${URLS}/none:dryRun`, json('{}'));
    await holds(405, dry, at, { method: 'PUT' });
    const headers = { authorization: 'Bearer right' };
    const own = JSON.parse(
      await holds(201, URLS, guarded.url + URLS, json('{"long_url": "https://example.com/"}', headers)),
    );
    expect(own.owner).toBe('docs');
  });

  test('holds for requests with keys', async () => {
    const headers = { authorization: 'Bearer right', 'idempotency-key': '"a"' };
    const [at, one] = [guarded.url + URLS, '{"long_url": "https://example.com/"}'];
    const first = await holds(201, URLS, at, json(one, headers));
    expect(await holds(201, URLS, at, json(one, headers))).toBe(first);
    await holds(422, URLS, at, json('{"long_url": "https://example.com/other"}', headers));
    await holds(400, URLS, at, json(one, { ...headers, 'idempotency-key': '"a", "b"' }));
    const link = `${at}/${JSON.parse(first).code}`;
    const edit = (body: string, more = {}): RequestInit => ({
      ...json(body, { ...headers, ...more }),
      method: 'PATCH',
    });
    const edited = await holds(200, LINK, link, edit('{"redirect_status": 307}', { 'if-match': '"1"' }));
    expect(await holds(200, LINK, link, edit('{"redirect_status": 307}', { 'if-match': '"1"' }))).toBe(edited);
    await holds(422, LINK, link, edit('{"redirect_status": 308}'));
    await holds(400, LINK, link, edit('{}', { 'idempotency-key': '' }));
    let goOn = () => {};
    guarded.store.gate = () =>
      new Promise((resolve) => {
        goOn = resolve;
      });
    const slow = { ...headers, 'idempotency-key': 'slow' };
    for (const [template, where, init] of [
      [URLS, at, json(one, slow)],
      [LINK, link, edit('{}', slow)],
    ] as const) {
      const arrived = guarded.store.calls.length;
      const underWay = fetch(where, init);
      while (guarded.store.calls.length === arrived) await new Promise(setImmediate);
      await holds(409, template, where, init);
      goOn();
      expect((await underWay).ok).toBe(true);
    }
    guarded.store.gate = undefined;
    await holds(204, LINK, link, { method: 'DELETE', headers });
    await holds(410, URLS, at, json(one, headers));
  });

  test('holds for previews, pictures and files', async () => {
    const { url } = anyone;
    await holds(201, URLS, url + URLS, json('{"long_url": "https://example.com/", "alias": "shown"}'));
    await holds(200, '/{code}+', `${url}/shown+`);
    await holds(404, '/{code}+', `${url}/none+`, { headers: { accept: 'text/html' } });
    await holds(405, '/{code}+', `${url}/shown+`, { method: 'POST' });
    const qr = `${LINK}/qr`;
    for (const [template, at] of [
      ['/{code}.qr', `${url}/shown.qr`],
      [qr, `${url}${URLS}/shown/qr`],
    ] as const) {
      await holds(200, template, `${at}?size=100&color=123`);
      await holds(200, template, `${at}?format=png`, { method: 'HEAD' });
      await holds(404, template, at.replace('shown', 'none'));
      await holds(422, template, `${at}?size=1&colour=red`);
    }
    await holds(401, qr, `${guarded.url}${URLS}/shown/qr`);
    await holds(200, '/robots.txt', `${url}/robots.txt`);
    for (const file of ['/favicon.ico', '/.well-known/assetlinks.json', '/.well-known/apple-app-site-association']) {
      await holds(404, file, url + file);
    }
    await holds(404, '/.well-known/security.txt', `${url}/.well-known/security.txt`, {
      headers: { accept: 'text/html' },
    });
  });

  test('holds for API keys', async () => {
    const { url } = guarded;
    const headers = { authorization: 'Bearer right' };
    const [all, one, renewed] = ['/api/v1/keys', '/api/v1/keys/{key}', '/api/v1/keys/{key}/rotate'];
    await holds(201, all, url + all, json('{"name": "ci", "scopes": ["links:read"], "reach": "own"}', headers));
    await holds(409, all, url + all, json('{"name": "ci"}', headers));
    await holds(422, all, url + all, json('{"name": "", "tag": 1}', headers));
    await holds(200, all, url + all, { headers });
    await holds(401, all, url + all);
    await holds(403, all, anyone.url + all);
    await holds(201, renewed, `${url}${all}/ci/rotate`, json('{"overlap_s": 0}', headers));
    await holds(404, renewed, `${url}${all}/none/rotate`, json('{}', headers));
    await holds(422, renewed, `${url}${all}/ci/rotate`, json('{"overlap_s": -1}', headers));
    await holds(204, one, `${url}${all}/ci`, { method: 'DELETE', headers });
    await holds(404, one, `${url}${all}/ci`, { method: 'DELETE', headers });
  });

  test('holds for the description itself', async () => {
    const { url } = anyone;
    for (const path of ['/api/v1/openapi.json', '/api/v1/docs']) {
      await holds(200, path, url + path);
      const { headers } = await fetch(url + path, { method: 'HEAD' });
      await holds(304, path, url + path, { headers: { 'if-none-match': headers.get('etag') as string } });
      await holds(405, path, url + path, { method: 'POST' });
    }
  });

  test('holds for what is refused', async () => {
    const { url } = anyone;
    await holds(400, URLS, url + URLS, json('{"long_url": '));
    await holds(400, '/{code}', `${url}/%zz`);
    await holds(401, URLS, guarded.url + URLS, json('{}', { authorization: 'Bearer wrong' }));
    await holds(401, '/-/shorten', `${guarded.url}/-/shorten`, form('long_url=https://example.com&token=wrong'));
    await holds(403, '/-/shorten', `${url}/-/shorten`, form('long_url=x', { 'sec-fetch-site': 'cross-site' }));
    await holds(404, LINK, `${url}${URLS}/none`);
    await holds(404, LINK, `${url}${URLS}/none`, { headers: { authorization: 'Bearer whatever' } });
    await holds(404, '/{code}', `${url}/none`);
    await holds(404, '/{code}', `${url}/none`, { headers: { accept: 'text/html' } });
    await holds(404, '/{code}/', `${url}/none/`);
    await holds(404, '/{code}', `${url}/a/b`);
    await holds(405, URLS, url + URLS, { method: 'PUT' });
    await holds(405, '/{code}', `${url}/none`, { method: 'PATCH' });
    await holds(404, '/{code}', `${url}/none`, form('password=x'));
    await holds(404, '/{code}', `${url}/none`, { method: 'POST' });
    await holds(405, '/', `${url}/`, { method: 'DELETE' });
    await holds(413, URLS, url + URLS, json(`{"long_url": "${'x'.repeat(17_000)}"}`));
    await holds(414, '/{code}', `${url}/${'x'.repeat(9000)}`);
    await holds(415, URLS, url + URLS, form('long_url=https://example.com'));
    await holds(422, URLS, url + URLS, json('{"long_url": "ftp://example.com", "alias": "x", "tag": 1}'));
    await holds(422, URLS, url + URLS, json('[]'));
    await holds(422, '/-/shorten', `${url}/-/shorten`, form('long_url=nonsense'));
  });

  test('holds for batches', async () => {
    const { url } = guarded;
    const [batch, batchDelete] = ['/api/v1/urls:batch', '/api/v1/urls:batchDelete'];
    const headers = { authorization: 'Bearer right' };
    const links = [
      { long_url: 'https://example.com/', alias: 'in-a-batch', expires_at: '2999-01-01T00:00:00Z' },
      { long_url: 'https://example.com/other', alias: 'in-a-batch' },
      { long_url: 'nonsense' },
    ];
    const keyed = { ...headers, 'idempotency-key': '"docs batch"' };
    const made = await holds(200, batch, url + batch, json(JSON.stringify({ links }), keyed));
    expect(await holds(200, batch, url + batch, json(JSON.stringify({ links }), keyed))).toContain('"succeeded":1');
    expect(made).toContain('"succeeded":1');
    await holds(422, batch, url + batch, json(JSON.stringify({ links: [{}] }), keyed));
    await holds(422, batch, url + batch, json('{"links": []}', headers));
    await holds(401, batch, url + batch, json('{"links": []}'));
    await holds(403, batchDelete, anyone.url + batchDelete, json('{"links": [{"code": "a"}]}'));
    const codes = [{ code: 'in-a-batch', if_match: '"1"' }, { code: 'none' }, {}];
    const gone = await holds(200, batchDelete, url + batchDelete, json(JSON.stringify({ links: codes }), headers));
    expect(gone).toContain('"succeeded":1');
    await holds(413, batch, url + batch, json(`"${'x'.repeat(4 * 1024 * 1024)}"`, headers));
    await holds(415, batch, url + batch, form('', headers));
    await holds(400, batch, url + batch, json('{', headers));
    await holds(405, batch, url + batch, { headers });
    const lines = { ...headers, 'content-type': 'application/x-ndjson' };
    const line = JSON.stringify({ ...links[0], alias: 'in-a-line' });
    const told = await holds(200, batch, url + batch, { method: 'POST', headers: lines, body: `${line}\n{\n` });
    const { BatchResult, BatchEnd } = (await SwaggerParser.dereference(file)).components.schemas;
    const [first, second, end] = told.split('\n', 3).map((text) => JSON.parse(text));
    expect([mismatch(BatchResult, first), mismatch(BatchResult, second), mismatch(BatchEnd, end)]).toEqual([
      '',
      '',
      '',
    ]);
    await holds(400, batch, url + batch, { method: 'POST', headers: { ...lines, 'idempotency-key': 'x' }, body: '' });
  });

  test('holds for a store that cannot answer', async () => {
    const { url, store } = anyone;
    store.gate = () => {
      throw new StoreUnavailableError('a word of the store');
    };
    try {
      for (const [template, path, init] of [
        [URLS, URLS, json('{"long_url": "https://example.com/"}')],
        [LINK, `${URLS}/none`, {}],
        ['/{code}', '/none', {}],
        ['/-/shorten', '/-/shorten', form('long_url=https://example.com/')],
      ] as const) {
        expect(await holds(503, template, url + path, init)).not.toContain('a word of the store');
      }
    } finally {
      store.gate = undefined;
    }
  });

  test('holds for the page and the admin listener', async () => {
    const { url, adminUrl } = anyone;
    await holds(200, '/', `${url}/`);
    await holds(
      303,
      '/-/shorten',
      `${url}/-/shorten`,
      form('long_url=example.com&alias=by-the-form&expires_at=2999-01-01T00:00'),
    );
    await holds(200, '/-/made/{code}', `${url}/-/made/by-the-form`);
    await holds(404, '/-/made/{code}', `${url}/-/made/none`);
    await holds(413, '/-/shorten', `${url}/-/shorten`, form(`long_url=${'x'.repeat(17_000)}`));
    await holds(200, '/-/page.css', `${url}/-/page.css`);
    await holds(200, '/-/page.js', `${url}/-/page.js`);
    await holds(200, '/healthz/live', `${adminUrl}/healthz/live`);
    await holds(200, '/healthz/ready', `${adminUrl}/healthz/ready`);
    await holds(200, '/metrics', `${adminUrl}/metrics`);
  });

  test('holds for who may not, and for what is gone', async () => {
    const { url } = guarded;
    const headers = { authorization: 'Bearer right' };
    const [batchDelete, dry, qr] = ['/api/v1/urls:batchDelete', `${LINK}:dryRun`, `${LINK}/qr`];
    const [keys, key, renewed] = ['/api/v1/keys', '/api/v1/keys/{key}', '/api/v1/keys/{key}/rotate'];
    const patch: RequestInit = { ...json('{}'), method: 'PATCH' };
    const remove: RequestInit = { method: 'DELETE' };
    await holds(401, batchDelete, url + batchDelete, json('{"links": [{"code": "a"}]}'));
    await holds(422, batchDelete, url + batchDelete, json('{"links": []}', headers));
    await holds(401, dry, `${url}${URLS}/none:dryRun`, json('{}'));
    await holds(401, LINK, `${url}${URLS}/none`);
    await holds(401, LINK, `${url}${URLS}/none`, patch);
    await holds(401, LINK, `${url}${URLS}/none`, remove);
    await holds(404, LINK, `${url}${URLS}/none`, { ...remove, headers });
    await holds(401, keys, url + keys, json('{}'));
    await holds(401, renewed, `${url}${keys}/ci/rotate`, json('{}'));
    await holds(401, key, `${url}${keys}/ci`, remove);
    await holds(403, keys, anyone.url + keys, json('{"name": "x"}'));
    await holds(403, renewed, `${anyone.url}${keys}/ci/rotate`, json('{}'));
    await holds(403, key, `${anyone.url}${keys}/ci`, remove);
    await holds(201, URLS, url + URLS, json('{"long_url": "https://example.com/", "alias": "ended"}', headers));
    await holds(204, LINK, `${url}${URLS}/ended`, { ...remove, headers });
    await holds(410, dry, `${url}${URLS}/ended:dryRun`, json('{}', headers));
    await holds(410, qr, `${url}${URLS}/ended/qr`, { headers });
    await holds(410, '/{code}', `${url}/ended`, form('password=x'));
    await holds(410, '/{code}+', `${url}/ended+`);
    await holds(410, '/{code}.qr', `${url}/ended.qr`);
    await holds(410, '/-/made/{code}', `${url}/-/made/ended`);
  });

  test('holds for each status of a redirect, and for an alias that the form finds taken', async () => {
    const { url } = anyone;
    for (const status of [302, 307, 308]) {
      const asked = { long_url: 'https://example.com/', alias: `by-${status}`, redirect_status: status };
      await holds(201, URLS, url + URLS, json(JSON.stringify(asked)));
      await holds(status, '/{code}', `${url}/by-${status}`);
    }
    await holds(409, '/-/shorten', `${url}/-/shorten`, form('long_url=https://example.com/other&alias=by-302'));
  });

  test('holds for every operation on a link while the store cannot answer', async () => {
    const { url, store } = guarded;
    const headers = { authorization: 'Bearer right' };
    store.gate = () => {
      throw new StoreUnavailableError('a word of the store');
    };
    try {
      for (const [template, path, init] of [
        [`${LINK}:dryRun`, `${URLS}/none:dryRun`, json('{}', headers)],
        [`${LINK}/qr`, `${URLS}/none/qr`, { headers }],
        [LINK, `${URLS}/none`, { ...json('{"expires_at": null}', headers), method: 'PATCH' }],
        [LINK, `${URLS}/none`, { headers, method: 'DELETE' }],
        ['/{code}', '/never', form('password=x')],
        ['/{code}/', '/never/', {}],
        ['/{code}+', '/never+', {}],
        ['/{code}.qr', '/never.qr', {}],
        ['/-/made/{code}', '/-/made/never', {}],
      ] as const) {
        expect(await holds(503, template, url + path, init)).not.toContain('a word of the store');
      }
    } finally {
      store.gate = undefined;
    }
  });

  test('every operation was asked, and every status that it has was seen, but for those that are refused before any route and these', () => {
    // As they are shown by the tests of packages/http, for every path alike.
    const before = new Set(['400', '405', '408', '413', '414', '415', '417', '421', '429', '431', '500']);
    const described = Object.values(paths).flatMap((item) =>
      Object.values(item).flatMap(({ operationId, responses }) =>
        responses === undefined ? [] : Object.keys(responses).map((status) => [operationId, status] as const),
      ),
    );
    const unseen = described
      .filter(([name, status]) => !before.has(status) && !exercised.has(`${name} ${status}`))
      .map((pair) => pair.join(' '));
    expect(unseen).toEqual(UNSEEN);
  });
});
