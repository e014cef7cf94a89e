/** What batches ask for, as it is on the wire. */
import { BadRequestError, InvalidRequestError } from '@lakh/http';
import type { FieldProblem } from '@lakh/links';
import { versionsOf } from './entity-tag.js';
import { isKey } from './idempotency-key.js';
import { unknownFields } from './link-request.js';

const FIELDS_OF_BATCH: ReadonlySet<string> = new Set(['links']);
const FIELDS_OF_DELETE: ReadonlySet<string> = new Set(['code', 'if_match', 'forever']);

/** Links of one JSON batch. */
export const BATCH_MAX_LINKS = 1_000;

/** Why a batch, or what it says beside the fields of a link, is refused, by field: the rule is stable, for programs; the sentence is for people. */
export const BATCH_RULES = {
  links: {
    missing: 'is required',
    not_an_array: 'must be an array',
    no_links: 'is empty',
    too_many: `has more than ${BATCH_MAX_LINKS} links; send several batches, or lines of application/x-ndjson`,
  },
  code: { missing: 'is required', not_a_string: 'must be a string' },
  if_match: {
    not_an_etag: 'must be an ETag as the link was answered with, such as "3" with its quotes, or several by commas',
  },
  forever: { not_a_boolean: 'must be true or false' },
  idempotency_key: { not_a_key: 'must be a string of 1 to 255 printable ASCII characters' },
} as const;

export interface DeleteRequest {
  readonly code: string;
  readonly ifVersions: readonly number[] | undefined;
  /** Nothing of it is kept. */
  readonly forever: boolean;
}

/** The items of a batch. @throws InvalidRequestError */
export function itemsOf(body: unknown): readonly unknown[] {
  const { fields, problems } = fieldsOf(body, FIELDS_OF_BATCH);
  const { links } = fields;
  if (links === undefined) problems.push(problem('links', 'missing'));
  if (problems.length > 0) throw new InvalidRequestError(problems);
  if (!Array.isArray(links)) throw invalid('links', 'not_an_array');
  if (links.length === 0) throw invalid('links', 'no_links');
  if (links.length > BATCH_MAX_LINKS) throw invalid('links', 'too_many');
  return links;
}

/** @throws InvalidRequestError */
export function parseDeleteRequest(body: unknown): DeleteRequest {
  const { fields, problems } = fieldsOf(body, FIELDS_OF_DELETE);
  const { code, if_match: ifMatch, forever } = fields;
  let ifVersions: readonly number[] | undefined;
  if (typeof code !== 'string') problems.push(problem('code', code === undefined ? 'missing' : 'not_a_string'));
  if (forever != null && typeof forever !== 'boolean') problems.push(problem('forever', 'not_a_boolean'));
  try {
    if (typeof ifMatch !== 'string' && ifMatch != null) problems.push(problem('if_match', 'not_an_etag'));
    else ifVersions = versionsOf(ifMatch ?? undefined);
  } catch (error) {
    if (!(error instanceof BadRequestError)) throw error;
    problems.push(problem('if_match', 'not_an_etag'));
  }
  if (problems.length > 0) throw new InvalidRequestError(problems);
  return { code: code as string, ifVersions, forever: forever === true };
}

/**
 * The key of a line, and the line without it.
 *
 * @throws InvalidRequestError
 */
export function keyOfLine(body: unknown): { readonly key?: string; readonly link: unknown } {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'idempotency_key')) return { link: body };
  const { idempotency_key: key, ...link } = body as Readonly<Record<string, unknown>>;
  if (key === null) return { link };
  if (!isKey(key)) throw invalid('idempotency_key', 'not_a_key');
  return { key, link };
}

interface Fields {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly problems: FieldProblem[];
}

function fieldsOf(body: unknown, known: ReadonlySet<string>): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidRequestError([{ field: '', rule: 'not_an_object', reason: 'must be a JSON object' }]);
  }
  return { fields: body as Fields['fields'], problems: unknownFields(body, known) };
}

type Rules = typeof BATCH_RULES;

function problem<Field extends keyof Rules>(field: Field, rule: keyof Rules[Field] & string): FieldProblem {
  return { field, rule, reason: String(BATCH_RULES[field][rule]) };
}

function invalid<Field extends keyof Rules>(field: Field, rule: keyof Rules[Field] & string): InvalidRequestError {
  return new InvalidRequestError([problem(field, rule)]);
}
