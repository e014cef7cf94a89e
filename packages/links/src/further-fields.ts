/** The fields of a link beside its target, alias, expiry and status: none of them is there in nearly all requests. */
import type { Changes } from './changes.js';
import type { LinkDetails } from './details.js';
import type { FieldProblem } from './errors.js';
import { LONG_URL_RULES, type LongUrlPolicy, validateLongUrl } from './long-url.js';
import { validateRules } from './rule-fields.js';
import type { LinkTerms } from './terms.js';
import { TERMS_RULES } from './terms-problems.js';
import {
  type Checked,
  DESCRIPTION,
  NOTE,
  PASSWORD,
  TITLE,
  validateExternalId,
  validateTags,
  validateText,
} from './text-fields.js';
import { parseTime, TIME_RULES } from './time.js';

/** By their names on the wire, in the order in which problems are told. */
export const FURTHER_FIELDS = [
  'title',
  'description',
  'image',
  'tags',
  'note',
  'external_id',
  'not_before',
  'max_clicks',
  'expired_url',
  'forward_query',
  'password',
  'rules',
] as const;

export type FurtherField = (typeof FURTHER_FIELDS)[number];

/** As a caller sent them; nothing is validated yet. Null clears, undefined is not asked for. */
export type FurtherFields = { readonly [Field in FurtherField]?: unknown };

/** Why a number of clicks is refused. */
export const MAX_CLICKS_RULES = { not_a_number: 'must be a whole number from 1 to 1000000000' } as const;
/** What is done with a request's query. */
export const FORWARD_QUERY_RULES = { not_a_way: 'must be off or append' } as const;

const OF_TEXT = ['not_a_string', 'empty', 'too_long', 'control_character', 'lone_surrogate'] as const;
const { own_host: _, ...OF_IMAGE } = LONG_URL_RULES;

/** Why each is refused, by the field as a problem names it (`[n]`: a place, counted from 0): stable, for programs. */
export const FURTHER_RULES: Readonly<Record<string, readonly string[]>> = {
  title: OF_TEXT,
  description: OF_TEXT,
  image: Object.keys(OF_IMAGE),
  tags: ['not_an_array', 'too_many'],
  'tags[n]': [...OF_TEXT, 'comma', 'duplicate'],
  note: OF_TEXT,
  external_id: [...OF_TEXT, 'bad_character'],
  not_before: [...Object.keys(TIME_RULES), ...Object.keys(TERMS_RULES.not_before)],
  max_clicks: Object.keys(MAX_CLICKS_RULES),
  expired_url: Object.keys(LONG_URL_RULES),
  forward_query: Object.keys(FORWARD_QUERY_RULES),
  password: [...OF_TEXT, 'too_short'],
  rules: ['not_an_array', 'too_many', ...Object.keys(TERMS_RULES.rules)],
  'rules[n]': ['not_an_object', 'no_condition'],
  'rules[n].device': ['not_a_device'],
  'rules[n].language': ['not_a_language'],
  'rules[n].from': Object.keys(TIME_RULES),
  'rules[n].until': [...Object.keys(TIME_RULES), 'empty_window'],
  'rules[n].query': ['not_an_object'],
  'rules[n].query.name': ['missing', ...OF_TEXT],
  'rules[n].query.value': ['missing', ...OF_TEXT],
  'rules[n].long_url': ['missing', ...Object.keys(LONG_URL_RULES)],
};

const MAX_CLICKS_MOST = 1_000_000_000;

/** What is asked for, valid field by field. */
export interface FurtherChanges {
  readonly terms?: Changes<Omit<LinkTerms, 'password'>>;
  readonly details?: Changes<LinkDetails>;
  /** As it was typed, in NFC: nothing of it is kept, but what a hash of it is. Null: none from now on. */
  readonly password?: string | null;
}

interface Found {
  readonly changes: FurtherChanges;
  readonly problems: readonly FieldProblem[];
}

