import type { BrokenInvariantError, IdRangeError } from './errors.js';
import type { CounterRange } from './ports.js';

/** Why a range that may have been taken from the mark will never be issued by anybody. */
export type AbandonReason =
  /** The mark's write has no answer; the mark may or may not cover the range. */
  | 'mark_write_unknown'
  /** The mark was written, and the ledger's answer never came. */
  | 'ledger_record_unknown'
  /** The mark was written, and the ledger could not be asked. */
  | 'ledger_record_failed'
  /** The mark was written, and the ledger has an overlapping lease. */
  | 'ledger_overlap'
  /** The attempt took longer than it may (see attempt-age.ts). */
  | 'attempt_too_old';

/** Told of every lease attempt's end, for metrics and logs. Must not throw. */
export interface LeaseObserver {
  leased(range: CounterRange, latencyMs: number): void;
  /** `range.end - range.start` counters are lost. */
  abandoned(reason: AbandonReason, range: CounterRange): void;
  /** Failed closed on what the witnesses said; see `isRefusal`. */
  refused(error: IdRangeError): void;
}

/** Why a tail that this process gave back will not be claimed. */
export type ReleaseLoss =
  /** Shorter than is worth two writes. */
  | 'tail_too_short'
  /** The time for giving back had passed. */
  | 'no_time'
  /** The ledger could not be asked. */
  | 'release_failed'
  /** The ledger's answer never came. */
  | 'release_unknown'
  /** The ledger has no such lease of this process. */
  | 'release_refused'
  /** The entry could not be made. */
  | 'publish_failed'
  /** The entry's answer never came. If it was made, somebody may claim it all the same. */
  | 'publish_unknown'
  /** The entry was there already. */
  | 'publish_exists'
  /** Counters above it, of the same lease, were issued: the ledger cuts only ends off. */
  | 'not_at_the_end';

/** Why a remainder is lost to the server that wanted it, and so to all. */
export type ClaimLoss =
  /** The entry's deletion has no answer. */
  | 'delete_unknown'
  /** The entry was deleted, and the ledger could not be asked. */
  | 'claim_failed'
  /** The entry was deleted, and the ledger's answer never came. */
  | 'claim_unknown'
  /** The entry was deleted, and the ledger does not have it as released: a witness was restored from an old copy. */
  | 'claim_refused'
  /** The claim took longer than it may (see attempt-age.ts). */
  | 'claim_too_old';

/** Told of remainders given and taken, for metrics and logs. Must not throw. */
export interface RemainderObserver {
  published(range: CounterRange): void;
  notPublished(reason: ReleaseLoss, range: CounterRange, error?: unknown): void;
  claimed(range: CounterRange): void;
  notClaimed(reason: ClaimLoss, range: CounterRange, error?: unknown): void;
  /** Another server was first; nothing is lost. */
  missed(range: CounterRange): void;
  /** Above the mark or beyond the space, so that nobody of this system can have leased it; left where it is. */
  implausible(range: CounterRange): void;
  /** Entries that name no range. */
  malformed(count: number): void;
  /** Remainders could not be looked at; a lease is tried instead. */
  unlisted(error: unknown): void;
}

/** Why counters that this process owned will not be issued by it. */
export type LossReason =
  /** The last line of defence fired while they were held. */
  | 'broken'
  /** The lease was acknowledged after the allocator had been sealed or broken. */
  | 'leased_too_late'
  /** A worker ended without giving them back. At most: which of them it had issued nobody knows. */
  | 'worker_gone'
  /** A worker could not give them back, for its supervisor was gone. */
  | 'supervisor_gone';

/** Told of what the allocator does in the background. Must not throw. */
export interface AllocatorObserver {
  leaseFailed(error: unknown, attempt: number, retryInMs: number): void;
  lost(reason: LossReason, range: CounterRange): void;
  /** Nothing is issued any more. Told once. */
  broken?(error: BrokenInvariantError): void;
}
