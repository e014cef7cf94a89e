import { CodedError } from '@lakh/base';

/**
 * Every error of the allocator. Refusals name the runbook that says what to check and what to type. They speak of the mark and the ledger; what
 * these are (ZooKeeper and a database, one data file) their adapters' own errors say.
 */
export abstract class IdRangeError extends CodedError {}

/** Nothing left to issue right now; leases go on being tried in the background (I8). */
export class IdsExhaustedError extends IdRangeError {
  readonly code = 'ids_exhausted';
  /** The message is for clients too: it holds no more than the stable code of why leasing fails. */
  readonly publicDetail: string;
  /** Whole seconds, at least 1: when asking again may succeed. For `Retry-After`. */
  readonly retryAfterS: number;
  constructor(message = 'nothing is left to issue', retryAfterS = 1, options?: ErrorOptions) {
    super(message, options);
    this.publicDetail = message;
    this.retryAfterS = retryAfterS;
  }
}

/** The counter space itself has ended; no lease will ever succeed again. */
export class CounterSpaceEndedError extends IdRangeError {
  readonly code = 'counter_space_ended';
}

/** A witness could not be asked, and nothing was changed. */
export class WitnessUnavailableError extends IdRangeError {
  readonly code = 'witness_unavailable';
}

/** A write was sent and its answer never came: it may have been applied. Whatever it would have given is abandoned (I2). */
export class UnknownOutcomeError extends IdRangeError {
  readonly code = 'unknown_outcome';
}

/** A witness answered with something that cannot be a mark or a head (I6). */
export class WitnessCorruptError extends IdRangeError {
  readonly code = 'witness_corrupt';
  /** `what`: what was found, quoted, in place of what. */
  constructor(what: string, options?: ErrorOptions) {
    super(refusal('witness_corrupt', what, 'it was overwritten by something other than Lakh, or damaged'), options);
  }
}

/** Other servers wrote the mark first, as many times in a row as one lease tries. */
export class LeaseContentionError extends IdRangeError {
  readonly code = 'lease_contention';
  constructor(attempts: number) {
    super(`other servers moved the mark ${attempts} times in a row before this one could; nothing was leased`);
  }
}

/** Both witnesses may have acknowledged it, but it took longer than an attempt may: what it was given is abandoned. */
export class LeaseTooOldError extends IdRangeError {
  readonly code = 'lease_too_old';
  constructor(ageMs: number, limitMs: number) {
    super(
      `the attempt took ${Math.round(ageMs)} ms, and past ${limitMs} ms a lease is given up: this process was paused, or a witness is very slow`,
    );
  }
}

/** The allocator was sealed for shutdown: what it had left belongs to whoever it is handed to. */
export class AllocatorSealedError extends IdRangeError {
  readonly code = 'allocator_sealed';
  constructor() {
    super('this server is shutting down and has given up the counters it had left');
  }
}

/** A counter turned out to have been issued twice, or a range was handed out twice. Issuing stops until a restart. */
export class BrokenInvariantError extends IdRangeError {
  readonly code = 'broken_invariant';
  readonly what: string;
  constructor(what: string) {
    super(
      refusal('broken_invariant', what, 'a counter may have been issued twice, so this server issues nothing more'),
    );
    this.what = what;
  }
}

/** What an operator's check compares heights with, beside the other witness. */
export type HeightEvidence = 'a lease on record' | 'a link';

/** The mark is lower than the ledger, or than this process, knows it was: the first witness lost writes that it had acknowledged. */
export class MarkForgotError extends IdRangeError {
  readonly code = 'zookeeper_forgot';
  constructor(mark: number, known: number, knownBy: 'the ledger' | 'this process' | HeightEvidence) {
    super(
      refusal(
        'zookeeper_forgot',
        `the mark is ${mark}, but ${knownBy} knows that it was at least ${known}`,
        'the mark was wiped or restored from an old copy, and leasing from it would hand out counters again',
      ),
    );
  }
}

