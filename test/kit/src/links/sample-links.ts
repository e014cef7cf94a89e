import { randomBytes } from 'node:crypto';
import {
  createInsertIds,
  type Link,
  type LinkDetails,
  type LinkRecord,
  type LinkTerms,
  type NewLink,
  type Tombstone,
} from '@lakh/links';

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

/** Each that there is. */
export const FULL_TERMS: LinkTerms = {
  notBeforeMs: 1_790_000_000_000,
  maxClicks: 1_000_000_000,
  expiredUrl: "https://example.com/'late'|\\",
  forwardQuery: 'append',
  password: 'scrypt$16384$8$1$AAAA$BBBB',
  rules: [
    {
      device: 'ios',
      language: 'pt-br',
      fromMs: 1,
      untilMs: 2,
      query: { name: 'ü|"', value: '' },
      longUrl: 'https://a.example/|',
    },
    { device: 'desktop', longUrl: 'https://b.example/' },
  ],
};

export const FULL_DETAILS: LinkDetails = {
  title: 'Ein Titel, "in" \'Zeichen\' \\ und \u{1f517}',
  description: 'two\nlines\tand a tab',
  image: 'https://example.com/image.png?a=1|2',
  tags: ['News', 'été', '日本'],
  note: "%_;--/*!*/ \\' ? :name $1",
  externalId: 'crm:4711',
};

/** Texts that SQL, JSON and character sets could trip over. */
export const AWKWARD_DETAILS: LinkDetails = {
  title: PRINTABLE_ASCII,
  note: '\u007f\u0080\u2028\u2029\ufeff\uffff\u{10ffff}',
};

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
      terms: null,
      owner: '',
      details: null,
      insertId: this.#newInsertId(),
      ...changes,
    };
  }

  alias(changes: Partial<NewLink> = {}): NewLink {
    const link = this.generated();
    return { ...link, kind: 'alias', counter: 0, code: `my-${link.code}_1`, ...changes };
  }
}

/** What a store gives back for a link that has just been inserted, as who follows it sees it. */
export function storedAs(link: NewLink, version = 1): Link {
  const { owner: _, details: __, ...stored } = recordAs(link, version);
  return stored;
}

/** The same, as who keeps it sees it. */
export function recordAs({ insertId: _, ...link }: NewLink, version = 1): LinkRecord {
  return { ...link, state: 'live', version };
}

/** What a store or cache holds for a deleted link. */
export function tombstoneOf({ domainId, code }: Pick<Link, 'domainId' | 'code'>, version = 2): Tombstone {
  return { state: 'deleted', domainId, code, version };
}
