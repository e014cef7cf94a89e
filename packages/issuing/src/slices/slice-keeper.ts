/**
 * Which worker of a server has which counters of its leases. A slice belongs to the worker that it was handed to from the moment before it is
 * sent, for good: only that worker gives any of it back, once it is sealed, and of a worker that has ended everything that it had not given
 * back is lost, for nobody knows what it issued. So no counter is ever with two workers, whatever becomes of a message or of a process.
 */
import {
  AllocatorSealedError,
  BrokenInvariantError,
  type CounterRange,
  type LossReason,
  type Slice,
} from '@lakh/id-range';
import { joinTails, type Tails } from './join-tails.js';

/** A worker's process; by identity. */
export type Holder = object;

export interface SliceKeeperOptions {
  /** The next counters of what is leased, so many at most; rejects while there are none. */
  readonly take: (most: number) => Promise<Slice>;
  /** Counters of a slice. */
  readonly size: number;
  /** At most these: a worker that ended may have issued some of them. */
  readonly onLost: (reason: LossReason, range: CounterRange) => void;
}

interface Account {
  /** What it was handed and has not said to be used up, the oldest first. */
  slices: Slice[];
  /** What came of its latest question; undefined: nothing, or nothing yet. */
  newest: Slice | undefined;
}

export class SliceKeeper {
  readonly #options: SliceKeeperOptions;
  readonly #accounts = new Map<Holder, Account>();
  readonly #gone = new WeakSet<Holder>();
  #returned: Slice[] = [];
  #ending: AllocatorSealedError | BrokenInvariantError | undefined;

  constructor(options: SliceKeeperOptions) {
    this.#options = options;
  }

  /** Counters that came back and are nobody's, and those with workers, as these last said what they held. */
  get heldIds(): number {
    const handed = [...this.#accounts.values()].flatMap(({ slices }) => slices);
    return [...this.#returned, ...handed].reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /**
   * Counters that are this worker's from now on; what came back goes first. `held`: what the worker has not issued of what it was handed before.
   * Rejects as an allocator does.
   */
  async hand(holder: Holder, held: readonly CounterRange[]): Promise<Slice> {
    this.#refuse(holder);
    const account = this.#accountOf(holder);
    account.slices = account.slices.filter((slice) => held.some((rest) => isTailOf(rest, slice)));
    account.newest = undefined;
    const slice = this.#returned.shift() ?? (await this.#options.take(this.#options.size));
    // It was never sent to a worker that has ended meanwhile.
    if (this.#ending !== undefined)
      this.#lose(this.#ending instanceof BrokenInvariantError ? 'broken' : 'leased_too_late', slice);
    else if (this.#gone.has(holder)) this.#returned.push(slice);
    this.#refuse(holder);
    account.slices.push(slice);
    account.newest = slice;
    return slice;
  }

  /**
   * From a worker that is sealed: `tails` are all that it did not issue of what it was handed, but for a slice that is on its way to it if it is
   * awaiting one, which it gives back when it arrives. What it was not handed, or has given back before, is passed over.
   */
  giveBack(holder: Holder, tails: readonly CounterRange[], isAwaiting: boolean): void {
    const account = this.#accounts.get(holder);
    if (account === undefined || this.#ending !== undefined) return;
    const onItsWay = isAwaiting ? account.newest : undefined;
    for (const slice of account.slices) {
      const tail = slice === onItsWay ? undefined : tails.find((rest) => isTailOf(rest, slice));
      if (tail) this.#returned.push({ ...tail, lease: slice.lease });
    }
    account.slices = onItsWay ? [onItsWay] : [];
  }

  /** To be called when a worker's process has ended: what it had is lost. */
  ended(holder: Holder): void {
    this.#gone.add(holder);
    const { slices } = this.#accountOf(holder);
    this.#accounts.delete(holder);
    for (const slice of slices) this.#lose('worker_gone', slice);
  }

  /** Hands out nothing any more. `rest`: what is leased and was never taken. Returns what can be given back of that and of what came back. */
  seal(rest: readonly CounterRange[]): Tails {
    if (this.#ending !== undefined) return { tails: [], lost: [] };
    this.#ending = new AllocatorSealedError();
    return joinTails(rest, this.#returned.splice(0));
  }

  /** Hands out nothing any more: a counter was found issued twice. What is with workers they drop themselves. */
  break(error: BrokenInvariantError): void {
    if (this.#ending instanceof BrokenInvariantError) return;
    this.#ending = error;
    for (const slice of this.#returned.splice(0)) this.#lose('broken', slice);
    this.#accounts.clear();
  }

  #accountOf(holder: Holder): Account {
    let account = this.#accounts.get(holder);
    if (account === undefined) {
      account = { slices: [], newest: undefined };
      this.#accounts.set(holder, account);
    }
    return account;
  }

  #lose(reason: LossReason, { start, end }: CounterRange): void {
    this.#options.onLost(reason, { start, end });
  }

  #refuse(holder: Holder): void {
    if (this.#ending !== undefined) throw this.#ending;
    if (this.#gone.has(holder)) throw new AllocatorSealedError();
  }
}

function isTailOf(rest: CounterRange, { start, end }: CounterRange): boolean {
  return start <= rest.start && rest.start < rest.end && rest.end === end;
}
