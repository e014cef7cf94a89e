/**
 * Remainders: the unissued tails of ranges, given back by a server that stops and taken before anything new is leased.
 *
 * Both witnesses take part in each direction, so that either alone keeps a counter from being issued twice:
 *
 *   give back   (sealed: this process issues nothing more)  →  the ledger cuts the tail off this process's own lease and has it
 *               as `released`  →  one attempt to make its entry in ZooKeeper.
 *   take        the entry is deleted at the version that was listed  →  the ledger turns it from `released` to `leased`.
 *
 * Each step is taken only after the one before it was acknowledged, and none is ever repeated: whatever has no certain outcome is
 * lost, and counted. ZooKeeper's part makes sure of it while the ledger refuses nothing: an entry is made once, by the owner of its
 * counters, and deleted once. The ledger's part does while ZooKeeper answers anything: a row is `released` by its owner alone and
 * claimed by exactly one update. A remainder above the mark was leased by nobody, so ZooKeeper forgot, and it is left alone.
 *
 * Only a clean stop gives back. A server that crashed, or that was paused, may still be issuing.
 *
 * A claim that took longer than an attempt may is given up like a lease (attempt-age.ts).
 */
import { ATTEMPT_LIMIT_MS, startAge } from './attempt-age.js';
import { IdRangeError, UnknownOutcomeError } from './errors.js';
import type { RemainderObserver } from './observer.js';
import type {
  Clock,
  CounterRange,
  LeaseHolder,
  Ledger,
  Randomness,
  RangeSource,
  Remainder,
  RemainderStore,
} from './ports.js';
import { COUNTER_SPACE_END, FIRST_MARK } from './space.js';
import type { TwoWitnessLease } from './two-witness-lease.js';

export interface ReclaimingLeaseOptions {
  /** Where ranges come from when no remainder is left, and the mark that remainders are compared with. */
  readonly lease: Pick<TwoWitnessLease, 'lease' | 'mark' | 'endAt'>;
  readonly remainders: RemainderStore;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Randomness;
  /** The same one as the lease's: the ledger releases what is on record for it. */
  readonly holder: LeaseHolder;
  /** As the lease's. */
  readonly spaceEnd?: number;
  /** Tails with fewer counters are not given back. */
  readonly smallestTail?: number | undefined;
  /** As the lease's, of one claim. */
  readonly attemptLimitMs?: number | undefined;
  readonly observer?: RemainderObserver;
}

/** What one look shows of the remainders; the next look shows the next ones. */
const LISTED = 64;
/** How many remainders one lease may find taken by others, or lose, before it leases instead. */
const CLAIMS = 8;
/** A claim that met another server's takes one of this many next, so that servers that start together part. */
const SPREAD = 4;

export class ReclaimingLease implements RangeSource {
  readonly #options: ReclaimingLeaseOptions;
  readonly #spaceEnd: number;
  /** Remainders beyond are for servers with a key that this one lacks. */
  #ownEnd = Number.POSITIVE_INFINITY;
  readonly #smallestTail: number;
  readonly #attemptLimitMs: number;

  constructor(options: ReclaimingLeaseOptions) {
    this.#options = options;
    this.#spaceEnd = options.spaceEnd ?? COUNTER_SPACE_END;
    this.#smallestTail = options.smallestTail ?? 100;
    this.#attemptLimitMs = options.attemptLimitMs ?? ATTEMPT_LIMIT_MS;
  }

  /** From now on nothing at or above `counter` is claimed; the same goes for the lease below. */
  endAt(counter: number, why: string): void {
    this.#ownEnd = Math.min(this.#ownEnd, counter);
    this.#options.lease.endAt(counter, why);
  }

