/**
 * A lease over two witnesses (the mark, ZooKeeper; the ledger, MySQL), such that either alone keeps ranges disjoint:
 *
 *   1. read the mark, then the head. The order matters: whoever leases writes the mark first and the ledger after, so a head
 *      read later than the mark is at least what the mark's writer saw (`ledgered`), or the ledger forgot. A head above the
 *      mark is normal while others lease; still above when the mark is read again, it means that ZooKeeper forgot. The first
 *      read may lag, which costs ZooKeeper no write: the write of the mark tells. What looks wrong is read again as it stands.
 *   2. write `<next + size> <head>` at the version that was read. Stale: somebody else was first, start over after a jittered
 *      pause. No answer: the range is abandoned for good, because an answer that was lost says nothing about what was written.
 *   3. record the range in the ledger, which refuses an overlap. Anything but `recorded`: abandoned for good. Skipping a range
 *      is always safe, issuing from one that is in doubt never is.
 *
 * First bootstrap: neither witness has anything. The ledger's head is created first, with a new cluster id, then the mark with
 * the same id; a crash between the two leaves a virgin ledger without a mark, which the next attempt finishes. A mark that is
 * missing beside a ledger that is not virgin is never created.
 *
 * A mark that is further above the head than servers honestly get it is refused before anything is taken from it, so that who can write the
 * mark alone cannot use up the space; an operator allows it by a repair, whose rows raise the head to the mark.
 *
 * What this process has seen is a floor: a mark or head below it is refused, whatever the other witness says.
 *
 * An attempt that took longer than it may is given up, even with both acknowledgements: it may have slept through the loss of both
 * witnesses, one after the other (attempt-age.ts).
 */
import { backoff } from '@lakh/base';
import { ATTEMPT_LIMIT_MS, startAge } from './attempt-age.js';
import {
  ClusterMismatchError,
  CounterSpaceEndedError,
  isRefusal,
  LeaseContentionError,
  LeaseTooOldError,
  LedgerForgotError,
  LedgerMissingError,
  LedgerNotEmptyError,
  MarkForgotError,
  MarkImplausibleError,
  MarkMissingError,
  RangeOverlapError,
  UnknownOutcomeError,
  WitnessCorruptError,
  WitnessUnavailableError,
} from './errors.js';
import type { LeaseObserver } from './observer.js';
import type {
  Clock,
  CounterRange,
  LeaseHolder,
  Ledger,
  LedgerHead,
  MarkSnapshot,
  MarkStore,
  MarkWrite,
  Randomness,
  RangeSource,
  ReadOptions,
} from './ports.js';
import { COUNTER_SPACE_END, FIRST_MARK, plausibleLead } from './space.js';

export interface TwoWitnessLeaseOptions {
  readonly marks: MarkStore;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly holder: LeaseHolder;
  /** A random UUID each time; used only by a first bootstrap. */
  readonly newClusterId: () => string;
  /** Counters end here: 62^7 by default, less where the codec covers less. Above FIRST_MARK. */
  readonly spaceEnd?: number;
  /** How often one lease may find its version stale before it gives up. */
  readonly maxAttempts?: number;
  /** How long one attempt may take; {@link ATTEMPT_LIMIT_MS} by default. A repair has to wait for longer. */
  readonly attemptLimitMs?: number | undefined;
  readonly observer?: LeaseObserver;
}

/** Measured leases take 3 ms: the first pause lets one other server through, the longest some tens of them. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/** Whose write was stale this often is told the mark as it stands: it may be another node that lags, and not others that lease. */
const LAGGING_ATTEMPTS = 3;

interface Witnessed {
  readonly snapshot: MarkSnapshot;
  readonly head: number;
}

export class TwoWitnessLease implements RangeSource {
  readonly #options: TwoWitnessLeaseOptions;
  #spaceEnd: number;
  #whyEnd = 'every counter has been leased';
  readonly #maxAttempts: number;
  readonly #attemptLimitMs: number;
  readonly #pauseMs: (attempt: number) => number;
  /** The highest mark and head that this process has seen; 0 before the first. */
  #seenMark = 0;
  #seenHead = 0;

