/** One beat of a writer on the primary: its number, and a random nonce, 16 lower-case hexadecimal digits. */
export interface Beat {
  readonly seq: number;
  readonly nonce: string;
}

/** How many beats of the primary a reader remembers: a replica that is further behind is of no use. */
const REMEMBERED = 64;

/**
 * What beats prove. A writer replaces the beat on the primary again and again. Whoever asked the primary at a moment, and was answered with an earlier beat
 * than b, knows that b was committed after that moment; so a replica that shows b has all that was committed before it. (A beat that the primary has at
 * a moment proves nothing about that moment: more may have been committed since the beat.) Moments are the reader's own, by a clock that only grows: no
 * clock of another machine is in it. A replica's beat is looked up by its nonce, so that the same number in another history proves nothing, and the
 * primary's numbers have to rise, so that an old beat that comes back with a history that lost its end is none that is new.
 */
export class Beats {
  /** By nonce: the latest moment before which everything is on a server that shows it. */
  readonly #since = new Map<string, number>();
  #last: { readonly beat: Beat; readonly sentAtMs: number } | undefined;

  /** The primary answered a question that was sent at `sentAtMs`; questions come one after the other. */
  primaryShows(beat: Beat, sentAtMs: number): void {
    const last = this.#last;
    if (last !== undefined && last.beat.nonce !== beat.nonce) {
      if (beat.seq > last.beat.seq) this.#since.set(beat.nonce, last.sentAtMs);
      else this.forget();
      const [oldest] = this.#since.keys();
      if (this.#since.size > REMEMBERED && oldest !== undefined) this.#since.delete(oldest);
    }
    this.#last = { beat, sentAtMs };
  }

  /** Before which moment a server that shows `beat` has everything; undefined where that is not known. */
  completeUntil({ nonce }: Beat): number | undefined {
    return this.#since.get(nonce);
  }

  /** Another primary, or none: what was learned of the one before proves nothing. */
  forget(): void {
    this.#since.clear();
    this.#last = undefined;
  }
}
