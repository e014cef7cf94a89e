/** `POST /api/v1/urls/{code}:dryRun`: where a request would be led, and by which rule, without following the link. */
import { InvalidRequestError } from '@lakh/http';
import {
  deviceOf,
  type FieldProblem,
  type Link,
  languagesOf,
  parseTime,
  QUERY_MAX_LENGTH,
  TIME_RULES,
  type Way,
  wayOf,
} from '@lakh/links';
import { unknownFields } from './link-request.js';

const FIELDS: ReadonlySet<string> = new Set(['user_agent', 'accept_language', 'query', 'at']);
const HEADER_MAX_LENGTH = 1_024;
/** What a request's target may have. */
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

/** Why a dry run is refused, by field: stable, for programs. */
export const DRY_RUN_RULES = {
  user_agent: { not_a_string: 'must be a string', too_long: `has more than ${HEADER_MAX_LENGTH} characters` },
  accept_language: { not_a_string: 'must be a string', too_long: `has more than ${HEADER_MAX_LENGTH} characters` },
  query: {
    not_a_string: 'must be a string',
    too_long: `has more than ${QUERY_MAX_LENGTH} characters`,
    bad_character: 'must be as it stands in an address: visible ASCII',
  },
  at: TIME_RULES,
} as const;

export interface DryRun {
  readonly userAgent: string | undefined;
  readonly acceptLanguage: string | undefined;
  readonly query: string;
  readonly atMs: number | undefined;
}

/** What the API answers. */
export interface DryRunJson {
  /** `not_found`: it may not be followed yet. */
  readonly outcome: 'redirect' | 'not_found' | 'expired';
  readonly location: string | null;
  /** The place of the rule that is met, from 0. */
  readonly rule: number | null;
  readonly asks_password: boolean;
  readonly device: string | null;
  readonly languages: readonly string[];
}

const OUTCOMES = { target: 'redirect', missing: 'not_found', expired: 'expired' } as const satisfies Record<
  Way['kind'],
  DryRunJson['outcome']
>;

export function dryRunJson(link: Link, { userAgent, acceptLanguage, query, atMs }: DryRun, nowMs: number): DryRunJson {
  const way = wayOf(link, { userAgent, acceptLanguage, query }, atMs ?? nowMs);
  return {
    outcome: OUTCOMES[way.kind],
    location: way.kind === 'missing' ? null : way.location,
    rule: way.kind === 'target' ? way.rule : null,
    asks_password: link.terms?.password !== undefined,
    device: deviceOf(userAgent) ?? null,
    languages: languagesOf(acceptLanguage),
  };
}

/** @throws InvalidRequestError */
export function parseDryRun(body: unknown): DryRun {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidRequestError([{ field: '', rule: 'not_an_object', reason: 'must be a JSON object' }]);
  }
  const fields = body as Readonly<Record<string, unknown>>;
  const problems: FieldProblem[] = unknownFields(fields, FIELDS);
  const userAgent = textIn(fields, 'user_agent', HEADER_MAX_LENGTH, problems);
  const acceptLanguage = textIn(fields, 'accept_language', HEADER_MAX_LENGTH, problems);
  const query = textIn(fields, 'query', QUERY_MAX_LENGTH, problems)?.replace(/^\?/, '') ?? '';
  if (!VISIBLE_ASCII.test(query)) problems.push(problem('query', 'bad_character', DRY_RUN_RULES.query.bad_character));
  const at = fields.at == null ? undefined : parseTime(fields.at);
  if (typeof at === 'string') problems.push(problem('at', at, TIME_RULES[at]));
  if (problems.length > 0) throw new InvalidRequestError(problems);
  return { userAgent, acceptLanguage, query, atMs: at as number | undefined };
}

function textIn(
  fields: Readonly<Record<string, unknown>>,
  name: 'user_agent' | 'accept_language' | 'query',
  most: number,
  problems: FieldProblem[],
): string | undefined {
  const value = fields[name];
  if (value == null) return undefined;
  const rules = DRY_RUN_RULES[name];
  if (typeof value !== 'string') problems.push(problem(name, 'not_a_string', rules.not_a_string));
  else if (value.length > most) problems.push(problem(name, 'too_long', rules.too_long));
  else return value;
  return undefined;
}

const problem = (field: string, rule: string, reason: string): FieldProblem => ({ field, rule, reason });
