import type { FieldProblem } from '@lakh/links';

/** The fields of a create request, typed but not yet validated by the domain. */
export interface CreateFields {
  readonly longUrl: string;
  readonly alias: string | undefined;
  readonly expiresAt: string | undefined;
}

const OPTIONAL = new Set(['alias', 'expires_at']);
const KNOWN = new Set(['long_url', ...OPTIONAL]);

/** How much of an unknown field's name is repeated to the caller. */
const NAME_SHOWN_MAX = 64;

/**
 * Takes the JSON body apart: an object with strings, no field that the API does not have. `null` counts as absent for optional
 * fields, as clients of typed languages send it. Every problem is named at once.
 */
export function parseCreateRequest(body: unknown): CreateFields | { readonly problems: readonly FieldProblem[] } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { problems: [{ field: '', rule: 'not_an_object', reason: 'the body must be a JSON object' }] };
  }
  const problems: FieldProblem[] = [];
  for (const [name, value] of Object.entries(body)) {
    if (!KNOWN.has(name)) {
      problems.push({ field: name.slice(0, NAME_SHOWN_MAX), rule: 'unknown_field', reason: 'there is no such field' });
    } else if (typeof value !== 'string' && !(value === null && OPTIONAL.has(name))) {
      problems.push({ field: name, rule: 'not_a_string', reason: 'must be a string' });
    }
  }
  const fields = body as { long_url?: string; alias?: string | null; expires_at?: string | null };
  if (!Object.hasOwn(body, 'long_url')) {
    problems.push({ field: 'long_url', rule: 'missing', reason: 'is required' });
  }
  if (problems.length > 0) return { problems };
  return {
    longUrl: fields.long_url as string,
    alias: fields.alias ?? undefined,
    expiresAt: fields.expires_at ?? undefined,
  };
}
