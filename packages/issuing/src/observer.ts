import type { AllocatorObserver, CounterRange, LeaseObserver, RemainderObserver } from '@lakh/id-range';
import type { BurntReason } from '@lakh/links';
import type { KeyDescription } from '@lakh/short-code';

/** Told of all that becomes of counters, for metrics and logs. Must not throw. */
export interface IssuingObserver extends LeaseObserver, RemainderObserver, AllocatorObserver {
  /** The database could not be asked what its servers have agreed on. */
  startFailed(error: unknown, attempt: number, retryInMs: number): void;
  /** A counter is spent without a link: its code is reserved, an alias or deleted, or the store refused the link. */
  burnt(counter: number, why: BurntReason): void;
  /** A counter met another generated link: issuing has ended. */
  duplicate(counter: number): void;
  /** Another server has recorded a key that this one lacks: nothing is leased from its start on. */
  unknownKey(key: KeyDescription): void;
  /** Few counters are left in the codec's space. Told once. */
  spaceEnding(left: number): void;
  /** What a stop found unissued. From here on it is not this process's. */
  givingBack(tails: readonly CounterRange[]): void;
}

/** What a worker is told of: of leases it knows nothing. */
export type WorkerObserver = Pick<IssuingObserver, 'burnt' | 'duplicate' | 'leaseFailed' | 'lost'>;
