import { COUNTER_SPACE_END, COVER_STATES } from '@lakh/id-range';
import { SkipTooSmallError } from './errors.js';
import type { OperationsPorts } from './ports.js';

/** What may have been leased since a copy was made, by what the copy itself knows. */
export interface LeasedSince {
  /** Of the newest lease on record: the copy is of then, or later. */
  readonly newestLeaseMs: number;
  readonly countersADay: number;
  /** At that rate until now; nobody knows whether it was more. */
  readonly counters: number;
}

const NEWEST_ROWS = 5_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A skip has to be so many times what the rate says. */
const MARGIN = 2;

/** Null where no server has leased anything. */
export async function leasedSince({
  ledger,
  nowMs,
}: Pick<OperationsPorts, 'ledger' | 'nowMs'>): Promise<LeasedSince | null> {
  const newest = await ledger.rowsBelow(COUNTER_SPACE_END, NEWEST_ROWS);
  const leases = newest.filter(({ state }) => !Object.hasOwn(COVER_STATES, state));
  if (leases.length === 0) return null;
  const newestLeaseMs = Math.max(...leases.map(({ leasedAtMs }) => leasedAtMs));
  const ofLastDay = leases.filter(({ leasedAtMs }) => leasedAtMs > newestLeaseMs - DAY_MS);
  const oldestMs = Math.min(...ofLastDay.map(({ leasedAtMs }) => leasedAtMs));
  const leased = ofLastDay.reduce((sum, { range }) => sum + range.end - range.start, 0);
  // The first leases of servers that have just started come within a second.
  const perMs = leased / Math.max(newestLeaseMs - oldestMs, HOUR_MS);
  const elapsedMs = Math.max(0, nowMs() - newestLeaseMs);
  return { newestLeaseMs, countersADay: Math.ceil(perMs * DAY_MS), counters: Math.ceil(perMs * elapsedMs) };
}

/** @throws SkipTooSmallError for a skip that does not lead past what may have been leased since, twice over */
export function requireEnough(skip: number, since: LeasedSince | null): void {
  if (since === null || skip >= MARGIN * since.counters) return;
  const { newestLeaseMs, countersADay, counters } = since;
  throw new SkipTooSmallError(
    `the newest lease on record is of ${new Date(newestLeaseMs).toISOString()}; at its ${countersADay} counters a day some ${counters} may have been leased since, and ${skip} are not twice as many: set LAKH_RESTORE_SKIP to ${MARGIN * counters} or more, or say --force where less was leased`,
  );
}
