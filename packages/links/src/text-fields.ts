/** Fields that are text for people, or for other systems. */
import type { FieldProblem } from './errors.js';

/** Why a text is refused: the rules are stable, for programs; the sentences are for people. Each field has some of them. */
export const TEXT_RULES = {
  not_a_string: 'must be a string',
  empty: 'is empty; null takes it away',
  too_short: 'is too short',
  too_long: 'is too long',
  control_character: 'has a control character',
  lone_surrogate: 'has half of a surrogate pair, which is no character',
  bad_character: 'must be of visible ASCII characters',
} as const;

export type TextRule = keyof typeof TEXT_RULES;

/** Lengths in characters (code points). */
export interface TextBounds {
  readonly least?: number;
  readonly most: number;
  /** Whether it may have line breaks and tabs. */
  readonly hasLines?: boolean;
}

export const TITLE: TextBounds = { most: 200 };
export const DESCRIPTION: TextBounds = { most: 1_000, hasLines: true };
export const NOTE: TextBounds = { most: 2_000, hasLines: true };
export const PASSWORD: TextBounds = { least: 4, most: 128 };
export const TAG: TextBounds = { most: 50 };
export const EXTERNAL_ID_MAX_LENGTH = 128;
export const TAGS_MAX = 20;

/** Of a list of tags, beside {@link TEXT_RULES} of each. */
export const TAGS_RULES = {
  not_an_array: 'must be an array of strings',
  too_many: `has more than ${TAGS_MAX} tags`,
  comma: 'must not have a comma',
  duplicate: 'is there twice, if case is left out',
} as const;

export type Checked<T> = { readonly value: T } | { readonly problem: FieldProblem };

/** C0, DEL and C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_BUT_LINES = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** A text as it is, within its bounds. */
export function validateText(field: string, input: unknown, bounds: TextBounds): Checked<string> {
  const { least = 1, most, hasLines = false } = bounds;
  if (typeof input !== 'string') return refused(field, 'not_a_string');
  // Before anything that takes longer for longer texts: a character has two units at most.
  const length = input.length > 2 * most ? Number.POSITIVE_INFINITY : lengthOf(input);
  if (length > most) return refused(field, 'too_long', `has more than ${most} characters`);
  if (length === 0) return refused(field, 'empty');
  if (length < least) return refused(field, 'too_short', `has fewer than ${least} characters`);
  if ((hasLines ? CONTROL_BUT_LINES : CONTROL).test(input)) return refused(field, 'control_character');
  return LONE_SURROGATE.test(input) ? refused(field, 'lone_surrogate') : { value: input };
}

/** What another system calls a link. */
export function validateExternalId(field: string, input: unknown): Checked<string> {
  const checked = validateText(field, input, { most: EXTERNAL_ID_MAX_LENGTH });
  if ('problem' in checked || VISIBLE_ASCII.test(checked.value)) return checked;
  return refused(field, 'bad_character');
}

/** Tags, each in NFC and without blanks around it. What is wrong is named by the tag's place: `tags[2]`. */
export function validateTags(field: string, input: unknown): { readonly value: readonly string[] } | Problems {
  const refuse = (where: string, rule: keyof typeof TAGS_RULES): FieldProblem => ({
    field: where,
    rule,
    reason: TAGS_RULES[rule],
  });
  if (!Array.isArray(input)) return { problems: [refuse(field, 'not_an_array')] };
  if (input.length > TAGS_MAX) return { problems: [refuse(field, 'too_many')] };
  const problems: FieldProblem[] = [];
  const seen = new Set<string>();
  const tags = input.map((one: unknown, index) => {
    const where = `${field}[${index}]`;
    // What is not bounded yet is not normalised yet.
    const isShort = typeof one === 'string' && one.length <= 4 * TAG.most;
    const tag = isShort ? one.trim().normalize('NFC') : one;
    const checked = validateText(where, tag, TAG);
    if ('problem' in checked) problems.push(checked.problem);
    else if (checked.value.includes(',')) problems.push(refuse(where, 'comma'));
    else if (seen.has(foldTag(checked.value))) problems.push(refuse(where, 'duplicate'));
    else seen.add(foldTag(checked.value));
    return String(tag);
  });
  return problems.length > 0 ? { problems } : { value: tags };
}

/** By which tags are compared. */
export const foldTag = (tag: string): string => tag.toLowerCase();

interface Problems {
  readonly problems: readonly FieldProblem[];
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

function refused(field: string, rule: TextRule, reason: string = TEXT_RULES[rule]): { readonly problem: FieldProblem } {
  return { problem: { field, rule, reason } };
}
