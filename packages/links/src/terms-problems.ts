import type { FieldProblem } from './errors.js';
import type { Link } from './link.js';
import { type LinkTerms, TERMS_MAX_LENGTH, termsText } from './terms.js';

/** Why terms that are right one by one are refused together. */
export const TERMS_RULES = {
  not_before: { not_before_expiry: 'must be before expires_at' },
  rules: { too_long: 'are too long together, with what else says how the link is followed' },
} as const;

/** What is wrong with a link's terms as a whole; each by itself is valid. */
export function problemsOfTerms({ terms, expiresAtMs }: Pick<Link, 'terms' | 'expiresAtMs'>): readonly FieldProblem[] {
  if (terms === null) return [];
  const problems: FieldProblem[] = [];
  if (terms.notBeforeMs !== undefined && expiresAtMs !== null && terms.notBeforeMs >= expiresAtMs) {
    const { not_before_expiry: reason } = TERMS_RULES.not_before;
    problems.push({ field: 'not_before', rule: 'not_before_expiry', reason });
  }
  if (terms.rules !== undefined && termsText(terms).length > TERMS_MAX_LENGTH) {
    problems.push({ field: 'rules', rule: 'too_long', reason: TERMS_RULES.rules.too_long });
  }
  return problems;
}

export function isSameTerms(one: LinkTerms | null, other: LinkTerms | null): boolean {
  if (one === null || other === null) return one === other;
  return termsText(one) === termsText(other);
}