/** The ledger's head is lower than the mark's writer, or than this process, saw it: the ledger lost leases. */
export class LedgerForgotError extends IdRangeError {
  readonly code = 'ledger_forgot';
  constructor(head: number, known: number, knownBy: 'the mark' | 'this process' | HeightEvidence) {
    super(
      refusal(
        'ledger_forgot',
        `the ledger's head is ${head}, but ${knownBy} knows that it was at least ${known}`,
        'the ledger was restored from an old copy or an unsynchronised replica of it was promoted, so leases are missing from it',
      ),
    );
  }
}

/** The mark is further above the ledger than honest servers get it: see `plausibleLead`. */
export class MarkImplausibleError extends IdRangeError {
  readonly code = 'mark_implausible';
  constructor(mark: number, head: number, most: number) {
    super(
      refusal(
        'mark_implausible',
        `the mark is ${mark}, ${mark - head} above the ledger's head ${head}, and leases that were given up explain no more than ${most}`,
        'somebody other than Lakh raised the mark, or servers have been leasing in vain for days; what lies between would be lost',
      ),
    );
  }
}

/** The two witnesses belong to different systems. */
export class ClusterMismatchError extends IdRangeError {
  readonly code = 'cluster_mismatch';
  constructor(markClusterId: string, ledgerClusterId: string) {
    super(
      refusal(
        'cluster_mismatch',
        `the mark belongs to cluster ${markClusterId}, the ledger to cluster ${ledgerClusterId}`,
        'this server is configured with the mark of one system (or another chroot) and the ledger of another',
      ),
    );
  }
}

/** No mark, though counters were leased or links were generated: never taken for a first start (I6). */
export class MarkMissingError extends IdRangeError {
  readonly code = 'mark_missing';
  constructor(head: number) {
    super(
      refusal(
        'mark_missing',
        `there is no mark, but there are leases or generated links (the ledger's head is ${head})`,
        'the mark was wiped, or this is not the place (the chroot) where it was kept before',
      ),
    );
  }
}

/** No head row in the ledger, though the mark is there: never taken for a first start (I6). */
export class LedgerMissingError extends IdRangeError {
  readonly code = 'ledger_missing';
  constructor(mark?: number) {
    super(
      refusal(
        'ledger_missing',
        mark === undefined ? 'the ledger has no head row' : `the mark is ${mark}, but the ledger has no head row`,
        'the ledger was wiped, or this is not the one that was used before',
      ),
    );
  }
}

/** Leases or generated links without a head row, and no mark: neither a first start nor anything that was ever whole. */
export class LedgerNotEmptyError extends IdRangeError {
  readonly code = 'ledger_not_empty';
  constructor() {
    super(
      refusal(
        'ledger_not_empty',
        'there is neither a mark nor a ledger head, but there are leases or generated links',
        'both witnesses were lost, and which counters have been issued is not known to either',
      ),
    );
  }
}

/** The ledger has a lease that overlaps the range that the mark just gave; the range is abandoned. */
export class RangeOverlapError extends IdRangeError {
  readonly code = 'range_overlap';
  constructor(start: number, end: number) {
    super(
      refusal(
        'range_overlap',
        `the ledger already has a lease that overlaps [${start}, ${end}), which the mark has just given to this server`,
        'the mark handed out counters a second time; the ledger stopped it, and the range is abandoned',
      ),
    );
  }
}

const REFUSALS: ReadonlySet<string> = new Set([
  'counter_space_ended',
  'witness_corrupt',
  'zookeeper_forgot',
  'mark_implausible',
  'ledger_forgot',
  'cluster_mismatch',
  'mark_missing',
  'ledger_missing',
  'ledger_not_empty',
  'range_overlap',
]);

/** Whether a lease failed closed on what the witnesses said, rather than for want of an answer: a person has to look. */
export function isRefusal(error: unknown): error is IdRangeError {
  return error instanceof IdRangeError && REFUSALS.has(error.code);
}

function refusal(code: string, what: string, meaning: string): string {
  return `${what}: ${meaning}. See docs/runbooks/${code}.md`;
}
