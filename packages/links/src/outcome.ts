import type { StoredLink } from './link.js';

/** What a request for a code gets: a redirect, 410 or 404. */
export type LinkFate = 'redirect' | 'gone' | 'missing';

/**
 * Judged at the moment of the redirect, by the server's clock, whatever cache the link came from. A link redirects until its
 * expiry and no longer: at that very millisecond it is gone. Before the time from which on it may be followed, nobody is told that it is there.
 */
export function outcomeOf(link: StoredLink | undefined, nowMs: number): LinkFate {
  if (link === undefined) return 'missing';
  if (link.state === 'deleted') return 'gone';
  if (link.expiresAtMs !== null && link.expiresAtMs <= nowMs) return 'gone';
  const notBeforeMs = link.terms?.notBeforeMs;
  return notBeforeMs !== undefined && nowMs < notBeforeMs ? 'missing' : 'redirect';
}
