import { hash } from 'node:crypto';

/** 132 bits, in base64url. */
export const SEAL_LENGTH = 22;

/** What only who has the key can say of a text. */
export type Seal = (text: string) => string;

/**
 * A keyed hash: SHA-512/256 of the key and the text. It cannot be lengthened, as a plain SHA-256 could, so the key in front is all that it
 * takes, and it costs 1 µs where an HMAC object costs 2.5 (ADR 0020).
 *
 * @param key 256 random bits
 */
export function createSeal(key: Uint8Array): Seal {
  const prefix = Buffer.from(key).toString('base64url');
  return (text) => hash('sha512-256', prefix + text, 'base64url').slice(0, SEAL_LENGTH);
}
