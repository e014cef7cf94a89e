import type { FieldProblem, ShortenRequest } from '@lakh/links';

const KNOWN = new Set(['long_url', 'alias', 'expires_at']);

/** How much of an unknown field's name is repeated to the caller. */
const NAME_SHOWN_MAX = 64;

export interface CreateRequest {
  /** For the domain to validate: any field may still be of any type. */
  readonly link: ShortenRequest;
  /** What only the wire format can be wrong about. */
  readonly problems: readonly FieldProblem[];
}

/** Takes the JSON body of a create apart: an object, with no field that the API does not have. */
export function parseCreateRequest(body: unknown): CreateRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return {
      link: { longUrl: undefined },
      problems: [{ field: '', rule: 'not_an_object', reason: 'must be a JSON object' }],
    };
  }
  const fields = body as { readonly [name: string]: unknown };
  const problems: FieldProblem[] = [];
  for (const name in fields) {
    if (KNOWN.has(name)) continue;
    problems.push({ field: name.slice(0, NAME_SHOWN_MAX), rule: 'unknown_field', reason: 'there is no such field' });
  }
  if (!Object.hasOwn(fields, 'long_url')) problems.push({ field: 'long_url', rule: 'missing', reason: 'is required' });
  return { link: { longUrl: fields.long_url, alias: fields.alias, expiresAt: fields.expires_at }, problems };
}
