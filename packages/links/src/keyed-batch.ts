import type { ShortenResult } from './draft.js';
import { StoreUnavailableError } from './errors.js';
import { type Digest, demandSame, isKept, type KeyedRequest } from './idempotency.js';
import type { Reservation, ReservationStore } from './ports.js';

/** Several links that are created by one key. */
export interface KeyedBatch {
  /** Whether an earlier request with the key asked for them first. */
  readonly replayed: boolean;
  /** Creates the one at `index`, or finds it. */
  shorten(index: number): Promise<ShortenResult>;
}

/** Another process may be first, and what it left be forgotten in the same moment: once, not again and again. */
const ATTEMPTS_MAX = 3;

/**
 * Keeps, under the key of a batch, what the batch asks for, before anything is made of it: of two different batches with one key one is refused
 * as a whole. Each of its links has a reservation of its own, under a key that follows from this one and the link's index, so that any of them
 * may be finished by any later request.
 *
 * @returns when the batch was first asked for, which is when its links were made
 * @throws IdempotencyKeyReusedError
 */
export async function reserveBatch(
  { reservations, newInsertId }: { readonly reservations: ReservationStore; readonly newInsertId: () => string },
  { keyHash, requestHash }: KeyedRequest,
  nowMs: number,
): Promise<{ readonly replayed: boolean; readonly atMs: number }> {
  let standing = await reservations.find(keyHash);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    if (standing && isKept(standing.reservedAtMs, nowMs)) {
      demandSame(standing.requestHash, { requestHash });
      return { replayed: true, atMs: standing.reservedAtMs };
    }
    const own = headOf(requestHash, newInsertId(), nowMs);
    standing = await reservations.reserve(keyHash, own, standing);
    if (standing?.insertId === own.insertId) return { replayed: false, atMs: nowMs };
  }
  throw new StoreUnavailableError('the reservation of the batch was given up meanwhile');
}

/** It stands for no link: nothing is ever inserted by it. */
function headOf(requestHash: string, insertId: string, reservedAtMs: number): Reservation {
  return { requestHash, kind: 'alias', code: 'batch', counter: 0, insertId, reservedAtMs };
}

/** The key of one link of a batch. */
export function hashOfItem(digest: Digest, { keyHash, requestHash }: KeyedRequest, index: number): KeyedRequest {
  return { keyHash: digest(`${keyHash}:${index}`), requestHash };
}
