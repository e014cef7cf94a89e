import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHttpMetrics, type RouteRequest, type RouteResponse } from '@lakh/http';
import { LinkGoneError, OwnHosts, type StoredLink } from '@lakh/links';
import { MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createRedirects } from '../src/index.js';

const HOUR_MS = 3_600_000;
const T0_MS = 1_790_000_000_000;

/** Redirects of links that a test puts there, under two clocks that it moves. */
async function setUp() {
  const store = new MemoryLinkStore();
  const registry = new Registry();
  const clock = { ageMs: 0, wallMs: T0_MS, monotonicMs: () => clock.ageMs, nowMs: () => clock.wallMs };
  const redirects = createRedirects({
    domainId: 0,
    store,
    ownHosts: new OwnHosts([]),
    settings: { redirectStatus: 302, redirectMaxAgeS: 90, l1TtlMs: 5_000, l1MaxBytes: 1_000_000 },
    clock,
    registry,
    metrics: createHttpMetrics(registry, ['redirect']),
  });

  async function add(code: string, expiresAtMs: number | null): Promise<void> {
    await store.insert({
      domainId: 0,
      code,
      kind: 'alias',
      counter: 0,
      longUrl: 'https://example.com/',
      createdAtMs: 0,
      expiresAtMs,
      redirectStatus: null,
      insertId: code.padStart(32, '0'),
    });
  }

  /** What a click gets, by the lane or, where that leaves it, by the rest: a status, or why it is gone. */
  async function click(code: string): Promise<unknown> {
    const writeHead = jest.fn();
    const response = { writeHead, end() {} };
    const request = { url: `/${code}`, method: 'GET', rawHeaders: [], params: { code }, headers: {} };
    try {
      const isDone = redirects.lanes?.fast?.(
        request as unknown as IncomingMessage,
        response as unknown as ServerResponse,
      );
      if (!isDone) {
        await redirects.handlers.followLink(
          request as unknown as RouteRequest,
          response as unknown as RouteResponse,
          async () => undefined,
        );
      }
    } catch (error) {
      if (error instanceof LinkGoneError) return error.message;
      throw error;
    }
    return writeHead.mock.calls[0][0];
  }
  const reads = () => store.calls.filter(({ call }) => call === 'find').length;
  return { add, click, clock, reads, redirects, store };
}

test('a link that has expired is read once in the life of an entry, however often it is clicked; one that was deleted too', async () => {
  const { add, click, reads, clock, redirects, store } = await setUp();
  await add('old', T0_MS - 1);
  await add('deleted', null);
  await store.remove(0, 'deleted');
  for (let clicks = 0; clicks < 11; clicks += 1) {
    expect(await click('old')).toBe('This link has expired.');
    expect(await click('deleted')).toBe('This link was deleted.');
  }
  expect(reads()).toBe(2);
  expect([redirects.l1.hits, redirects.l1.misses]).toEqual([20, 2]);
  clock.ageMs += 5_000;
  await click('old');
  expect(reads()).toBe(3);
});

test('a link whose expiry is changed is followed again as soon as this server hears of it, and within an entry’s life if not', async () => {
  const { add, click, redirects, store, clock } = await setUp();
  await add('late', T0_MS - 1);
  const found = (await store.find(0, 'late')) as StoredLink & { state: 'live' };
  for (const tell of [
    () => redirects.l1.invalidate({ domainId: 0, code: 'late', version: 9 }),
    () => (clock.ageMs += 5_000),
  ]) {
    store.overwrite({ ...found, expiresAtMs: T0_MS - 1 });
    redirects.l1.invalidate({ domainId: 0, code: 'late', version: 9 });
    expect(await click('late')).toBe('This link has expired.');
    store.overwrite({ ...found, expiresAtMs: T0_MS + HOUR_MS });
    expect(await click('late')).toBe('This link has expired.');
    tell();
    expect(await click('late')).toBe(302);
  }
});

test('a clock that is set back an hour does not lengthen the life of a deleted link', async () => {
  const { add, click, clock, store } = await setUp();
  await add('abc', null);
  expect(await click('abc')).toBe(302);
  await store.remove(0, 'abc');
  clock.wallMs -= HOUR_MS;
  clock.ageMs = 4_900;
  expect(await click('abc')).toBe(302);
  clock.ageMs = 5_000;
  expect(await click('abc')).toBe('This link was deleted.');
});

test('a clock that is set ahead does not empty the cache', async () => {
  const { add, click, clock, reads } = await setUp();
  await add('abc', null);
  await click('abc');
  clock.wallMs += HOUR_MS;
  expect(await click('abc')).toBe(302);
  expect(reads()).toBe(1);
});

test('a link expires on the wall clock, on hits too', async () => {
  const { add, click, clock, reads } = await setUp();
  await add('abc', T0_MS + HOUR_MS);
  expect(await click('abc')).toBe(302);
  clock.wallMs += HOUR_MS + 100;
  expect(await click('abc')).toBe('This link has expired.');
  expect(reads()).toBe(1);
});
