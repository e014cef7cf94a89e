import type { CounterRange, Slice } from '@lakh/id-range';

export interface Tails {
  /** Ends of leases, which the ledger can cut off. */
  readonly tails: readonly CounterRange[];
  /** What lies below counters of the same lease that were issued. */
  readonly lost: readonly CounterRange[];
}

/** What can be given back: of each lease all that adjoins its end. `rest`: what was never taken of leases; `returned`: what came back of the others. */
export function joinTails(rest: readonly CounterRange[], returned: readonly Slice[]): Tails {
  const open = new Set(returned);
  const below = (start: number, leaseEnd: number): number => {
    for (const slice of open) {
      if (slice.end !== start || slice.lease.end !== leaseEnd) continue;
      open.delete(slice);
      return below(slice.start, leaseEnd);
    }
    return start;
  };
  const tails = rest.map(({ start, end }) => ({ start: below(start, end), end }));
  // Leases that were handed out to their end.
  for (const end of new Set(returned.map(({ lease }) => lease.end))) {
    const start = below(end, end);
    if (start < end) tails.push({ start, end });
  }
  return { tails, lost: [...open].map(({ start, end }) => ({ start, end })) };
}
