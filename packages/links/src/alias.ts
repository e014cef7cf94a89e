import type { FieldProblem } from './errors.js';
import { isReservedWord } from './reserved-words.js';

/** Shorter ones are too few to be given away by hand, and look like typing errors of others. */
const ALIAS_MIN_LENGTH = 3;
/** Longest code of any kind. */
export const CODE_MAX_LENGTH = 64;

/** Letters and digits; `-` and `_` inside only, so that a sentence's or a list's punctuation is never part of a link. Bounded, so cheap. */
const CODE = /^[0-9A-Za-z](?:[0-9A-Za-z_-]{0,62}[0-9A-Za-z])?$/;

/** Why an alias is refused: the rule is stable, for programs; the sentence is for people. */
export const ALIAS_RULES = {
  not_a_string: 'must be a string',
  too_short: `must have at least ${ALIAS_MIN_LENGTH} characters`,
  too_long: `must have at most ${CODE_MAX_LENGTH} characters`,
  bad_character: 'must be of 0-9, A-Z and a-z, with - and _ only inside',
  reserved: 'is a reserved word',
} as const;

export type AliasRule = keyof typeof ALIAS_RULES;
export type AliasResult =
  | { readonly alias: string }
  | { readonly problem: FieldProblem & { readonly rule: AliasRule } };

/** An alias is kept as it is typed: case matters, except in reserved words. */
export function validateAlias(input: unknown): AliasResult {
  if (typeof input !== 'string') return refused('not_a_string');
  if (input.length < ALIAS_MIN_LENGTH) return refused('too_short');
  if (input.length > CODE_MAX_LENGTH) return refused('too_long');
  if (!CODE.test(input)) return refused('bad_character');
  return isReservedWord(input) ? refused('reserved') : { alias: input };
}

/** Whether a text can be a code at all, generated or alias; one that cannot is never looked up. */
export function isPossibleCode(text: string): boolean {
  return CODE.test(text);
}

function refused(rule: AliasRule): AliasResult {
  return { problem: { field: 'alias', rule, reason: ALIAS_RULES[rule] } };
}
