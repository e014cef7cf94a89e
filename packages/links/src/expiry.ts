import type { FieldProblem } from './errors.js';
import { parseTime, TIME_RULES } from './time.js';

/** Why an expiry is refused: the rule is stable, for programs; the sentence is for people. */
export const EXPIRY_RULES = { ...TIME_RULES, not_in_future: 'must be in the future' } as const;

export type ExpiryRule = keyof typeof EXPIRY_RULES;
export type ExpiryResult =
  | { readonly expiresAtMs: number }
  | { readonly problem: FieldProblem & { readonly rule: ExpiryRule } };

/** When a link stops redirecting. */
export function validateExpiry(input: unknown, nowMs: number): ExpiryResult {
  const expiresAtMs = parseTime(input);
  if (typeof expiresAtMs === 'string') return refused(expiresAtMs);
  return expiresAtMs <= nowMs ? refused('not_in_future') : { expiresAtMs };
}

function refused(rule: ExpiryRule): ExpiryResult {
  return { problem: { field: 'expires_at', rule, reason: EXPIRY_RULES[rule] } };
}
