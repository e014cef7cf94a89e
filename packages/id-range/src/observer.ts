import type { IdRangeError } from './errors.js';
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
  | 'ledger_overlap';

/** Told of every lease attempt's end, for metrics and logs. Must not throw. */
export interface LeaseObserver {
  leased(range: CounterRange, latencyMs: number): void;
  /** `range.end - range.start` counters are lost. */
  abandoned(reason: AbandonReason, range: CounterRange): void;
  /** Failed closed on what the witnesses said; see `isRefusal`. */
  refused(error: IdRangeError): void;
}

/** Why counters that this process owned will not be issued by it. */
export type LossReason =
  /** The last line of defence fired while they were held. */
  | 'broken'
  /** The lease was acknowledged after the allocator had been sealed or broken. */
  | 'leased_too_late';

/** Told of what the allocator does in the background. Must not throw. */
export interface AllocatorObserver {
  leaseFailed(error: unknown, attempt: number, retryInMs: number): void;
  lost(reason: LossReason, range: CounterRange): void;
}
