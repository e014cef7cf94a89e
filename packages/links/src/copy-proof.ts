import type { CopyState } from './copy-state.js';

/** The sending of a poll, and the pulse that it found. */
interface Poll {
  readonly sentMs: number;
  readonly pulse: number;
}

/**
 * Since when what the copy holds of a bucket is certainly up to date, as far as one connection can tell.
 *
 * A poll that was sent at some moment found pulse p; a later one finds p + 2. The round that made p + 2 of p + 1 had read p + 1, so it began
 * after that moment, and read the log after that. So what the copy holds has everything that was committed before that moment. One advance is not
 * enough: its round may have read the log long before, and stood still since.
 */
export class CopyProof {
  #epoch: string | undefined;
  #provenMs = Number.NEGATIVE_INFINITY;
  /** The latest polls of the last two pulses that were found. */
  #previous: Poll | undefined;
  #last: Poll | undefined;

  /** In which the bucket's links are kept, as the last poll found it. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** The moment before which everything that was committed is in the copy, by the clock of polls. */
  get provenMs(): number {
    return this.#provenMs;
  }

  /** @param sentMs no later than the poll was sent, and no earlier than the one before */
  polled(sentMs: number, state: CopyState | undefined): void {
    if (state === undefined || state.epoch !== this.#epoch || state.pulse < (this.#last?.pulse ?? 0)) {
      this.#epoch = state?.epoch;
      this.#provenMs = Number.NEGATIVE_INFINITY;
      this.#previous = undefined;
      this.#last = undefined;
    }
    if (state === undefined) return;
    const { pulse } = state;
    for (const poll of [this.#previous, this.#last]) {
      if (poll !== undefined && poll.pulse + 2 <= pulse) this.#provenMs = Math.max(this.#provenMs, poll.sentMs);
    }
    if (pulse !== this.#last?.pulse) this.#previous = this.#last;
    this.#last = { sentMs, pulse };
  }
}
