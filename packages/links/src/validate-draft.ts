import { validateAlias } from './alias.js';
import { type Draft, fromNothing, type ShortenRequest } from './draft.js';
import { type FieldProblem, InvalidLinkError } from './errors.js';
import { validateExpiry } from './expiry.js';
import { validateFurther } from './further-fields.js';
import { type LongUrlPolicy, validateLongUrl } from './long-url.js';
import { validateRedirectStatus } from './redirect-status.js';
import { problemsOfTerms } from './terms-problems.js';

const NOTHING_MORE = { terms: null, details: null, password: undefined } as const;

/**
 * What a request asks for. Looks at every field before it complains, so that a caller learns of all problems at once.
 *
 * @throws InvalidLinkError
 */
export function validateDraft(
  domainId: number,
  request: ShortenRequest,
  policy: LongUrlPolicy,
  nowMs: number,
  owner: string,
): Draft {
  const url = validateLongUrl(request.longUrl, policy);
  const alias = request.alias == null ? { alias: undefined } : validateAlias(request.alias);
  const expiry = request.expiresAt == null ? { expiresAtMs: null } : validateExpiry(request.expiresAt, nowMs);
  const status =
    request.redirectStatus == null ? { redirectStatus: null } : validateRedirectStatus(request.redirectStatus);
  const expiresAtMs = 'problem' in expiry ? null : expiry.expiresAtMs;
  const further = request.fields === undefined ? undefined : furtherOf(request.fields, policy, expiresAtMs);
  if ('problem' in url || 'problem' in alias || 'problem' in expiry || 'problem' in status || further?.problems) {
    throw new InvalidLinkError([
      ...[url, alias, expiry, status].flatMap((each) => ('problem' in each ? [each.problem] : [])),
      ...(further?.problems ?? []),
    ]);
  }
  const { terms, details, password } = further ?? NOTHING_MORE;
  return {
    domainId,
    longUrl: url.href,
    alias: alias.alias,
    createdAtMs: nowMs,
    expiresAtMs: expiry.expiresAtMs,
    redirectStatus: status.redirectStatus,
    terms,
    details,
    owner,
    password,
  };
}

type Further = Pick<Draft, 'terms' | 'details' | 'password'> & { readonly problems?: readonly FieldProblem[] };

function furtherOf(
  fields: NonNullable<ShortenRequest['fields']>,
  policy: LongUrlPolicy,
  expiresAtMs: number | null,
): Further {
  const { changes, problems } = validateFurther(fields, policy);
  const made = { ...fromNothing(changes), password: changes.password ?? undefined };
  const all = [...problems, ...problemsOfTerms({ terms: made.terms, expiresAtMs })];
  return all.length > 0 ? { ...made, problems: all } : made;
}
