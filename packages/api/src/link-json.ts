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
  return new LinkTexts(publicUrl).json(link);
}

/** For many links: what they have in common is made once. */
export class LinkTexts {
  readonly #publicUrl: string;
  /** As JSON has it, without its last quotation mark. */
  readonly #beginning: string;
  #lastMs = Number.NaN;
  #lastTime = '';

  constructor(publicUrl: string) {
    this.#publicUrl = publicUrl;
    this.#beginning = JSON.stringify(`${publicUrl}/`).slice(0, -1);
  }

  json(link: Link): LinkJson {
    return {
      code: link.code,
      short_url: `${this.#publicUrl}/${link.code}`,
      long_url: link.longUrl,
      created_at: this.#timeOf(link.createdAtMs),
      expires_at: link.expiresAtMs === null ? null : new Date(link.expiresAtMs).toISOString(),
      redirect_status: link.redirectStatus,
    };
  }

  /** The text of {@link json}. Put together by hand, with its time made once, it costs half: of a create 4 % become 2 (docs/creates.md). */
  text({ code, longUrl, createdAtMs, expiresAtMs, redirectStatus }: Link): string {
    const expiresAt = expiresAtMs === null ? 'null' : `"${new Date(expiresAtMs).toISOString()}"`;
    // Nothing that a code may hold is escaped in JSON.
    return (
      `{"code":"${code}","short_url":${this.#beginning}${code}","long_url":${JSON.stringify(longUrl)},` +
      `"created_at":"${this.#timeOf(createdAtMs)}","expires_at":${expiresAt},"redirect_status":${redirectStatus}}`
    );
  }

  /** Links are made by the dozen in a millisecond, and those of a batch in one. */
  #timeOf(ms: number): string {
    if (ms !== this.#lastMs) {
      this.#lastTime = new Date(ms).toISOString();
      this.#lastMs = ms;
    }
    return this.#lastTime;
  }
}
