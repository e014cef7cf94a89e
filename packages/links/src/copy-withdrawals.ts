import type { CopyClock } from './link-copy.js';
import type { Invalidation } from './ports.js';

/** `overrun`: so many others came after it that it gave way. */
export type WithdrawalOutcome = 'done' | 'given-up' | 'overrun';

export interface CopyWithdrawalsOptions {
  readonly clock: Pick<CopyClock, 'schedule'>;
  /** @returns whether what was is out; rejects as a holder does */
  readonly withdraw: (changed: Invalidation) => Promise<boolean>;
  readonly onEnd?: ((outcome: WithdrawalOutcome) => void) | undefined;
}

/** After so long each time it is tried again: a master that was lost has a successor by the last one. */
const AGAIN_AFTER_MS = [250, 500, 1_000, 2_000, 4_000] as const;
/**
 * Under way at once, of one process. With the copy away each change is tried for the whole of that time: this many are 130 changes a second, and what they
 * ask of a copy that is there again in one moment is a fraction of a poll.
 */
const MOST_AT_ONCE = 1_024;

/** One that is under way. */
interface Withdrawal {
  readonly changed: Invalidation;
  attempts: number;
  /** Of its next attempt. */
  takeBack: () => void;
}

/** Takes out of the copy what changes that no round could bring there have left of before, as far as it can be reached, and not for ever. */
export class CopyWithdrawals {
  readonly #options: CopyWithdrawalsOptions;
  /** By the code, in the order in which they began. */
  readonly #underWay = new Map<string, Withdrawal>();

  constructor(options: CopyWithdrawalsOptions) {
    this.#options = options;
  }

  /** Begins one; an earlier one of the same code ends with it, for it takes out the same. */
  begin(changed: Invalidation): void {
    const key = keyOf(changed);
    this.#drop(key);
    for (const oldest of this.#underWay.keys()) {
      if (this.#underWay.size < MOST_AT_ONCE) break;
      // Of those whose time is over soonest: the copy would have to be back within it.
      this.#drop(oldest);
      this.#options.onEnd?.('overrun');
    }
    const own: Withdrawal = { changed, attempts: 0, takeBack: () => {} };
    this.#underWay.set(key, own);
    void this.#attempt(own);
  }

  /** Nothing is tried any more. */
  stop(): void {
    for (const key of this.#underWay.keys()) this.#drop(key);
  }

  get size(): number {
    return this.#underWay.size;
  }

  #drop(key: string): void {
    this.#underWay.get(key)?.takeBack();
    this.#underWay.delete(key);
  }

  async #attempt(own: Withdrawal): Promise<void> {
    const { clock, withdraw, onEnd } = this.#options;
    const isDone = await withdraw(own.changed).catch(() => false);
    const key = keyOf(own.changed);
    if (this.#underWay.get(key) !== own) return;
    const afterMs = AGAIN_AFTER_MS[own.attempts];
    own.attempts += 1;
    if (isDone || afterMs === undefined) {
      this.#underWay.delete(key);
      onEnd?.(isDone ? 'done' : 'given-up');
      return;
    }
    own.takeBack = clock.schedule(afterMs, () => void this.#attempt(own));
  }
}

const keyOf = ({ domainId, code }: Invalidation): string => `${domainId}:${code}`;
