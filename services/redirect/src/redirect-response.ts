import type { Link, RedirectStatus } from '@lakh/links';

/** How this server redirects where a link does not say otherwise. */
export interface RedirectPolicy {
  readonly status: RedirectStatus;
  readonly maxAgeS: number;
}

export interface RedirectResponse {
  readonly status: RedirectStatus;
  readonly location: string;
  /** Flat name/value list for `writeHead`: built once a fill, sent as it is on every hit. */
  readonly headers: string[];
}

/**
 * The answer that sends a client to `link.longUrl`, as it may be sent until `nowMs`. `Cache-Control` is always there and
 * bounded: RFC 9111 lets a client keep a bare 301 for as long as it likes, and then no edit would ever reach it.
 */
export function redirectResponse(link: Link, policy: RedirectPolicy, nowMs: number): RedirectResponse {
  const leftS = link.expiresAtMs === null ? policy.maxAgeS : Math.floor((link.expiresAtMs - nowMs) / 1000);
  const maxAgeS = Math.max(0, Math.min(policy.maxAgeS, leftS));
  return {
    status: link.redirectStatus ?? policy.status,
    location: link.longUrl,
    headers: [
      'Location',
      link.longUrl,
      'Cache-Control',
      `private, max-age=${maxAgeS}`,
      'X-Robots-Tag',
      'noindex',
      // An explicit length spares the chunked encoding of an empty body.
      'Content-Length',
      '0',
    ],
  };
}
