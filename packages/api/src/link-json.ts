import type { LinkRecord, RedirectStatus } from '@lakh/links';
import { type FurtherJson, furtherJson } from './further-json.js';

/** A link as the API shows it. Times are RFC 3339 in UTC. What it may have beside these six is there where it has it. */
export interface LinkJson extends FurtherJson {
  readonly code: string;
  readonly short_url: string;
  readonly long_url: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  /** Null: the server's default. */
  readonly redirect_status: RedirectStatus | null;
}

/** `publicUrl` carries no trailing slash. */
export function linkJson(link: LinkRecord, publicUrl: string): LinkJson {
  return new LinkTexts(publicUrl).json(link);
}

function isPlain({ terms, details, owner }: LinkRecord): boolean {
  return terms === null && details === null && owner === '';
}

function furtherText(link: LinkRecord): string {
  // Whoever creates with a token has this of each.
  if (link.terms === null && link.details === null) return `,"owner":${JSON.stringify(link.owner)}`;
  return `,${JSON.stringify(furtherJson(link)).slice(1, -1)}`;
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

  json(link: LinkRecord): LinkJson {
    const plain = {
      code: link.code,
      short_url: `${this.#publicUrl}/${link.code}`,
      long_url: link.longUrl,
      created_at: this.#timeOf(link.createdAtMs),
      expires_at: link.expiresAtMs === null ? null : new Date(link.expiresAtMs).toISOString(),
      redirect_status: link.redirectStatus,
    };
    return isPlain(link) ? plain : { ...plain, ...furtherJson(link) };
  }

  /** The text of {@link json}. Put together by hand, with its time made once, it costs half: of a create 4 % become 2 (docs/creates.md). */
  text(link: LinkRecord): string {
    const { code, longUrl, createdAtMs, expiresAtMs, redirectStatus } = link;
    const expiresAt = expiresAtMs === null ? 'null' : `"${new Date(expiresAtMs).toISOString()}"`;
    const further = isPlain(link) ? '' : furtherText(link);
    // Nothing that a code may hold is escaped in JSON.
    return (
      `{"code":"${code}","short_url":${this.#beginning}${code}","long_url":${JSON.stringify(longUrl)},` +
      `"created_at":"${this.#timeOf(createdAtMs)}","expires_at":${expiresAt},"redirect_status":${redirectStatus}${further}}`
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
