/**
 * What the copy keeps of a link (copy-keys.ts has where): one line of ASCII.
 *
 *     2|<version>|<seal>|<until ms>|D                                                               a tombstone
 *     2|<version>|<seal>|<until ms>|<G or A>|<counter>|<created ms>|<expires ms>|<status>|<URL>     generated or alias; expiry and status may be empty
 *
 *     3|<version>|<seal>|<until ms>|<G or A>|<counter>|<created ms>|<expires ms>|<status>|<length>|<terms><URL>     with terms, of that many characters
 *
 * The first field is the format: servers of two releases share a Redis, and each reads only what it knows. Domain and code are in the key.
 *
 * The seal is over the key, its epoch included, the version and all that comes behind it: whoever reaches Redis could have written the rest. `until` is
 * when the value's life in Redis was to end: without it an old value, kept by somebody, would be true for ever.
 */
import { timingSafeEqual } from 'node:crypto';
import {
  type LinkTerms,
  parseTerms,
  type RedirectStatus,
  type StoredLink,
  TERMS_MAX_LENGTH,
  termsText,
} from '@lakh/links';
import { SEAL_LENGTH, type Seal } from './seal.js';

const FORMAT = '2';
/** Of a link with terms: who knows only the other must not follow it as if it had none. */
const FORMAT_WITH_TERMS = '3';
const LINE =
  /^[23]\|([1-9]\d{0,15})\|([\w-]{22})\|(\d{1,16})\|(?:D|([GA])\|(\d{1,13})\|(\d{1,16})\|(\d{1,16})?\|(30[1278])?\|([\x20-\x7e]+))$/;

/** What is in the URL's place of a link with terms. */
const LENGTH = /^([1-9]\d{0,4})\|/;

/** By which the clocks of servers may differ, so that a value lapses nowhere before Redis drops it. */
const CLOCKS_MS = 300_000;

/** More changes than a link will ever see. A value beyond was pinned by somebody: no change could ever replace it. */
const HIGHEST_VERSION = 1_000_000_000;
const LONG_URL_MAX_LENGTH = 8_192;
/** What is longer is no line. */
export const LINE_MAX_LENGTH = LONG_URL_MAX_LENGTH + TERMS_MAX_LENGTH + 136;
/** Of http or https, without user information. */
const MAY_BE_FOLLOWED = /^https?:\/\/[^/?#@\\]+(?:[/?#]|$)/;

function sealOf(seal: Seal, key: string, version: string | number, body: string): string {
  return seal(`${key}|${version}|${body}`);
}

/** `key`: under which it will be. */
export function encodeLink(link: StoredLink, key: string, seal: Seal, untilMs: number): string {
  const body = `${untilMs}|${bodyOf(link)}`;
  return `${formatOf(link)}|${link.version}|${sealOf(seal, key, link.version, body)}|${body}`;
}

function formatOf(link: StoredLink): string {
  return link.state === 'deleted' || link.terms === null ? FORMAT : FORMAT_WITH_TERMS;
}

function bodyOf(link: StoredLink): string {
  if (link.state === 'deleted') return 'D';
  const kind = link.kind === 'generated' ? 'G' : 'A';
  const text = link.terms === null ? '' : termsText(link.terms);
  const terms = text === '' ? '' : `${text.length}|${text}`;
  return `${kind}|${link.counter}|${link.createdAtMs}|${link.expiresAtMs ?? ''}|${link.redirectStatus ?? ''}|${terms}${link.longUrl}`;
}

/** Why a value is no link: no line of this format, not sealed by a server of this database, or beyond its life. */
export type NoLink = 'bad-value' | 'bad-seal' | 'lapsed';

/** The link that a server of this database has put under `key`, at `nowMs`. Without a seal: that anybody has put there, if one could have. */
export function decodeLink(
  { domainId, code }: Pick<StoredLink, 'domainId' | 'code'>,
  key: string,
  line: string,
  seal: Seal | undefined,
  nowMs: number,
): StoredLink | NoLink {
  const fields = LINE.exec(line);
  if (line.length > LINE_MAX_LENGTH || fields === null || Number(fields[1]) > HIGHEST_VERSION) return 'bad-value';
  const [, version = '', given = '', untilMs] = fields;
  const body = line.slice(FORMAT.length + version.length + SEAL_LENGTH + 3);
  if (seal !== undefined) {
    const own = sealOf(seal, key, version, body);
    if (!timingSafeEqual(Buffer.from(given, 'latin1'), Buffer.from(own, 'latin1'))) return 'bad-seal';
  }
  if (Number(untilMs) + CLOCKS_MS < nowMs) return 'lapsed';
  const hasTerms = line.startsWith(FORMAT_WITH_TERMS);
  const found = hasTerms ? withTerms(fields[9] ?? '') : { longUrl: fields[9], terms: null };
  if (found === undefined) return 'bad-value';
  const { longUrl, terms } = found;
  if (longUrl === undefined) return { state: 'deleted', domainId, code, version: Number(version) };
  // The seal says that a server of ours put it there. Should its key be known to others: still nothing that no server would store.
  if (longUrl.length > LONG_URL_MAX_LENGTH || !MAY_BE_FOLLOWED.test(longUrl)) return 'bad-value';
  if (seal === undefined && !URL.canParse(longUrl)) return 'bad-value';
  return {
    state: 'live',
    domainId,
    code,
    kind: fields[4] === 'G' ? 'generated' : 'alias',
    counter: Number(fields[5]),
    longUrl,
    createdAtMs: Number(fields[6]),
    expiresAtMs: fields[7] === undefined ? null : Number(fields[7]),
    redirectStatus: fields[8] === undefined ? null : (Number(fields[8]) as RedirectStatus),
    terms,
    version: Number(version),
  };
}

/** A length, terms of that length, and a URL; undefined for anything else, and for terms that this release does not know. */
function withTerms(text: string): { readonly longUrl: string; readonly terms: LinkTerms } | undefined {
  const [prefix, length] = LENGTH.exec(text) ?? [''];
  const end = prefix.length + Number(length);
  try {
    const terms = parseTerms(text.slice(prefix.length, end));
    return terms === null || !targetsOf(terms).every((url) => MAY_BE_FOLLOWED.test(url))
      ? undefined
      : { longUrl: text.slice(end), terms };
  } catch {
    return undefined;
  }
}

function targetsOf({ expiredUrl, rules = [] }: LinkTerms): readonly string[] {
  return [...(expiredUrl === undefined ? [] : [expiredUrl]), ...rules.map(({ longUrl }) => longUrl)];
}
