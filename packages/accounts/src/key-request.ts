import type { FieldProblem } from '@lakh/base';
import { parseTime } from '@lakh/links';
import { type ApiKey, REACHES, type Reach, SCOPES, type Scope } from './api-key.js';
import { InvalidKeyRequestError } from './errors.js';

/** As a caller sent it; nothing is validated yet. */
export interface KeyRequest {
  readonly name: unknown;
  /** Undefined or null: the name. */
  readonly owner?: unknown;
  /** Undefined or null: all that concern links. */
  readonly scopes?: unknown;
  /** Undefined or null: all. */
  readonly reach?: unknown;
  /** RFC 3339; undefined or null: none. */
  readonly expiresAt?: unknown;
}

const LINK_SCOPES = SCOPES.filter((scope) => scope !== 'admin');

const NAME = /^[0-9A-Za-z._-]{1,64}$/;
/** Shorter than `OWNER_MAX_LENGTH` of links. */
const OWNER = /^[0-9A-Za-z._@+-]{1,64}$/;

export type ValidKey = Pick<ApiKey, 'name' | 'owner' | 'scopes' | 'reach' | 'expiresAtMs'>;

/** @throws InvalidKeyRequestError naming every invalid field */
export function validateKey({ name, owner, scopes, reach, expiresAt }: KeyRequest, nowMs: number): ValidKey {
  const problems: FieldProblem[] = [];
  const refuse = (field: string, rule: string, reason: string) => void problems.push({ field, rule, reason });
  if (typeof name !== 'string' || !NAME.test(name)) {
    refuse('name', 'invalid_name', 'must be 1 to 64 of the characters 0-9 A-Z a-z . _ -');
  }
  const whose = owner ?? name;
  if (typeof whose !== 'string' || !OWNER.test(whose)) {
    if (owner != null) refuse('owner', 'invalid_owner', 'must be 1 to 64 of the characters 0-9 A-Z a-z . _ @ + -');
  }
  const asked = scopes ?? LINK_SCOPES;
  const known = Array.isArray(asked) && asked.length > 0 && asked.every((scope) => SCOPES.includes(scope as Scope));
  if (!known) refuse('scopes', 'invalid_scopes', `must be a list of ${SCOPES.join(', ')}`);
  if (reach != null && !REACHES.includes(reach as Reach)) refuse('reach', 'invalid_reach', 'must be all or own');
  const expiresAtMs = expiresAt == null ? null : parseTime(expiresAt);
  if (typeof expiresAtMs === 'string') {
    refuse('expires_at', 'not_a_time', 'must be a time as RFC 3339 has it, such as 2030-01-31T12:00:00Z');
  } else if (expiresAtMs !== null && expiresAtMs <= nowMs)
    refuse('expires_at', 'in_the_past', 'must be later than now');
  if (problems.length > 0) throw new InvalidKeyRequestError(problems);
  return {
    name: name as string,
    owner: whose as string,
    scopes: SCOPES.filter((scope) => (asked as readonly unknown[]).includes(scope)),
    reach: (reach ?? 'all') as Reach,
    expiresAtMs: expiresAtMs as number | null,
  };
}