type Validator = (field: FurtherField, value: unknown, policy: LongUrlPolicy) => Checked<unknown> | Several;

interface Several {
  readonly problems: readonly FieldProblem[];
}

/** Where each field is kept, and what makes a value of what was sent. */
const FIELDS: {
  readonly [Field in FurtherField]: {
    readonly of: 'terms' | 'details' | 'password';
    readonly name: string;
    readonly validate: Validator;
  };
} = {
  title: detail('title', (field, value) => validateText(field, value, TITLE)),
  description: detail('description', (field, value) => validateText(field, value, DESCRIPTION)),
  // What a preview shows may be at home here.
  image: detail('image', (field, value, { maxLength }) => target(field, value, maxLength ? { maxLength } : {})),
  tags: detail('tags', (field, value) => nullIfEmpty(validateTags(field, value))),
  note: detail('note', (field, value) => validateText(field, value, NOTE)),
  external_id: detail('externalId', validateExternalId),
  not_before: term('notBeforeMs', time),
  max_clicks: term('maxClicks', clicks),
  expired_url: term('expiredUrl', target),
  forward_query: term('forwardQuery', wayOfQuery),
  password: { of: 'password', name: 'password', validate: password },
  rules: term('rules', (field, value, policy) => nullIfEmpty(validateRules(field, value, policy))),
};

/** Looks at every field before it complains. Of what is not asked for nothing is in `changes`. */
export function validateFurther(fields: FurtherFields, policy: LongUrlPolicy): Found {
  const problems: FieldProblem[] = [];
  const made: { terms?: Record<string, unknown>; details?: Record<string, unknown>; password?: unknown } = {};
  for (const field of FURTHER_FIELDS) {
    const value = fields[field];
    if (value === undefined) continue;
    const { of, name, validate } = FIELDS[field];
    const checked = value === null ? { value: null } : validate(field, value, policy);
    if ('problem' in checked) problems.push(checked.problem);
    else if ('problems' in checked) problems.push(...checked.problems);
    else if (of === 'password') made.password = checked.value;
    else {
      const changes = made[of] ?? {};
      changes[name] = checked.value;
      made[of] = changes;
    }
  }
  return { changes: made as FurtherChanges, problems };
}

function detail(name: keyof LinkDetails, validate: Validator) {
  return { of: 'details', name, validate } as const;
}

function term(name: keyof LinkTerms, validate: Validator) {
  return { of: 'terms', name, validate } as const;
}

function target(field: string, value: unknown, policy: LongUrlPolicy): Checked<string> {
  const checked = validateLongUrl(value, policy, field);
  return 'problem' in checked ? checked : { value: checked.href };
}

function time(field: string, value: unknown): Checked<number> {
  const ms = parseTime(value);
  return typeof ms === 'number' ? { value: ms } : { problem: { field, rule: ms, reason: TIME_RULES[ms] } };
}

function clicks(field: string, value: unknown): Checked<number> {
  const isNumber = Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_CLICKS_MOST;
  if (isNumber) return { value: value as number };
  return { problem: { field, rule: 'not_a_number', reason: MAX_CLICKS_RULES.not_a_number } };
}

function wayOfQuery(field: string, value: unknown): Checked<'append' | null> {
  if (value === 'append') return { value };
  if (value === 'off') return { value: null };
  return { problem: { field, rule: 'not_a_way', reason: FORWARD_QUERY_RULES.not_a_way } };
}

function password(field: string, value: unknown): Checked<string> {
  const checked = validateText(field, value, PASSWORD);
  // As it may be typed on another keyboard.
  return 'problem' in checked ? checked : { value: checked.value.normalize('NFC') };
}

function nullIfEmpty(
  checked: { readonly value: readonly unknown[] } | Several,
): { readonly value: readonly unknown[] | null } | Several {
  return 'value' in checked && checked.value.length === 0 ? { value: null } : checked;
}
