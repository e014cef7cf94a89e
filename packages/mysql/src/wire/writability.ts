import { Health } from './health.js';

export interface WritabilityOptions {
  /** Stores rows and takes them back; rejects as the server does. */
  readonly prove: () => Promise<void>;
  readonly changed: (writable: boolean, reason: string) => void;
  readonly random: () => number;
}

/**
 * Whether a server that answers takes rows too. One refusal is enough to know that it does not: what comes after it would be
 * refused as well, at the price of a counter each. Only a proof ends that, in the background or because somebody asks for one.
 */
export class Writability {
  readonly #health: Health;
  readonly #prove: () => Promise<void>;
  #isProven = false;

  constructor({ prove, changed, random }: WritabilityOptions) {
    this.#prove = async () => {
      await prove();
      this.#isProven = true;
    };
    this.#health = new Health({ probe: this.#prove, changed, random, failuresToOpen: 1 });
  }

  /** Why rows are refused; empty while nothing says that they are. */
  get refusal(): string {
    return this.#health.reason;
  }

  refused(reason: string): void {
    this.#isProven = false;
    this.#health.failure(reason);
  }

  /** Resolves once rows have been taken since the start and since the last refusal. */
  async proven(): Promise<void> {
    if (this.#isProven) return;
    await this.#prove();
    this.#health.success();
  }

  close(): void {
    this.#health.close();
  }
}