  /** A remainder, the one with the smallest start first; a range of `size` counters where there is none. Rejects as the lease does. */
  async lease(size: number): Promise<CounterRange> {
    return (await this.#claimOne()) ?? this.#options.lease.lease(size);
  }

  /**
   * Gives back what the caller was the only one to hold and will never issue. Begins with none after `deadlineMs`; settles within
   * that and the adapters' deadlines of one tail. Never rejects: what could not be given back is lost, and the observer is told.
   */
  async release(tails: readonly CounterRange[], deadlineMs: number): Promise<void> {
    const { clock, observer } = this.#options;
    const dueMs = clock.monotonicMs() + deadlineMs;
    for (const tail of tails) {
      if (tail.end - tail.start < this.#smallestTail) observer?.notPublished('tail_too_short', tail);
      else if (clock.monotonicMs() >= dueMs) observer?.notPublished('no_time', tail);
      else await this.#releaseOne(tail);
    }
  }

  async #releaseOne(tail: CounterRange): Promise<void> {
    const { clock, holder, ledger, observer, remainders } = this.#options;
    try {
      if ((await ledger.release(tail, holder, clock.wallMs())) !== 'released') {
        observer?.notPublished('release_refused', tail);
        return;
      }
    } catch (error) {
      observer?.notPublished(mayBeApplied(error) ? 'release_unknown' : 'release_failed', tail, error);
      return;
    }
    try {
      if ((await remainders.publish(tail)) === 'published') observer?.published(tail);
      else observer?.notPublished('publish_exists', tail);
    } catch (error) {
      observer?.notPublished(mayBeApplied(error) ? 'publish_unknown' : 'publish_failed', tail, error);
    }
  }

  async #claimOne(): Promise<CounterRange | undefined> {
    const { observer, random } = this.#options;
    let open: Remainder[];
    try {
      open = await this.#plausible();
    } catch (error) {
      // Remainders are an economy. What is wrong with the witnesses, if anything, the lease finds out and tells.
      observer?.unlisted(error);
      return undefined;
    }
    let metAnother = false;
    for (let attempt = 0; attempt < CLAIMS && open.length > 0; attempt += 1) {
      const pick = metAnother ? Math.floor(random() * Math.min(SPREAD, open.length)) : 0;
      const [remainder] = open.splice(pick, 1) as [Remainder];
      const outcome = await this.#claim(remainder);
      if (outcome === 'claimed') return remainder.range;
      if (outcome === 'in doubt') return undefined;
      if (outcome === 'gone') metAnother = true;
    }
    return undefined;
  }

  async #plausible(): Promise<Remainder[]> {
    const { lease, observer, remainders } = this.#options;
    const listed = await remainders.list(LISTED);
    if (listed.malformed > 0) observer?.malformed(listed.malformed);
    if (listed.remainders.length === 0) return [];
    const mark = await lease.mark();
    const highest = Math.min(mark ?? 0, this.#spaceEnd);
    return listed.remainders.filter(({ range }) => {
      if (range.end > this.#ownEnd) return false;
      const isPlausible = range.start >= FIRST_MARK && range.start < range.end && range.end <= highest;
      if (!isPlausible) observer?.implausible(range);
      return isPlausible;
    });
  }

  /** `in doubt`: a witness does not answer, or too late, so that there is no use in going on. */
  async #claim(remainder: Remainder): Promise<'claimed' | 'gone' | 'refused' | 'in doubt'> {
    const { clock, holder, ledger, observer, remainders } = this.#options;
    const { range } = remainder;
    const age = startAge(clock);
    const isTooOld = (): boolean => {
      if (age() <= this.#attemptLimitMs) return false;
      observer?.notClaimed('claim_too_old', range);
      return true;
    };
    try {
      if ((await remainders.claim(remainder)) !== 'claimed') {
        observer?.missed(range);
        return 'gone';
      }
    } catch (error) {
      if (mayBeApplied(error)) observer?.notClaimed('delete_unknown', range, error);
      else observer?.unlisted(error);
      return 'in doubt';
    }
    if (isTooOld()) return 'in doubt';
    try {
      if ((await ledger.claim(range, holder, clock.wallMs())) !== 'claimed') {
        observer?.notClaimed('claim_refused', range);
        return 'refused';
      }
    } catch (error) {
      observer?.notClaimed(mayBeApplied(error) ? 'claim_unknown' : 'claim_failed', range, error);
      return 'in doubt';
    }
    if (isTooOld()) return 'in doubt';
    observer?.claimed(range);
    return 'claimed';
  }
}

/** An error that an adapter did not name says nothing about what was applied. */
function mayBeApplied(error: unknown): boolean {
  return error instanceof UnknownOutcomeError || !(error instanceof IdRangeError);
}
