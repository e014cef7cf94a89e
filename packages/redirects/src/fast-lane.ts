import type { FastLane, HasJustWritten, HttpMetrics } from '@lakh/http';
import type { L1Cache, RedirectClock } from './l1-cache.js';
import { sendRedirect } from './redirect-response.js';

export interface FastLaneOptions {
  readonly l1: L1Cache;
  readonly clock: RedirectClock;
  readonly hasJustWritten: HasJustWritten;
  readonly metrics: HttpMetrics<'redirect'>;
}

/**
 * Answers a redirect that L1 holds, in the same tick, and leaves everything else alone: false means that the response was not
 * touched. This is the hot path; ADR 0003 says what it may do. A request without a cookie never has its header object built.
 */
export function createFastLane({ l1, clock, hasJustWritten, metrics }: FastLaneOptions): FastLane {
  /** Where the answers of each status are counted, by the status itself. */
  const slots = new Uint32Array(400);
  for (const status of [301, 302, 307, 308]) slots[status] = metrics.slot('redirect', status);

  return (request, response) => {
    const startedMs = clock.monotonicMs();
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    const cookies = cookiesOf(request.rawHeaders);
    if (cookies !== undefined && hasJustWritten(cookies, clock.nowMs())) return false;
    const answer = l1.get(request.url as string, startedMs);
    if (answer === undefined) return false;
    l1.count('hit');
    sendRedirect(response, answer);
    metrics.record(slots[answer.status] as number, (clock.monotonicMs() - startedMs) / 1000);
    return true;
  };
}

/** `rawHeaders` alternates names and values. Several headers are joined as node:http joins them. */
function cookiesOf(rawHeaders: readonly string[]): string | undefined {
  let cookies: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length !== 6 || name.toLowerCase() !== 'cookie') continue;
    cookies = cookies === undefined ? rawHeaders[i + 1] : `${cookies}; ${rawHeaders[i + 1]}`;
  }
  return cookies;
}
