import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApi } from '@lakh/api';
import { createApp, createHttpMetrics, createRateLimits, createRyowCookie, createRyowReader } from '@lakh/http';
import { anonymous, createEditor, createRemover, createRestorer, type Invalidation, OwnHosts } from '@lakh/links';
import { createPage } from '@lakh/page';
import { createRedirects } from '@lakh/redirects';
import { countedShortener, MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { GROWING_REQUESTS, type Sent } from './support/growing-requests.js';
import { GROWTH_MAX, growthOf } from './support/growth.js';

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
    shortener: countedShortener({
      store,
      clock,
      policy,
    }),
    editor: createEditor({ ...changes, clock, policy }),
    remover: createRemover(changes),
    restorer: createRestorer({ ...changes, clock, restoreMs: 0 }),
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

describe.each([...GROWING_REQUESTS])('a request takes its length, and no more: %s of', (_name, of, texts, length) => {
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
