import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApi } from '@lakh/api';
import { createApp, createHttpMetrics, createRateLimits, createRyowCookie, createRyowReader } from '@lakh/http';
import {
  anonymous,
  createEditor,
  createInsertIds,
  createRemover,
  createShortener,
  type Invalidation,
  OwnHosts,
} from '@lakh/links';
import { createPage } from '@lakh/page';
import { createRedirects } from '@lakh/redirects';
import { MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { around, GROWTH_MAX, growthOf, type Texts, times } from './support/growth.js';

// Whole requests, through all that reads them: routing, types of bodies, bodies, fields, and the answer that repeats them.
jest.setTimeout(60_000);

const RYOW_KEY = new Uint8Array(32);
let server: Server;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  const store = new MemoryLinkStore();
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const registry = new Registry();
  const metrics = createHttpMetrics(registry, ['redirect', 'api', 'page']);
  const publicUrl = 'https://lakh.example';
  const ownHosts = new OwnHosts([publicUrl]);
  let counter = 100_000;
  const nextOrWait = async () => ({ counter, code: `c${counter++}` });
  const codes = { nextOrWait, upcoming: () => [], reportDuplicate: () => {}, reportBurnt: () => {} };
  const onError = () => {};
  const anyone = anonymous(['create', 'delete']);
  const settings = { redirectStatus: 301, redirectMaxAgeS: 90, l1TtlMs: 5000, l1MaxBytes: 1_000_000 } as const;
  const hasJustWritten = createRyowReader(() => RYOW_KEY);
  const limits = createRateLimits({
    changesPerMin: 1e9,
    missesPerMin: 1e9,
    wrongTokensPerMin: 1e9,
    clientOf: () => '',
    registry,
  });
  const redirects = createRedirects({
    domainId: 0,
    store,
    ownHosts,
    settings,
    clock,
    hasJustWritten,
    registry,
    metrics,
    limits,
  });
  const policy = { maxLength: 1_000_000, ownHosts };
  const changes = { store, invalidate: (invalidation: Invalidation) => redirects.l1.changed(invalidation) };
  const options = {
    domainId: 0,
    store,
    shortener: createShortener({
      store,
      codes,
      clock,
      newInsertId: createInsertIds(new Uint8Array(8)),
      policy,
    }),
    editor: createEditor({ ...changes, clock, policy }),
    remover: createRemover(changes),
    clock,
    ryowCookie: createRyowCookie(RYOW_KEY, true),
    publicUrl,
    urlMaxLength: 1_000_000,
    identify: () => anyone,
    needsToken: false,
    limits,
    metrics,
    onError,
  };
  const app = createApp({ faces: [redirects, createApi(options), createPage(options)], metrics, onError });
  server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => void app.handler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  agent.destroy();
  server.close();
});

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The status, once all of the answer has come. */
function ask({ method = 'GET', path = '/Q0u', headers = {}, body }: Sent): Promise<number> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ port, host: '127.0.0.1', agent, method, path, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode as number));
      response.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

const create = (body: string, type = 'application/json'): Sent => ({
  method: 'POST',
  path: '/api/v1/urls',
  headers: { 'content-type': type },
  body,
});
const submit = (body: string, type = 'application/x-www-form-urlencoded'): Sent => ({
  method: 'POST',
  path: '/-/shorten',
  headers: { 'content-type': type, accept: 'text/html' },
  body,
});
const header = (name: string) => (value: string) => ({ headers: { [name]: value } });

const paths: Texts = {
  letters: around('/', 'a', ''),
  slashes: around('/', '/', 'a'),
  dots: around('/', '.', 'a'),
  'dots after': around('/Q0u', '.', ''),
  'marks after': around('/Q0u', '%2e', ''),
  'encoded characters': around('/', '%c3%a9', ''),
  'characters encoded badly': around('/', '%c3', ''),
  'of the API': around('/api/v1/urls/', 'a-', '-'),
  'under the API': around('/api/v1/urls', '/a', ''),
  query: around('/Q0u?', '&a=', ''),
};
const values: Texts = {
  letters: times('a'),
  blanks: around('x', ' ', 'x'),
  slashes: times('text/'),
  semicolons: around('application/json', '; ', 'x'),
  'type and semicolons': around('application/json;', ' ', 'x'),
  parameters: around('application/json', '; a=b', ''),
  charsets: around('application/json', '; charset =', ''),
  quotes: around('application/json; a="', '\\"', ''),
  commas: times('text/html,'),
  equals: times('a='),
};
const jsonBodies: Texts = {
  fields: (length) => `{${Array.from({ length: length / 12 }, (_, i) => `"f${100_000 + i}":1`).join()}}`,
  'one field again': around('{', '"alias":1,', '"alias":1}'),
  arrays: times('['),
  blanks: around('{', ' ', '}'),
  escapes: around('{"long_url":"', '\\ud800', '"}'),
  'a long name': around('{"', 'a', '":1}'),
  'blanks in a URL': around('{"long_url":"x', ' ', 'x"}'),
  'dots in a host': around('{"long_url":"https://a', '.', 'b/"}'),
  'a path': around('{"long_url":"https://b/', '<', '"}'),
};
const formBodies: Texts = {
  ampersands: times('&'),
  fields: times('a=b&'),
  equals: times('='),
  percents: around('long_url=', '%', ''),
  bytes: around('long_url=', '%ff', ''),
  blanks: around('long_url=x', '+', 'x'),
  'blanks around': around('long_url=', '+', ''),
  quotes: around('long_url=', '%22%3c', ''),
  'a path': around('long_url=https://b/', '%3c', ''),
  'an alias': around('alias=a', '-', ''),
  'an expiry': around('expires_at=2030-01-01T00:00:00.', '1', ''),
  'a token': around('token=', 'a', '%20'),
};

describe.each<[string, (text: string) => Sent, Texts, number]>([
  ['a path', (path) => ({ path }), paths, 2_000],
  ['Accept', header('accept'), values, 4_000],
  ['Cookie', header('cookie'), values, 4_000],
  ['Authorization', header('authorization'), { ...values, tokens: around('Bearer ', 'a', '==x') }, 4_000],
  ['the type of JSON', (type) => create('{}', type), values, 4_000],
  [
    'the type of a form',
    (type) => submit('a=b', type.replace('application/json', 'multipart/form-data')),
    values,
    4_000,
  ],
  ['JSON', create, jsonBodies, 4_000],
  ['JSON with a parameter', (body) => create(body, 'application/json; a=b'), jsonBodies, 4_000],
  ['a form', submit, formBodies, 4_000],
])('a request takes its length, and no more: %s of', (_name, of, texts, length) => {
  test.each(Object.entries(texts))('%s', async (_kind, textOf) => {
    const [short, long] = [of(textOf(length)), of(textOf(4 * length))];
    expect(
      await growthOf(
        () => ask(short),
        () => ask(long),
      ),
    ).toBeLessThan(GROWTH_MAX);
  });
});
