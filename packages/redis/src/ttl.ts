import type { StoredLink } from '@lakh/links';

const JITTER_PART = 0.1;
/** Longer than replicas lag and requests last together. */
const SUPERSEDES_FOR_MS = 60_000;

/**
 * How long a value is kept: `ttlMs` ±10 %, so that values cached together do not expire together, and not past the link's
 * expiry. An edited link is kept a minute even so: were it gone at once, a slow reader could put the older version, without that
 * expiry, in its place. (Expiry itself is judged at redirect time, from the value.)
 *
 * @param random uniform in [0, 1)
 * @returns milliseconds, or undefined when there is nothing to keep
 */
export function ttlMsOf(link: StoredLink, ttlMs: number, nowMs: number, random: number): number | undefined {
  const jitteredMs = Math.max(1, Math.round(ttlMs * (1 - JITTER_PART + 2 * JITTER_PART * random)));
  if (link.state === 'deleted' || link.expiresAtMs === null) return jitteredMs;
  const leastMs = link.version > 1 ? SUPERSEDES_FOR_MS : 0;
  const remainingMs = Math.max(leastMs, link.expiresAtMs - nowMs);
  return remainingMs <= 0 ? undefined : Math.min(jitteredMs, remainingMs);
}
