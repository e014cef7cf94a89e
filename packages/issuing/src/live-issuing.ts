/** What issuing is to a program, whether it leases itself or has a supervisor that does. */
import type { AllocatorSnapshot, BrokenInvariantError } from '@lakh/id-range';
import type { CodeSource } from '@lakh/links';
import type { IssuingHealth } from './face.js';
import type { SliceKeeper } from './slices/slice-keeper.js';

export interface IssuingSettings {
  readonly namespace: string;
  readonly rangeSize: number;
  /** Counters that a worker is handed at once; by default a hundredth of a range. */
  readonly sliceSize?: number | undefined;
  readonly runwayS: number;
  readonly rangesMaxHeld: number;
  /** A stop takes half of it at most, beside the witnesses' deadlines. */
  readonly drainTimeoutMs: number;
  /** How long one attempt to lease may take. This and the next two have id-range's defaults. */
  readonly leaseAttemptMs?: number | undefined;
  /** Tails with fewer counters are not given back. */
  readonly smallestTail?: number | undefined;
  /** How long a create waits for a lease while nothing is held. */
  readonly waitMs?: number | undefined;
}

export interface IssuingFigures extends AllocatorSnapshot {
  /** Counters of the codec's space that no lease had covered when this process last read the mark; undefined before it has. */
  readonly spaceLeft: number | undefined;
}

/** For a supervisor: its workers have slices of what is leased. Each worker's process is known by identity. */
export interface Slices extends Pick<SliceKeeper, 'hand' | 'giveBack' | 'ended'> {
  /** A counter was found issued twice, or may have been: nothing is issued any more. */
  fail(what: string): void;
}

export interface Issuing {
  readonly codes: CodeSource;
  /**
   * Resolves when this server may issue on its database and has begun to lease; does not wait for the first range. Tries for as long
   * as the database is away.
   *
   * @throws CodecMismatchError, NamespaceMismatchError: this server must not run on this database
   * @throws AllocatorSealedError: it was stopped meanwhile
   */
  start(): Promise<void>;
  /** After a start: resolves when something is held, or an attempt to lease has failed and there is something to say, or after a stop. */
  attempted(): Promise<void>;
  /**
   * Ends leasing and issuing, and gives back what was not issued. Settles within half of `drainTimeoutMs` (a second at least) and the
   * witnesses' deadlines of one tail; never rejects.
   */
  stop(): Promise<void>;
  health(): IssuingHealth;
  figures(): IssuingFigures;
  readonly slices: Slices;
  /** Told when nothing is issued any more, and what was found. */
  onBroken(told: (error: BrokenInvariantError) => void): void;
}

/** A stop first waits for the lease in flight, then gives back; each may take this part of what a drain may. */
export const PART_OF_DRAIN = 1 / 4;
/** Within what a drain of no time at all leaves to each step. */
export const LEAST_STOP_MS = 500;
