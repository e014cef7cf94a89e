import type { FieldProblem } from './errors.js';
import { type LongUrlPolicy, validateLongUrl } from './long-url.js';
import { nearestOf } from './nearest.js';
import { DEVICES, type LinkRule } from './terms.js';
import { validateText } from './text-fields.js';
import { parseTime, TIME_RULES } from './time.js';

/** Of one link. */
export const RULES_MAX = 20;
/** A parameter's name and value. */
const QUERY_NAME = { most: 64 };
const QUERY_VALUE = { most: 256 };

/** Why rules are refused, or one of them by its field, such as `rules[0].language`. Targets and times have the rules of `long_url` and `not_before`. */
export const RULES_RULES = {
  not_an_array: 'must be an array of rules',
  too_many: `has more than ${RULES_MAX} rules`,
  not_an_object: 'must be an object',
  no_condition: 'has no condition: one of device, language, from, until, query',
  missing: 'is required',
  unknown_field: 'there is no such field',
  not_a_device: `must be one of ${DEVICES.join(', ')}`,
  not_a_language: 'must be a language tag such as de or pt-BR',
  empty_window: 'must be after from',
} as const;

const LANGUAGE = /^[a-z]{2,8}(?:-[a-z0-9]{1,8}){0,4}$/i;
const FIELDS = ['device', 'language', 'from', 'until', 'query', 'long_url'] as const;
const CONDITIONS = FIELDS.slice(0, -1);
const FIELDS_OF_QUERY = ['name', 'value'] as const;

/** Of the unknown fields of one object. */
const UNKNOWN_SHOWN_MAX = 4;

type Fields = Readonly<Record<string, unknown>>;

/** The rules of a link. Each is looked at whole, so that a caller learns of all problems at once. */
export function validateRules(
  field: string,
  input: unknown,
  policy: LongUrlPolicy,
): { readonly value: readonly LinkRule[] } | { readonly problems: readonly FieldProblem[] } {
  if (!Array.isArray(input)) return { problems: [problem(field, 'not_an_array')] };
  if (input.length > RULES_MAX) return { problems: [problem(field, 'too_many')] };
  const problems: FieldProblem[] = [];
  const rules = input.map((one: unknown, index) => new RuleReader(`${field}[${index}]`, policy, problems).read(one));
  return problems.length > 0 ? { problems } : { value: rules as readonly LinkRule[] };
}

/** Reads one rule, and says what is wrong with it. */
class RuleReader {
  readonly #at: string;
  readonly #policy: LongUrlPolicy;
  readonly #problems: FieldProblem[];

  constructor(at: string, policy: LongUrlPolicy, problems: FieldProblem[]) {
    this.#at = at;
    this.#policy = policy;
    this.#problems = problems;
  }

  read(input: unknown): LinkRule | undefined {
    if (!isObject(input)) {
      this.#problems.push(problem(this.#at, 'not_an_object'));
      return undefined;
    }
    this.#refuseUnknown(this.#at, input, FIELDS);
    if (CONDITIONS.every((name) => input[name] == null)) this.#problems.push(problem(this.#at, 'no_condition'));
    const fromMs = this.#time('from', input.from);
    const untilMs = this.#time('until', input.until);
    if (fromMs !== undefined && untilMs !== undefined && untilMs <= fromMs) this.#refuse('until', 'empty_window');
    const [device, language] = [this.#device(input.device), this.#language(input.language)];
    const query = this.#query(input.query);
    return {
      ...(device && { device }),
      ...(language && { language }),
      ...(fromMs !== undefined && { fromMs }),
      ...(untilMs !== undefined && { untilMs }),
      ...(query && { query }),
      longUrl: this.#target(input.long_url),
    };
  }

  #device(input: unknown) {
    if (input == null) return undefined;
    const known = DEVICES.find((device) => device === input);
    if (known === undefined) this.#refuse('device', 'not_a_device');
    return known;
  }

  #language(input: unknown): string | undefined {
    if (input == null) return undefined;
    if (typeof input === 'string' && LANGUAGE.test(input)) return input.toLowerCase();
    this.#refuse('language', 'not_a_language');
    return undefined;
  }

  #time(name: string, input: unknown): number | undefined {
    if (input == null) return undefined;
    const ms = parseTime(input);
    if (typeof ms === 'number') return ms;
    this.#problems.push({ field: `${this.#at}.${name}`, rule: ms, reason: TIME_RULES[ms] });
    return undefined;
  }

  #query(input: unknown): LinkRule['query'] {
    if (input == null) return undefined;
    const at = `${this.#at}.query`;
    if (!isObject(input)) {
      this.#problems.push(problem(at, 'not_an_object'));
      return undefined;
    }
    this.#refuseUnknown(at, input, FIELDS_OF_QUERY);
    const name = this.#text(`${at}.name`, input.name, QUERY_NAME);
    // A parameter may be there with nothing behind it.
    const value = input.value === '' ? '' : this.#text(`${at}.value`, input.value, QUERY_VALUE);
    return { name, value };
  }

  #text(field: string, input: unknown, bounds: { readonly most: number }): string {
    const checked = validateText(field, input, bounds);
    if ('value' in checked) return checked.value;
    this.#problems.push(input === undefined ? problem(field, 'missing') : checked.problem);
    return '';
  }

  #target(input: unknown): string {
    const field = `${this.#at}.long_url`;
    const checked = validateLongUrl(input, this.#policy, field);
    if ('href' in checked) return checked.href;
    this.#problems.push(input === undefined ? problem(field, 'missing') : checked.problem);
    return '';
  }

  #refuseUnknown(at: string, input: Fields, known: readonly string[]): void {
    const unknown = Object.keys(input).filter((name) => !known.includes(name));
    for (const name of unknown.slice(0, UNKNOWN_SHOWN_MAX)) this.#problems.push(unknownField(`${at}.`, name, known));
  }

  #refuse(name: string, rule: keyof typeof RULES_RULES): void {
    this.#problems.push(problem(`${this.#at}.${name}`, rule));
  }
}

/** How much of an unknown field's name is repeated to the caller. */
const NAME_SHOWN_MAX = 64;

/** A field that there is not, with the one that may be meant. */
export function unknownField(at: string, name: string, known: Iterable<string>): FieldProblem {
  const nearest = nearestOf(name, known);
  const reason = `${RULES_RULES.unknown_field}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
  return { field: `${at}${name.slice(0, NAME_SHOWN_MAX)}`, rule: 'unknown_field', reason };
}

function problem(field: string, rule: keyof typeof RULES_RULES): FieldProblem {
  return { field, rule, reason: RULES_RULES[rule] };
}

function isObject(input: unknown): input is Fields {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}
