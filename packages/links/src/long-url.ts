import type { FieldProblem } from './errors.js';
import type { OwnHosts } from './own-hosts.js';

/** Longest URL that is accepted by default, in characters, as sent and as serialised. */
export const LONG_URL_MAX_LENGTH = 2048;

/** Why a URL is refused: the rule is stable, for programs; the sentence is for people. */
export const LONG_URL_RULES = {
  not_a_string: 'must be a string',
  empty: 'is empty',
  too_long: 'is too long',
  control_character: 'has a line break, a tab or another control character',
  lone_surrogate: 'has half of a surrogate pair, which is no character',
  not_absolute: 'must begin with http:// or https://',
  scheme_not_allowed: 'must be an http or https URL',
  not_a_url: 'has no valid host or port',
  userinfo: 'must not hold a user name or password',
  own_host: 'leads back to this service',
} as const;

export type LongUrlRule = keyof typeof LONG_URL_RULES;

export interface LongUrlPolicy {
  /** Default {@link LONG_URL_MAX_LENGTH}. */
  readonly maxLength?: number;
  readonly ownHosts?: OwnHosts;
}

export type LongUrlResult =
  /** `href`: WHATWG-serialised, printable ASCII: what is stored and sent as `Location`. */
  { readonly href: string } | { readonly problem: FieldProblem & { readonly rule: LongUrlRule } };

/** C0, DEL and C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):([/\\]{2})?/;
/** From behind the slashes, of which the parser skips any number. */
const AUTHORITY = /[^/\\?#]+/;
/** A domain name of 253 characters with the dot at its end and a port. */
const HOST_MAX_LENGTH = 260;
const PRINTABLE_ASCII = /^[\u0021-\u007e]+$/;

/**
 * Validates and serialises the target of a link by the WHATWG URL standard, with these refusals beyond it:
 * - Control characters anywhere. The standard drops tabs and line breaks silently, and filters that read the text before it is
 *   parsed see another URL than browsers do. Spaces around the URL are dropped as the standard says: people paste them.
 * - A scheme without two slashes (or backslashes): `http:example.com` is absolute by itself and relative on an http page.
 * - A host longer than any name that the DNS can hold.
 * - Anything but http and https, user names and passwords, own hosts, and more than `maxLength` characters before or after.
 */
export function validateLongUrl(input: unknown, policy: LongUrlPolicy = {}, field = 'long_url'): LongUrlResult {
  const refused = (rule: LongUrlRule, reason: string = LONG_URL_RULES[rule]): LongUrlResult => ({
    problem: { field, rule, reason },
  });
  const { maxLength = LONG_URL_MAX_LENGTH, ownHosts } = policy;
  if (typeof input !== 'string') return refused('not_a_string');
  // Before anything that takes longer for longer texts.
  if (input.length > maxLength) return refused('too_long', `has more than ${maxLength} characters`);
  if (CONTROL.test(input)) return refused('control_character');
  if (LONE_SURROGATE.test(input)) return refused('lone_surrogate');
  // Those at the end the parser drops.
  const text = input.replace(/^ +/, '');
  if (text === '') return refused('empty');

  const match = SCHEME.exec(text);
  if (match === null) return refused('not_absolute');
  const scheme = (match[1] as string).toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return refused('scheme_not_allowed');
  if (match[2] === undefined) return refused('not_absolute');
  // Before the parser, which takes the square of an internationalised name's length: 17 ms for 2,000 characters.
  const authority = AUTHORITY.exec(text.slice(match[0].length))?.[0].trimEnd() ?? '';
  if (authority.length - authority.lastIndexOf('@') - 1 > HOST_MAX_LENGTH) {
    return refused('not_a_url', `has a host of more than ${HOST_MAX_LENGTH} characters`);
  }

  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refused('not_a_url');
  }
  if (url.username !== '' || url.password !== '') return refused('userinfo');
  if (ownHosts?.has(url)) return refused('own_host');
  const { href } = url;
  if (href.length > maxLength) {
    return refused('too_long', `has more than ${maxLength} characters once its special characters are percent-encoded`);
  }
  // What the standard promises for http and https; the Location header rests on it.
  if (!PRINTABLE_ASCII.test(href)) throw new Error('a URL was serialised to something else than printable ASCII');
  return { href };
}
