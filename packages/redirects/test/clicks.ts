import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHttpMetrics, createRyowReader, type RouteRequest, type RouteResponse } from '@lakh/http';
import { LinkGoneError, LinkNotFoundError, OwnHosts } from '@lakh/links';
import { MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createRedirects } from '../src/index.js';

export const T0_MS = 1_790_000_000_000;
export const RYOW_KEY = new Uint8Array(32).fill(7);

/** Redirects of links that a test puts there, under two clocks that it moves. */
export async function setUp() {
  const store = new MemoryLinkStore();
  const registry = new Registry();
  const clock = { ageMs: 0, wallMs: T0_MS, monotonicMs: () => clock.ageMs, nowMs: () => clock.wallMs };
  const redirects = createRedirects({
    domainId: 0,
    store,
    ownHosts: new OwnHosts([]),
    settings: { redirectStatus: 302, redirectMaxAgeS: 90, l1TtlMs: 5_000, l1MaxBytes: 1_000_000 },
    clock,
    hasJustWritten: createRyowReader(() => RYOW_KEY),
    registry,
    metrics: createHttpMetrics(registry, ['redirect']),
    onError: () => {},
    limits: { lookUp: () => () => {}, tokenShown: () => {}, shareOver: () => {} },
  });

  async function add(code: string, expiresAtMs: number | null, longUrl = 'https://example.com/'): Promise<void> {
    await store.insert({
      domainId: 0,
      code,
      kind: 'alias',
      counter: 0,
      longUrl,
      createdAtMs: 0,
      expiresAtMs,
      redirectStatus: null,
      terms: null,
      owner: '',
      details: null,
      insertId: code.padStart(32, '0'),
    });
  }

  /** What a click gets, by the lane or, where that leaves it, by the rest: a status, or why it is gone. */
  async function click(code: string, cookies: readonly string[] = []): Promise<unknown> {
    const writeHead = jest.fn();
    const response = { writeHead, end() {} };
    const rawHeaders = ['Host', 'lakh.example', ...cookies.flatMap((cookie) => ['Cookie', cookie])];
    const headers = cookies.length === 0 ? {} : { cookie: cookies.join('; ') };
    const request = { url: `/${code}`, method: 'GET', rawHeaders, params: { code }, headers, socket: {} };
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
      if (error instanceof LinkGoneError || error instanceof LinkNotFoundError) return error.message;
      throw error;
    }
    return writeHead.mock.calls[0][0];
  }
  const reads = () => store.calls.filter(({ call }) => call === 'find').length;
  return { add, click, clock, reads, redirects, store };
}
