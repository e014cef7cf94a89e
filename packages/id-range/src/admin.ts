/**
 * What an operator's tools need of the two witnesses, beyond what a server does: to look at what is damaged instead of refusing
 * it, and to raise what is too low. No call lowers a readable height, and every write is conditional on what was inspected.
 */
import type { CounterRange, LeaseRecord, Mark, MarkVersion } from './ports.js';

/** Something is there, but not what belongs there: its text, shortened, for people. */
export interface Unreadable {
  readonly unreadable: string;
}

export function isUnreadable(value: unknown): value is Unreadable {
  return typeof value === 'object' && value !== null && 'unreadable' in value;
}

export interface MarkInspection {
  readonly mark: Mark | 'missing' | Unreadable;
  readonly clusterId: string | 'missing' | Unreadable;
  readonly version: MarkVersion;
}

/** Errors as for `MarkStore`, except that what is damaged is an answer. */
export interface MarkAdmin {
  inspect(): Promise<MarkInspection>;
  /**
   * Writes mark and cluster id where they stand at the inspected version, and makes what was missing. `stale`: something was
   * written since (or the session is another one); the mark is unchanged, inspect again.
   */
  put(version: MarkVersion, mark: Mark, clusterId: string): Promise<'written' | 'stale'>;
}

export interface HeadInspection {
  readonly head: number | Unreadable;
  readonly clusterId: string | Unreadable;
  /** Opaque: what makes the next write conditional. */
  readonly version: unknown;
}

/** One row of the ledger. `state` is `leased` for a server's own; other words say why nobody issues from it. */
export interface LedgerRow extends LeaseRecord {
  readonly state: string;
}

/** Why a row that no server leased stands in the ledger: nobody will ever be given its counters. */
export const COVER_STATES = {
  /** Below the heights, without a lease on record: abandoned, or forgotten by a restored ledger. */
  hole: 'hole',
  /** Above the heights: skipped by a repair or after a restore. */
  skipped: 'skipped',
  /** Below the links that a first start found. */
  adopted: 'adopted',
} as const;
export type CoverState = keyof typeof COVER_STATES;

/** Reads go to the primary. Errors as for `Ledger`. One instance serves one namespace. */
export interface LedgerAdmin {
  head(): Promise<HeadInspection | 'missing'>;
  /** Sets (or makes) the head row if it is still what was inspected. Rejects with a RangeError for a lower head than a readable one. */
  putHead(inspected: HeadInspection | 'missing', head: number, clusterId: string): Promise<'written' | 'stale'>;
  /** At most `limit` rows that start at `start` or later, in their order. */
  rowsFrom(start: number, limit: number): Promise<readonly LedgerRow[]>;
  /** At most `limit` rows that start below `end`, the last first. */
  rowsBelow(end: number, limit: number): Promise<readonly LedgerRow[]>;
  /**
   * Adds disjoint rows, in the order of their starts, in one transaction as `Ledger.record` does: all or, when any of them
   * overlaps a row on record, none. Raises the head to the last end if that is higher; rejects with `LedgerMissingError` without a head.
   */
  add(rows: readonly LedgerRow[]): Promise<'added' | 'overlap'>;
  /** Turns a row of exactly this range from `released` to `retired`: nobody can claim it any more. `gone`: there is none. */
  retire(range: CounterRange): Promise<'retired' | 'gone'>;
}

/** Rows that one {@link LedgerAdmin.add} takes. */
export const MAX_ROWS_ADDED = 500;

/** What the links themselves say of counters: the third look, when the witnesses disagree. Deleted links count. */
export interface CounterWitness {
  /** The highest counter that became a link, 0 when there is none. */
  highest(): Promise<number>;
  /** The same within each range, 0 where there is none; at most {@link MAX_RANGES_ASKED} ranges. */
  highestWithin(ranges: readonly CounterRange[]): Promise<readonly number[]>;
}

export const MAX_RANGES_ASKED = 200;
