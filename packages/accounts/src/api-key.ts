import type { Right } from '@lakh/links';

/** What a key may do, in the order in which it is shown. */
export const SCOPES = ['links:create', 'links:read', 'links:write', 'links:delete', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** What each scope is called where use cases ask for it. */
export const RIGHT_OF: Readonly<Record<Scope, Right>> = {
  'links:create': 'create',
  'links:read': 'read',
  'links:write': 'edit',
  'links:delete': 'delete',
  admin: 'admin',
};

/** All links, or those of its owner. */
export const REACHES = ['all', 'own'] as const;

export type Reach = (typeof REACHES)[number];

/** A key as it is kept: its secret is not. Times are Unix milliseconds. */
export interface ApiKey {
  /** Proves nothing: lists and logs show it. */
  readonly id: string;
  /** Unique among valid keys: what logs, allowances and idempotency keys go by. */
  readonly name: string;
  /** Whose the links are that it makes. */
  readonly owner: string;
  /** SHA-256 of its text, as 64 lower-case hexadecimal digits. */
  readonly sum: string;
  readonly scopes: readonly Scope[];
  readonly reach: Reach;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

/** Whether a key lets anybody in at `nowMs`. */
export function isValid({ expiresAtMs, revokedAtMs }: ApiKey, nowMs: number): boolean {
  return revokedAtMs === null && (expiresAtMs === null || nowMs < expiresAtMs);
}

/** A hash and random texts, which a room without I/O is given. */
export interface KeyCrypto {
  /** SHA-256, as 64 lower-case hexadecimal digits. */
  sumOf(text: string): string;
  /** In a time that tells nothing of where they differ. */
  isSame(sum: string, other: string): boolean;
  /** So many characters of `0-9A-Za-z`, each as likely as another. */
  random(length: number): string;
}

export const ID_LENGTH = 12;
/** 256 bits, and a little more: 62 to the power of 43. */
export const SECRET_LENGTH = 43;

const KEY_TEXT = new RegExp(`^lakh_([0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH}}$`);

/** The text of a key, which is shown once. */
export function keyText(id: string, secret: string): string {
  return `lakh_${id}_${secret}`;
}

/** The id in what may be the text of a key; undefined where it cannot be one. */
export function idIn(text: string): string | undefined {
  return KEY_TEXT.exec(text)?.[1];
}
