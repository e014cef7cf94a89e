/** One process's way to one server: delays, losses, cut-offs; in order, as a connection is. */
import type { SimulatedClock } from '@lakh/testkit';
import type { Coverage } from '../coverage.js';
import type { SimulatedProcess } from '../process.js';

export interface WireFaults {
  /** Of each request. */
  rate: number;
  readonly random: () => number;
  readonly coverage: Coverage;
}

export interface WireOptions {
  readonly process: SimulatedProcess;
  readonly time: SimulatedClock;
  readonly faults: WireFaults;
  readonly deadlineMs: number;
  /** When the server would see to what arrives at a moment. */
  readonly servedMs: (atMs: number) => number;
  readonly name: string;
}

const WAY_MS = 3;
const SLOW_MS = 900;

const FATES = ['slow request', 'slow answer', 'lost request', 'lost answer', 'refused'] as const;

export class RefusedError extends Error {}
export class UnansweredError extends Error {}

export class Wire {
  readonly #options: WireOptions;
  #isCut = false;
  #sentMs = 0;
  #answeredMs = 0;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** What is under way still arrives; nothing is answered, and nothing more arrives. */
  cut(): void {
    this.#isCut = true;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Rejects with {@link RefusedError} where nothing was done, and {@link UnansweredError} where it may have been. */
  request<T>(what: string, run: () => T): Promise<T> {
    const { process, time, faults, deadlineMs, servedMs, name } = this.#options;
    const fate = faults.random() < faults.rate ? FATES[Math.floor(faults.random() * FATES.length)] : undefined;
    if (fate !== undefined) faults.coverage.add(`fault: ${name} ${what}, ${fate}`);
    const wayMs = (isSlow: boolean) => faults.random() * (isSlow ? SLOW_MS : WAY_MS);
    return new Promise((resolve, reject) => {
      const takeBack = process.clock.schedule(deadlineMs, () => reject(new UnansweredError(`${name}: no answer`)));
      const answer = (settle: () => void) => {
        if (this.#isCut || fate === 'lost answer') return;
        const nowMs = time.monotonicMs();
        this.#answeredMs = Math.max(this.#answeredMs, nowMs + wayMs(fate === 'slow answer'));
        time.schedule(this.#answeredMs - nowMs, () =>
          process.deliver(() => {
            takeBack();
            settle();
          }),
        );
      };
      if (this.#isCut || fate === 'lost request') return;
      const nowMs = time.monotonicMs();
      this.#sentMs = Math.max(this.#sentMs, servedMs(nowMs + wayMs(fate === 'slow request')));
      time.schedule(this.#sentMs - nowMs, () => {
        if (this.#isCut && fate !== 'slow request') return;
        if (fate === 'refused') return answer(() => reject(new RefusedError(`${name}: refused`)));
        try {
          const result = run();
          answer(() => resolve(result));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }
}
