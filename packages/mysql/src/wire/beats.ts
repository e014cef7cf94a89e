/** How long a reader remembers the beats of the primary: a replica that is further behind is of no use. */
const REMEMBERED = 64;

/**
 * What beats prove. A writer puts a random nonce into one row of the primary, again and again. Whoever asked the primary at a moment, and was
 * answered with another nonce than n, knows that n was committed after that moment; so a replica that shows n has all that was committed before it.
 * Moments are the reader's own, by a clock that only grows: no clock of another machine is in it. Nonces are compared for equality, so that a
 * replica of somebody else proves nothing.
 */
export class Beats {
  /** By nonce: the latest moment before which everything is on a server that shows it. */
  readonly #since = new Map<string, number>();
  #last: { readonly nonce: string; readonly sentAtMs: number } | undefined;

  /** The primary answered a question that was sent at `sentAtMs`; questions come one after the other. */
  primaryShows(nonce: string, sentAtMs: number): void {
    if (this.#last !== undefined && this.#last.nonce !== nonce) {
      this.#since.set(nonce, this.#last.sentAtMs);
      for (const old of this.#since.keys()) {
        if (this.#since.size <= REMEMBERED) break;
        this.#since.delete(old);
      }
    }
    this.#last = { nonce, sentAtMs };
  }

  /** Before which moment a server that shows `nonce` has everything; undefined where that is not known. */
  completeUntil(nonce: string): number | undefined {
    return this.#since.get(nonce);
  }

  /** Another primary, or none: what was learned of the one before proves nothing. */
  forget(): void {
    this.#since.clear();
    this.#last = undefined;
  }
}