  constructor(options: TwoWitnessLeaseOptions) {
    this.#options = options;
    this.#spaceEnd = options.spaceEnd ?? COUNTER_SPACE_END;
    this.#maxAttempts = options.maxAttempts ?? 50;
    this.#attemptLimitMs = options.attemptLimitMs ?? ATTEMPT_LIMIT_MS;
    const { random } = options;
    this.#pauseMs = backoff({ firstMs: FIRST_PAUSE_MS, capMs: LONGEST_PAUSE_MS, leastPart: 0, random });
    if (!Number.isSafeInteger(this.#spaceEnd) || this.#spaceEnd <= FIRST_MARK || this.#spaceEnd > COUNTER_SPACE_END) {
      throw new RangeError(`spaceEnd must lie in (${FIRST_MARK}, ${COUNTER_SPACE_END}], not ${this.#spaceEnd}`);
    }
    if (!Number.isSafeInteger(this.#maxAttempts) || this.#maxAttempts < 1) {
      throw new RangeError(`maxAttempts must be a positive integer, not ${this.#maxAttempts}`);
    }
  }

  /**
   * Leases the next `size` counters, fewer at the end of the space. Rejects with an `IdRangeError`; then nothing was leased, and
   * what may have been taken from the mark is abandoned.
   */
  async lease(size: number): Promise<CounterRange> {
    if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`a range has at least one counter, not ${size}`);
    const { clock, observer } = this.#options;
    const startedMs = clock.monotonicMs();
    try {
      const range = await this.#lease(size);
      observer?.leased(range, clock.monotonicMs() - startedMs);
      return range;
    } catch (error) {
      if (isRefusal(error)) observer?.refused(error);
      throw error;
    }
  }

  /**
   * The mark that both witnesses agree on, read as a lease reads it and with the same refusals; undefined while neither has been
   * used. Rejects as `lease()`.
   */
  async mark(): Promise<number | undefined> {
    const witnessed = await this.#readBoth({ mayLag: true });
    return witnessed === 'bootstrapping' ? undefined : witnessed.snapshot.mark.next;
  }

  /** From now on nothing at or above `counter` is leased: it is another's to encode. `why` is told when the mark gets there. */
  endAt(counter: number, why: string): void {
    if (counter >= this.#spaceEnd) return;
    this.#spaceEnd = counter;
    this.#whyEnd = why;
  }

  /** Counters of the space that no lease had covered when this process last saw the mark; undefined before it has. */
  get spaceLeft(): number | undefined {
    return this.#seenMark === 0 ? undefined : Math.max(0, this.#spaceEnd - this.#seenMark);
  }

  async #lease(size: number): Promise<CounterRange> {
    for (let attempt = 1; attempt <= this.#maxAttempts; attempt += 1) {
      const age = startAge(this.#options.clock);
      const witnessed = await this.#readBoth({ mayLag: attempt <= LAGGING_ATTEMPTS });
      if (witnessed === 'bootstrapping') continue;
      const start = witnessed.snapshot.mark.next;
      const most = plausibleLead(size);
      if (start - witnessed.head > most) throw new MarkImplausibleError(start, witnessed.head, most);
      if (start >= this.#spaceEnd) {
        throw new CounterSpaceEndedError(`the mark is ${start} and counters end at ${this.#spaceEnd}: ${this.#whyEnd}`);
      }
      // What was read so long ago is read again: a head from before a restore must not be what the mark remembers.
      if (age() > this.#attemptLimitMs) continue;
      const range = { start, end: Math.min(start + size, this.#spaceEnd) };
      const write = await this.#writeMark(witnessed, range);
      if (write.outcome === 'written') {
        // Before the record too: a row that nobody issues from, above a mark that was restored, would have to be repaired.
        this.#giveUpIfOld(age(), range);
        await this.#record(range, write.witnessVersion);
        this.#giveUpIfOld(age(), range);
        return range;
      }
      await this.#pause(attempt);
    }
    throw new LeaseContentionError(this.#maxAttempts);
  }

  async #readBoth(options: ReadOptions): Promise<Witnessed | 'bootstrapping'> {
    // Taken before the reads, as in #readMark.
    const seen = { mark: this.#seenMark > 0, head: this.#seenHead > 0 };
    const first = await this.#readMark(options);
    const head = await this.#readHead();
    if (first === 'missing') return this.#bootstrap(head, seen);
    if (head === 'missing') throw new LedgerMissingError(first.mark.next);
    if (head.clusterId !== first.clusterId) throw new ClusterMismatchError(first.clusterId, head.clusterId);
    if (head.head < first.mark.ledgered) throw new LedgerForgotError(head.head, first.mark.ledgered, 'the mark');
    if (head.head <= first.mark.next) return { snapshot: first, head: head.head };
    const again = await this.#readMark();
    if (again === 'missing') throw new MarkMissingError(head.head);
    if (head.clusterId !== again.clusterId) throw new ClusterMismatchError(again.clusterId, head.clusterId);
    if (head.head > again.mark.next) throw new MarkForgotError(again.mark.next, head.head, 'the ledger');
    return { snapshot: again, head: head.head };
  }

  /**
   * The mark is missing. Takes one step of the first bootstrap, or refuses; the caller reads both again. What this process has
   * `seen` before is no first start any more; a virgin ledger without a mark still is, half of one.
   */
  async #bootstrap(head: LedgerHead | 'missing', seen: { mark: boolean; head: boolean }): Promise<'bootstrapping'> {
    const { ledger, marks, newClusterId } = this.#options;
    if (head === 'missing') {
      if (seen.head || seen.mark) throw new LedgerMissingError();
      if ((await ledger.create(FIRST_MARK, newClusterId())) === 'not-empty') throw new LedgerNotEmptyError();
      return 'bootstrapping';
    }
    if (head.virgin && !seen.mark) {
      await marks.create({ next: head.head, ledgered: head.head }, head.clusterId);
      return 'bootstrapping';
    }
    // Another server may have bootstrapped and leased between the two reads; then the mark is there by now.
    if ((await this.#readMark()) === 'missing') throw new MarkMissingError(head.head);
    return 'bootstrapping';
  }

  /** With `mayLag`, a mark that is there may be old, but not older than what this process has seen. */
  async #readMark(options: ReadOptions = {}): Promise<MarkSnapshot | 'missing'> {
    // Taken before the read: another lease of this process may raise it while this answer is on its way.
    const floor = this.#seenMark;
    const snapshot = await this.#options.marks.read(options);
    const looksOld = snapshot === 'missing' || snapshot.mark.next < floor;
    if (looksOld && options.mayLag === true) return this.#readMark();
    if (snapshot === 'missing') return snapshot;
    const { next, ledgered } = snapshot.mark;
    if (!isCounter(next, FIRST_MARK, COUNTER_SPACE_END) || !isCounter(ledgered, 0, next)) {
      throw new WitnessCorruptError(`the mark is next ${next}, ledgered ${ledgered}, which no server of Lakh writes`);
    }
    if (next < floor) throw new MarkForgotError(next, floor, 'this process');
    this.#seenMark = Math.max(this.#seenMark, next);
    return snapshot;
  }

  async #readHead(): Promise<LedgerHead | 'missing'> {
    const floor = this.#seenHead;
    const head = await this.#options.ledger.head();
    if (head === 'missing') return head;
    if (!isCounter(head.head, FIRST_MARK, COUNTER_SPACE_END)) {
      throw new WitnessCorruptError(`the ledger's head is ${head.head}, which no server of Lakh writes`);
    }
    if (head.head < floor) throw new LedgerForgotError(head.head, floor, 'this process');
    this.#seenHead = Math.max(this.#seenHead, head.head);
    return head;
  }

  async #writeMark({ snapshot, head }: Witnessed, range: CounterRange): Promise<MarkWrite> {
    // A mark that was read twice may know of a higher head than the one read in between; its height must not shrink.
    const mark = { next: range.end, ledgered: Math.max(head, snapshot.mark.ledgered) };
    try {
      const write = await this.#options.marks.write(snapshot.version, mark);
      if (write.outcome === 'written') this.#seenMark = Math.max(this.#seenMark, range.end);
      return write;
    } catch (error) {
      if (error instanceof WitnessUnavailableError) throw error;
      this.#options.observer?.abandoned('mark_write_unknown', range);
      throw asUnknown(error, `the mark's write of [${range.start}, ${range.end})`);
    }
  }

  async #record(range: CounterRange, witnessVersion: number): Promise<void> {
    const { clock, holder, ledger, observer } = this.#options;
    let answer: 'recorded' | 'overlap';
    try {
      answer = await ledger.record({ range, holder, leasedAtMs: clock.wallMs(), witnessVersion });
    } catch (error) {
      const failed = error instanceof WitnessUnavailableError || error instanceof LedgerMissingError;
      observer?.abandoned(failed ? 'ledger_record_failed' : 'ledger_record_unknown', range);
      throw failed ? error : asUnknown(error, `the ledger's record of [${range.start}, ${range.end})`);
    }
    if (answer !== 'recorded') {
      observer?.abandoned('ledger_overlap', range);
      throw new RangeOverlapError(range.start, range.end);
    }
    this.#seenHead = Math.max(this.#seenHead, range.end);
  }

  #giveUpIfOld(ageMs: number, range: CounterRange): void {
    if (ageMs <= this.#attemptLimitMs) return;
    this.#options.observer?.abandoned('attempt_too_old', range);
    throw new LeaseTooOldError(ageMs, this.#attemptLimitMs);
  }

  #pause(attempt: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.schedule(this.#pauseMs(attempt), resolve);
    });
  }
}

function isCounter(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

/** An error that an adapter did not name says nothing about what was applied. */
function asUnknown(error: unknown, what: string): UnknownOutcomeError {
  if (error instanceof UnknownOutcomeError) return error;
  return new UnknownOutcomeError(`${what} failed in a way that does not say whether it was applied`, { cause: error });
}
