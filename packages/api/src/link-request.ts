import {
  type EditRequest,
  type FieldProblem,
  FURTHER_FIELDS,
  type FurtherFields,
  type ShortenRequest,
  unknownField,
} from '@lakh/links';

const EDITABLE = ['long_url', 'expires_at', 'redirect_status'] as const;
const FIELDS_OF_EDIT: ReadonlySet<string> = new Set([...EDITABLE, ...FURTHER_FIELDS]);
const FIELDS_OF_CREATE: ReadonlySet<string> = new Set([...EDITABLE, 'alias', ...FURTHER_FIELDS]);
/** What nearly all requests have nothing beside. */
const PLAIN: ReadonlySet<string> = new Set([...EDITABLE, 'alias']);

/** How many of them are: of a thousand links with nothing else the answer would be many times what was sent. */
const UNKNOWN_SHOWN_MAX = 16;

export interface LinkRequest<Asked> {
  /** For the domain to validate: any field may still be of any type. */
  readonly link: Asked;
  /** What only the wire format can be wrong about. */
  readonly problems: readonly FieldProblem[];
}

/** Takes the JSON body of a create apart: an object, with no field that the API does not have. */
export function parseCreateRequest(body: unknown): LinkRequest<ShortenRequest> {
  const { fields, problems } = fieldsOf(body, FIELDS_OF_CREATE);
  if (fields === undefined) return { link: { longUrl: undefined }, problems };
  if (!Object.hasOwn(fields, 'long_url')) problems.push({ field: 'long_url', rule: 'missing', reason: 'is required' });
  const { long_url: longUrl, alias, expires_at: expiresAt, redirect_status: redirectStatus } = fields;
  return { link: { longUrl, alias, expiresAt, redirectStatus, fields: furtherOf(fields) }, problems };
}

/** The same of an edit, of which every field may be left out. */
export function parseEditRequest(body: unknown): LinkRequest<EditRequest> {
  const { fields = {}, problems } = fieldsOf(body, FIELDS_OF_EDIT);
  const { long_url: longUrl, expires_at: expiresAt, redirect_status: redirectStatus } = fields;
  return { link: { longUrl, expiresAt, redirectStatus, fields: furtherOf(fields) }, problems };
}

/** Undefined where none was sent. */
function furtherOf(fields: Fields): FurtherFields | undefined {
  let further: Record<string, unknown> | undefined;
  for (const name in fields) {
    if (PLAIN.has(name)) continue;
    further ??= {};
    further[name] = fields[name];
  }
  return further;
}

interface Fields {
  readonly [name: string]: unknown;
}

function fieldsOf(body: unknown, known: ReadonlySet<string>): { fields?: Fields; problems: FieldProblem[] } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { problems: [{ field: '', rule: 'not_an_object', reason: 'must be a JSON object' }] };
  }
  const fields = body as Fields;
  return {
    fields,
    problems: unknownFields(fields, known).map((problem) => ({ ...problem, ...keptOf(problem, known) })),
  };
}

/** What links are answered with, and keep: `there is no such field` would be no help to who sends back what they were answered. */
const KEPT: ReadonlySet<string> = new Set(['code', 'alias', 'short_url', 'created_at', 'owner']);

function keptOf({ field }: FieldProblem, known: ReadonlySet<string>): Pick<FieldProblem, 'reason'> | undefined {
  if (!KEPT.has(field)) return undefined;
  return { reason: field === 'code' && known.has('alias') ? 'cannot be set; did you mean alias?' : 'cannot be set' };
}

/** The first so many of the fields that there are not. */
export function unknownFields(fields: object, known: ReadonlySet<string>): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const name in fields) {
    if (known.has(name)) continue;
    problems.push(unknownField('', name, known));
    if (problems.length === UNKNOWN_SHOWN_MAX) break;
  }
  return problems;
}
