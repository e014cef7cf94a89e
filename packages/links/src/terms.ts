import { asciiJson, fieldsIn } from './ascii-json.js';
import { type Changes, merged } from './changes.js';

/** How a link is followed beyond its target, expiry and status; each is there where it was given. Times are Unix milliseconds. */
export interface LinkTerms {
  /** Until then there is no such link, as far as those who follow it can tell. */
  readonly notBeforeMs?: number;
  /** How often it leads to its target. */
  readonly maxClicks?: number;
  /** Where it leads once it has expired, or was followed as often as it may be. */
  readonly expiredUrl?: string;
  /** Whether the query of a request is put behind the target's own. */
  readonly forwardQuery?: 'append';
  /** What is kept of a password; who follows the link has to know it. */
  readonly password?: string;
  /** Other targets for some who follow it: the first rule that a request meets. */
  readonly rules?: readonly LinkRule[];
}

/** Met by a request that meets all of its conditions, of which there is one at least. */
export interface LinkRule {
  readonly device?: Device;
  /** A language range (RFC 4647), in lower case. */
  readonly language?: string;
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly query?: { readonly name: string; readonly value: string };
  readonly longUrl: string;
}

export const DEVICES = ['ios', 'android', 'desktop'] as const;

export type Device = (typeof DEVICES)[number];

/** Of the text that is stored. */
export const TERMS_MAX_LENGTH = 16_384;

/** Fixes the order, and with it the one text of the same terms. */
const NAMES = [
  'notBeforeMs',
  'maxClicks',
  'expiredUrl',
  'forwardQuery',
  'password',
  'rules',
] as const satisfies readonly (keyof LinkTerms)[];
const KNOWN: ReadonlySet<string> = new Set(NAMES);
const KNOWN_OF_RULE: ReadonlySet<string> = new Set([
  'device',
  'language',
  'fromMs',
  'untilMs',
  'query',
  'longUrl',
] as const satisfies readonly (keyof LinkRule)[]);

/** `present` with `changes`; null where nothing is left. */
export function mergeTerms(present: LinkTerms | null, changes: Changes<LinkTerms>): LinkTerms | null {
  return merged<LinkTerms>(NAMES, present, changes);
}

/** ASCII; a caller sees to its length. */
export function termsText(terms: LinkTerms): string {
  return asciiJson(terms);
}

/**
 * Of a text of {@link termsText}. Throws for one with a term that this release does not know: a link must not be followed as if it had none.
 */
export function parseTerms(text: string): LinkTerms | null {
  const fields = fieldsIn(text);
  if (fields === undefined) throw new Error('the terms of a link are no JSON object');
  const { rules = [] } = fields as LinkTerms;
  const unknown =
    Object.keys(fields).find((name) => !KNOWN.has(name)) ??
    rules.flatMap(Object.keys).find((name) => !KNOWN_OF_RULE.has(name));
  if (unknown !== undefined) throw new Error(`a link has the term ${unknown}, which this release does not know`);
  return mergeTerms(null, fields as Changes<LinkTerms>);
}
