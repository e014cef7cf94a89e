/**
 * What the cache keeps under `lakh:l:{<domain id>:<code>}`: one line of ASCII.
 *
 *     1|<version>|D                                                               a tombstone
 *     1|<version>|<G or A>|<counter>|<created ms>|<expires ms>|<status>|<URL>     generated or alias; expiry and status may be empty
 *
 * The first field is the format. Every later format keeps `<format>|<version>|` in front, so that servers of two releases
 * go on comparing versions (the script in put-newer.ts does) while each reads only the format that it knows. Domain and code are
 * in the key.
 */
import type { RedirectStatus, StoredLink } from '@lakh/links';

const LINE = /^1\|([1-9]\d{0,15})\|(?:D|([GA])\|(\d{1,13})\|(\d{1,16})\|(\d{1,16})?\|(30[1278])?\|([\x20-\x7e]+))$/;

/** The braces make the code the part that a Cluster hashes. */
export function linkKey(domainId: number, code: string): string {
  return `lakh:l:{${domainId}:${code}}`;
}

export function encodeLink(link: StoredLink): string {
  if (link.state === 'deleted') return `1|${link.version}|D`;
  const kind = link.kind === 'generated' ? 'G' : 'A';
  return `1|${link.version}|${kind}|${link.counter}|${link.createdAtMs}|${link.expiresAtMs ?? ''}|${link.redirectStatus ?? ''}|${link.longUrl}`;
}

/** More changes than a link will ever see. A value beyond was pinned by somebody: no change could ever replace it. */
const HIGHEST_VERSION = 1_000_000_000;
const LONG_URL_MAX_LENGTH = 8_192;

/**
 * A value from Redis is believed no more than one from a person: whoever reaches Redis could have written it.
 *
 * @returns undefined for anything that {@link encodeLink} did not write of a link that may be followed
 */
export function decodeLink(domainId: number, code: string, line: string): StoredLink | undefined {
  const fields = LINE.exec(line);
  if (fields === null) return undefined;
  const version = Number(fields[1]);
  if (version > HIGHEST_VERSION) return undefined;
  const longUrl = fields[7];
  if (longUrl === undefined) return { state: 'deleted', domainId, code, version };
  if (!mayBeFollowed(longUrl)) return undefined;
  return {
    state: 'live',
    domainId,
    code,
    kind: fields[2] === 'G' ? 'generated' : 'alias',
    counter: Number(fields[3]),
    longUrl,
    createdAtMs: Number(fields[4]),
    expiresAtMs: fields[5] === undefined ? null : Number(fields[5]),
    redirectStatus: fields[6] === undefined ? null : (Number(fields[6]) as RedirectStatus),
    version,
  };
}

/** Of http or https, without user information, and of a length that can be stored. */
function mayBeFollowed(longUrl: string): boolean {
  if (longUrl.length > LONG_URL_MAX_LENGTH || !/^https?:\/\//.test(longUrl)) return false;
  if (!URL.canParse(longUrl)) return false;
  const { username, password } = new URL(longUrl);
  return username === '' && password === '';
}
