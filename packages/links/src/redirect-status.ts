import type { FieldProblem } from './errors.js';
import { REDIRECT_STATUSES, type RedirectStatus } from './link.js';

/** Why a link's own status is refused: the rule is stable, for programs; the sentence is for people. */
export const REDIRECT_STATUS_RULES = { not_a_redirect: `must be one of ${REDIRECT_STATUSES.join(', ')}` } as const;

export type RedirectStatusResult =
  | { readonly redirectStatus: RedirectStatus }
  | { readonly problem: FieldProblem & { readonly rule: keyof typeof REDIRECT_STATUS_RULES } };

export function validateRedirectStatus(input: unknown): RedirectStatusResult {
  const known = REDIRECT_STATUSES.find((status) => status === input);
  if (known !== undefined) return { redirectStatus: known };
  return {
    problem: { field: 'redirect_status', rule: 'not_a_redirect', reason: REDIRECT_STATUS_RULES.not_a_redirect },
  };
}
