/** What an Idempotency-Key means: whose it is, what it was used for, and for how long. */
import type { Actor } from './actor.js';
import { IdempotencyKeyInUseError, IdempotencyKeyReusedError } from './errors.js';

/** How long what was done with a key is repeated, and no other request may have it. */
export const IDEMPOTENCY_KEY_KEPT_MS = 24 * 60 * 60 * 1000;

/** A cryptographic hash of a text, as 64 lower-case hexadecimal digits. */
export type Digest = (text: string) => string;

/** A request that came with a key. Stores see hashes alone. */
export interface KeyedRequest {
  /** Of the key, its caller and what it is for. */
  readonly keyHash: string;
  /** Of what is asked for. */
  readonly requestHash: string;
}

/** Whether a key that was first used at `sinceMs` still stands for what it was used for. */
export function isKept(sinceMs: number, nowMs: number): boolean {
  return nowMs - sinceMs < IDEMPOTENCY_KEY_KEPT_MS;
}

/** @throws IdempotencyKeyReusedError where a key stands for another request */
export function demandSame(keptHash: string, { requestHash }: Pick<KeyedRequest, 'requestHash'>): void {
  if (keptHash === requestHash) return;
  throw new IdempotencyKeyReusedError('This Idempotency-Key was used for another request.');
}

/**
 * The keys that come to one process, one request of each at a time. The anonymous are one caller: what stands under a key of theirs is told to
 * nobody but who asks for the very same.
 */
export class IdempotencyKeys {
  readonly #digest: Digest;
  readonly #inUse = new Set<string>();

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  /**
   * Runs `work` for a request with a key.
   *
   * @param purpose what it is used for: a key for one link says nothing of another
   * @param asked the request in its normal form
   * @throws IdempotencyKeyInUseError while another request with it is under way here
   */
  async use<T>(
    { key, actor, purpose, asked }: { key: string; actor: Actor; purpose: readonly unknown[]; asked: object },
    work: (request: KeyedRequest) => Promise<T>,
  ): Promise<T> {
    const requestHash = this.#digest(JSON.stringify(asked));
    const keyHash = this.#digest(JSON.stringify([actor.kind, actor.name, ...purpose, key]));
    if (this.#inUse.has(keyHash)) {
      throw new IdempotencyKeyInUseError('A request with this Idempotency-Key is under way.');
    }
    this.#inUse.add(keyHash);
    try {
      return await work({ keyHash, requestHash });
    } finally {
      this.#inUse.delete(keyHash);
    }
  }
}
