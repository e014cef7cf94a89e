/** What came of the requests of one fault, by what they were for. */

export const OPERATIONS = ['redirect', 'create', 'edit', 'delete'] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface OperationTally {
  asked: number;
  /** 5xx, 429, no connection or no answer in time. */
  failed: number;
  /** From the fault's beginning to the last request that failed; 0 where none did. */
  recoveredAfterMs: number;
  slowestMs: number;
  /** Why, and how often. */
  readonly reasons: Map<string, number>;
}

export class Tally {
  #beganMs: number;
  readonly #all = new Map<Operation, OperationTally>();

  constructor(beganMs: number) {
    this.#beganMs = beganMs;
  }

  /** The fault that was prepared until now has begun: what was counted stays. */
  begin(beganMs: number): void {
    this.#beganMs = beganMs;
  }

  /** `failure`: undefined where it was answered as it should be. */
  add(operation: Operation, sentMs: number, doneMs: number, failure: string | undefined): void {
    const tally = this.of(operation);
    tally.asked += 1;
    tally.slowestMs = Math.max(tally.slowestMs, doneMs - sentMs);
    if (failure === undefined) return;
    tally.failed += 1;
    tally.recoveredAfterMs = Math.max(tally.recoveredAfterMs, doneMs - this.#beganMs);
    tally.reasons.set(failure, (tally.reasons.get(failure) ?? 0) + 1);
  }

  of(operation: Operation): OperationTally {
    const known = this.#all.get(operation);
    if (known !== undefined) return known;
    const made: OperationTally = { asked: 0, failed: 0, recoveredAfterMs: 0, slowestMs: 0, reasons: new Map() };
    this.#all.set(operation, made);
    return made;
  }
}
