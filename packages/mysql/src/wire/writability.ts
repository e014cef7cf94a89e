import { SqlFailure } from './errors.js';
import { Health } from './health.js';
import { settledWithin } from './settled-within.js';

export interface WritabilityOptions {
  /** Stores rows and takes them back, and commits something, within `deadlineMs`; rejects as the server does. */
  readonly prove: (deadlineMs: number) => Promise<void>;
  readonly changed: (writable: boolean, reason: string) => void;
  readonly random: () => number;
}

/**
 * How long a proof waits for its answer. Where commits stand still (a full disk under a binary log, a primary that nobody acknowledges) each that is given up
 * leaves a connection behind, and its commit; one that waits costs one connection, and is answered as soon as they go on.
 */
const PATIENCE_MS = 600_000;
/** Longer than a proof takes on a server that takes rows. */
const UNANSWERED_MS = 1_000;

/**
 * Whether a server that answers takes rows too. One refusal is enough to know that it does not: what comes after it would be
 * refused as well, at the price of a counter each. Only a proof ends that, in the background or because somebody asks for one.
 */
export class Writability {
  readonly #health: Health;
  readonly #options: WritabilityOptions;
  #isProven = false;
  #proof: Promise<void> | undefined;

  constructor(options: WritabilityOptions) {
    this.#options = options;
    const { changed, random } = options;
    this.#health = new Health({ probe: () => this.#prove(), changed, random, failuresToOpen: 1 });
  }

  /** Why rows are refused; empty while nothing says that they are. */
  get refusal(): string {
    return this.#health.reason;
  }

  refused(reason: string): void {
    this.#isProven = false;
    this.#health.failure(reason);
  }

  /** A write had no answer, and a read has: looks whether it was that write alone. */
  async unanswered(reason: string): Promise<void> {
    if (this.refusal !== '') return;
    this.#isProven = false;
    // What it is refused or fails with, the pool tells as of any write.
    const proof = this.#prove().catch(() => {});
    if ((await settledWithin(proof, UNANSWERED_MS)) === 'pending') this.refused(reason);
  }

  /** Resolves once rows have been taken since the start and since the last refusal; within `deadlineMs`. */
  async proven(deadlineMs: number): Promise<void> {
    if (this.#isProven) return;
    const proof = this.#prove();
    if ((await settledWithin(proof, deadlineMs)) === 'pending') {
      throw new SqlFailure('lost', `rows were not taken within ${deadlineMs} ms`);
    }
    this.#health.success();
  }

  /** Somebody else takes the rows now: nothing is known of this server, and nothing is tried. */
  forget(): void {
    this.#isProven = false;
    this.#proof = undefined;
    this.#health.forget();
  }

  close(): void {
    this.#health.close();
  }

  /** One at a time, whoever asks. */
  #prove(): Promise<void> {
    if (this.#proof) return this.#proof;
    const proof = this.#options
      .prove(PATIENCE_MS)
      .then(() => {
        if (this.#proof === proof) this.#isProven = true;
      })
      .finally(() => {
        if (this.#proof === proof) this.#proof = undefined;
      });
    this.#proof = proof;
    return proof;
  }
}
