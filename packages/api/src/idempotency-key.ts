/** The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07). */
import { createHash } from 'node:crypto';
import { BadRequestError } from '@lakh/http';
import type { Digest } from '@lakh/links';
import type { Registry } from '@lakh/process';
import { Counter } from 'prom-client';

const KEY_MAX_LENGTH = 255;
/** A string of RFC 9651 §3.3.3, without parameters: none is defined. */
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const PRINTABLE = /^[\x20-\x7e]+$/;
/** What programs send that never heard of structured fields, UUIDs above all: a token (RFC 9651 §3.3.4) that may begin with a digit. */
const BARE = /^[\w!#$%&'*+\-.^`|~:/]+$/;

/**
 * The key of a request, as it is meant: `"a"` and `a` are the same one. Undefined where there is none.
 *
 * @throws BadRequestError for anything else than one string, or a bare token, of 1 to 255 characters
 */
export function idempotencyKeyOf(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = String(header);
  // An escaped character takes two.
  const quoted = text.length <= 2 * KEY_MAX_LENGTH + 2 ? QUOTED.exec(text)?.[1]?.replaceAll(/\\(.)/g, '$1') : undefined;
  const key = quoted ?? (text.length <= KEY_MAX_LENGTH && BARE.test(text) ? text : undefined);
  if (key === undefined || key === '' || key.length > KEY_MAX_LENGTH) {
    throw new BadRequestError(
      'Idempotency-Key is one string of 1 to 255 characters, such as "8e03978e-40d5-43dd-bc93-6894a57f9324".',
    );
  }
  return key;
}

/** A key beside the fields of a link, in a line of its own. */
export function isKey(value: unknown): value is string {
  return typeof value === 'string' && value.length <= KEY_MAX_LENGTH && PRINTABLE.test(value);
}

export const digest: Digest = (text) => createHash('sha256').update(text).digest('hex');

/** Whom to tell of each answer that was given before. */
export function countReplays(registry: Registry): () => void {
  const replays = new Counter({
    name: 'lakh_idempotent_replays_total',
    help: 'Creates and edits answered with what an earlier request with the same Idempotency-Key asked for.',
    registers: [registry],
  });
  return () => replays.inc();
}
