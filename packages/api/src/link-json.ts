import type { Link, RedirectStatus } from '@lakh/links';

/** A link as the API shows it. Times are RFC 3339 in UTC. */
export interface LinkJson {
  readonly code: string;
  readonly short_url: string;
  readonly long_url: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  /** Null: the server's default. */
  readonly redirect_status: RedirectStatus | null;
}

/** `publicUrl` carries no trailing slash. */
export function linkJson(link: Link, publicUrl: string): LinkJson {
  return {
    code: link.code,
    short_url: `${publicUrl}/${link.code}`,
    long_url: link.longUrl,
    created_at: new Date(link.createdAtMs).toISOString(),
    expires_at: link.expiresAtMs === null ? null : new Date(link.expiresAtMs).toISOString(),
    redirect_status: link.redirectStatus,
  };
}
