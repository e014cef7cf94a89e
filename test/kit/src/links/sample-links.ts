import { randomBytes } from 'node:crypto';
import { createInsertIds, type Link, type NewLink, type Tombstone } from '@lakh/links';

/** Every printable ASCII byte, the characters that SQL and Redis quoting could trip over among them. */
export const PRINTABLE_ASCII = Array.from({ length: 0x7f - 0x20 }, (_, index) =>
  String.fromCharCode(0x20 + index),
).join('');

/** URLs that a store or cache must give back byte for byte. */
export const AWKWARD_URLS: readonly string[] = [
  `https://example.com/?q=${PRINTABLE_ASCII}`,
  `https://example.com/'"\`\\%_;--/*!*/`,
  "https://example.com/\\'\\\\'\\0\\n%00%25%27?a=?&b=:name&c=$1",
  'https://example.com/trailing-space ',
  'https://xn--bcher-kva.example:8443/%C3%BC?x=%F0%9F%94%97#frag',
  `https://example.com/${'a'.repeat(2048 - 'https://example.com/'.length)}`,
];

/** Gives links with codes and counters of their own, so that one store can serve a whole suite. */
export class SampleLinks {
  #counter = 100_000;
  readonly #newInsertId = createInsertIds(randomBytes(8));

  generated(changes: Partial<NewLink> = {}): NewLink {
    this.#counter += 1;
    return {
      domainId: 0,
      code: `G${this.#counter.toString(36)}`,
      kind: 'generated',
      counter: this.#counter,
      longUrl: `https://example.com/${this.#counter}`,
      createdAtMs: 1_790_000_000_123,
      expiresAtMs: null,
      redirectStatus: null,
      insertId: this.#newInsertId(),
      ...changes,
    };
  }

  alias(changes: Partial<NewLink> = {}): NewLink {
    const link = this.generated();
    return { ...link, kind: 'alias', counter: 0, code: `my-${link.code}_1`, ...changes };
  }
}

/** What a store gives back for a link that has just been inserted. */
export function storedAs({ insertId: _, ...link }: NewLink, version = 1): Link {
  return { ...link, state: 'live', version };
}

/** What a store or cache holds for a deleted link. */
export function tombstoneOf({ domainId, code }: Pick<Link, 'domainId' | 'code'>, version = 2): Tombstone {
  return { state: 'deleted', domainId, code, version };
}
