/**
 * Read-your-writes for a browser that has just created or changed a link: a cookie that says until when its redirects go
 * straight to the primary. A convenience only; nothing's correctness rests on it. It is signed with a key that servers share, so that
 * nobody gets past the caches who has not just written.
 *
 *     ryow_until=<Unix ms>.<HMAC-SHA256 of these digits, the first 128 bits in base64url>
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const RYOW_WINDOW_MS = 30_000;
/** By which the clock of the server that gave a cookie may be ahead of one that reads it. */
export const RYOW_SKEW_MS = 5_000;

const NAME = 'ryow_until';
const PAIR = /^(?:__Host-)?ryow_until=(\d{13,14})\.([\w-]{22})$/;
const MAC_BYTES = 16;
/** A browser sends one of its own, and what neighbours in its domain have set beside it; each one costs a hash. */
const CANDIDATES_MAX = 4;

function macOf(key: Uint8Array, digits: string): string {
  return createHmac('sha256', key).update(digits).digest().subarray(0, MAC_BYTES).toString('base64url');
}

/** `Set-Cookie` value for a write at `nowMs`. */
export type RyowCookie = (nowMs: number) => string;

/**
 * Over https browsers take a name that begins with `__Host-` from this very host alone, not from a neighbour in its domain. Writes of one
 * second share one value, so that it costs none of them a hash.
 */
export function createRyowCookie(key: Uint8Array, secure: boolean): RyowCookie {
  const name = `${secure ? '__Host-' : ''}${NAME}`;
  const attributes = `Path=/; Max-Age=${RYOW_WINDOW_MS / 1000}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  let lastUntilMs = 0;
  let last = '';
  return (nowMs) => {
    const untilMs = Math.floor((nowMs + RYOW_WINDOW_MS) / 1000) * 1000;
    if (untilMs !== lastUntilMs) {
      last = `${name}=${untilMs}.${macOf(key, String(untilMs))}; ${attributes}`;
      lastUntilMs = untilMs;
    }
    return last;
  };
}

/** Whether the text of all `Cookie` headers, joined by `;`, carries a window that is open at `nowMs`. */
export type HasJustWritten = (cookies: string, nowMs: number) => boolean;

/**
 * One that claims more than any that is given is refused, signed or not: a clock that was wrong once gives nobody a way past the caches
 * for good.
 *
 * @param keyOf undefined while the key is not known: then no cookie counts
 */
export function createRyowReader(keyOf: () => Uint8Array | undefined): HasJustWritten {
  return (cookies, nowMs) => {
    if (!cookies.includes(NAME)) return false;
    const key = keyOf();
    if (key === undefined) return false;
    let candidates = 0;
    for (const pair of cookies.split(';')) {
      const [, digits, mac] = PAIR.exec(pair.trim()) ?? [];
      if (digits === undefined || mac === undefined) continue;
      const untilMs = Number(digits);
      if (untilMs <= nowMs || untilMs > nowMs + RYOW_WINDOW_MS + RYOW_SKEW_MS) continue;
      candidates += 1;
      if (candidates > CANDIDATES_MAX) return false;
      if (timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(key, digits)))) return true;
    }
    return false;
  };
}
