import { createApp, createHttpMetrics, createHttpServer, createRateLimits, type HttpServer, listen } from '@lakh/http';
import { OwnHosts, tokenHolder } from '@lakh/links';
import { countedShortener, MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createPage } from '../src/index.js';

let http: HttpServer;
let url: string;

beforeEach(async () => {
  const registry = new Registry();
  const store = new MemoryLinkStore();
  const metrics = createHttpMetrics(registry, ['page']);
  const clock = { nowMs: () => Date.now() };
  const onError = () => {};
  const page = createPage({
    domainId: 0,
    store,
    shortener: countedShortener({
      store,
      clock,
      policy: { ownHosts: new OwnHosts([]) },
    }),
    clock,
    ryowCookie: () => 'x=y',
    publicUrl: 'http://lakh.example',
    identify: (authorization) => (authorization === 'Bearer right' ? tokenHolder('ci') : undefined),
    needsToken: true,
    limits: createRateLimits({
      changesPerMin: 1,
      missesPerMin: 2,
      wrongTokensPerMin: 2,
      clientOf: () => '192.0.2.1',
      registry,
    }),
    onError,
  });
  http = createHttpServer({ own: {}, ...createApp({ faces: [page], metrics, onError }) });
  ({ url } = await listen(http, { host: '127.0.0.1', port: 0 }));
});
afterEach(() => http.drain(0));

async function submit(token: string) {
  const body = new URLSearchParams({ long_url: 'https://example.com/typed', token });
  const response = await fetch(`${url}/-/shorten`, { method: 'POST', body, redirect: 'manual' });
  return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
}

test('the form comes back with what was typed when too many links were made, and says when to try again', async () => {
  for (let i = 0; i < 10; i += 1) expect((await submit('right')).status).toBe(303);
  const { status, retryAfter, text } = await submit('right');
  expect([status, Number(retryAfter) > 50]).toEqual([429, true]);
  expect(text).toContain('https://example.com/typed');
  expect(text).toMatch(/Too many links were made or changed with this token; try again in \d+ seconds\./);
});

test('wrong tokens in the form are guesses too; none is not', async () => {
  for (let i = 0; i < 5; i += 1) expect((await submit('')).status).toBe(401);
  expect((await submit('wrong')).text).toContain('This is not a valid API key or token.');
  expect([(await submit('wrong')).status, (await submit('wrong')).status, (await submit('right')).status]).toEqual([
    401, 429, 429,
  ]);
});

test('the page of a link that was made is a look-up', async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 3; i += 1) statuses.push((await fetch(`${url}/-/made/unknown`)).status);
  expect(statuses).toEqual([404, 404, 429]);
});
