import { type Answer, CLIENT_GONE, errorAnswer, type PlainRequest, type RequestHead, type WireLane } from '@lakh/http';
import { isPossibleCode, isReservedWord } from '@lakh/links';
import type { FastLaneOptions } from './fast-lane.js';
import type { Follow } from './follow-link.js';
import { isSendable, type RedirectAnswer, redirectHeaders } from './redirect-response.js';
import { redirectRoutes } from './redirect-routes.js';

export interface WireLaneOptions extends FastLaneOptions {
  readonly follow: Follow;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: RequestHead) => void;
}

const { label, errors } = redirectRoutes.followLink;

/**
 * What the fast lane and the miss lane do, for requests that node:http has not seen: the same look-ups in the same order, and the same answers. ADR 0003
 * and ADR 0027 say what it may do.
 */
export function createRedirectWireLane(options: WireLaneOptions): WireLane {
  const { l1, clock, hasJustWritten, metrics, follow, onError } = options;
  const slots = new Uint32Array(400);
  for (const status of [301, 302, 307, 308]) slots[status] = metrics.slot(label, status);
  const linesOf = createLines();

  async function found(request: PlainRequest, code: string): Promise<Answer> {
    const redirect = await follow(request, code);
    if (!('location' in redirect)) return redirect;
    if (!isSendable(redirect.location)) throw new TypeError('a link leads to what no header may hold');
    return { status: redirect.status, headers: redirectHeaders(redirect), body: '' };
  }

  async function answer(request: PlainRequest, code: string): Promise<Answer> {
    const startedMs = performance.now();
    const answered = await found(request, code).catch((error: unknown) => errorAnswer(errors, request, error, onError));
    const status = request.socket.destroyed ? CLIENT_GONE : answered.status;
    metrics.observe(label, status, (performance.now() - startedMs) / 1000);
    return answered;
  }

  return {
    hit(request, reply) {
      const startedMs = clock.monotonicMs();
      const { cookie } = request;
      if (cookie !== undefined && hasJustWritten(cookie, clock.nowMs())) return false;
      const held = l1.get(request.path, startedMs);
      if (held === undefined) return false;
      l1.count('hit');
      reply.send(held.status, linesOf(held));
      metrics.record(slots[held.status] as number, (clock.monotonicMs() - startedMs) / 1000);
      return true;
    },
    later(request) {
      const code = request.path.slice(1);
      return isPossibleCode(code) && !isReservedWord(code) ? answer(request, code) : undefined;
    },
  };
}

/** The lines of {@link redirectHeaders}. Those behind the address are the same for nearly all links, and put together when they change. */
function createLines(): (answer: RedirectAnswer) => string {
  let lastCacheControl: string | undefined;
  let rest = '';
  return (answer) => {
    if (answer.cacheControl !== lastCacheControl) {
      lastCacheControl = answer.cacheControl;
      const [, , ...others] = redirectHeaders(answer);
      rest = '\r\n';
      for (let i = 0; i < others.length; i += 2) rest += `${others[i]}: ${others[i + 1]}\r\n`;
    }
    return `Location: ${answer.location}${rest}`;
  };
}
