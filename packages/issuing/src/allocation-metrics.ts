import type { AbandonReason, AllocatorSnapshot, ClaimLoss, LossReason, ReleaseLoss } from '@lakh/id-range';
import type { Registry } from '@lakh/process';
import { Counter, Gauge, Histogram } from 'prom-client';

const LEASE_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What came of a remainder that this process looked at, for want of counters. */
export type ClaimOutcome = 'claimed' | 'missed' | 'implausible' | 'malformed' | ClaimLoss;

export type AllocationMetrics = ReturnType<typeof createAllocationMetrics>;

/** Metrics of the allocator. What it counts itself is read from its snapshot when somebody scrapes. */
export function createAllocationMetrics(
  registry: Registry,
  snapshot: () => AllocatorSnapshot,
  spaceLeft: () => number | undefined,
) {
  const registers = [registry];
  const fromSnapshot = (name: string, help: string, pick: (now: AllocatorSnapshot) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(pick(snapshot()));
      },
    });
  new Counter({
    name: 'lakh_ids_issued_total',
    help: 'Counters issued by this process.',
    registers,
    collect() {
      this.reset();
      this.inc(snapshot().issuedIds);
    },
  });
  fromSnapshot(
    'lakh_ids_left',
    'Counters that can be issued without another lease; a crash would lose them.',
    (s) => s.heldIds,
  );
  fromSnapshot('lakh_ranges_held', 'Ranges with counters left.', (s) => s.heldRanges);
  // Infinity while nothing is issued: Prometheus has a value for that.
  fromSnapshot(
    'lakh_runway_seconds',
    'How long issuing can go on without a lease, at the present rate.',
    (s) => s.runwayS,
  );
  fromSnapshot(
    'lakh_counter_space_left',
    'Counters of the space of the codec that no lease had covered when this process last read the mark.',
    () => spaceLeft() ?? Number.NaN,
  );

  const leases = new Histogram({
    name: 'lakh_lease_duration_seconds',
    help: 'Time of an acknowledged lease, both witnesses together.',
    buckets: LEASE_BUCKETS_S,
    registers,
  });
  const leased = new Counter({ name: 'lakh_ranges_leased_total', help: 'Ranges leased by this process.', registers });
  const abandoned = new Counter({
    name: 'lakh_leases_abandoned_total',
    help: 'Leases without a certain outcome, given up for good.',
    labelNames: ['reason'],
    registers,
  });
  const refused = new Counter({
    name: 'lakh_leases_refused_total',
    help: 'Leases that failed closed on what the witnesses said.',
    labelNames: ['code'],
    registers,
  });
  const lost = new Counter({
    name: 'lakh_ids_lost_total',
    help: 'Counters that nobody will ever issue.',
    labelNames: ['reason'],
    registers,
  });
  const published = new Counter({
    name: 'lakh_remainders_published_total',
    help: 'Tails of ranges given back at a stop, for other servers to claim.',
    registers,
  });
  const claims = new Counter({
    name: 'lakh_remainders_claimed_total',
    help: 'Remainders of others looked at before leasing, by what came of it.',
    labelNames: ['outcome'],
    registers,
  });
  const burnt = new Counter({
    name: 'lakh_counters_burnt_total',
    help: 'Counters skipped because their code is reserved, an alias or deleted.',
    registers,
  });
  const duplicates = new Counter({
    name: 'lakh_counters_duplicate_total',
    help: 'Counters found used by another generated link: must stay 0.',
    registers,
  });

  return {
    leased(latencyMs: number): void {
      leased.inc();
      leases.observe(latencyMs / 1000);
    },
    abandoned(reason: AbandonReason, ids: number): void {
      abandoned.inc({ reason });
      lost.inc({ reason }, ids);
    },
    refused: (code: string): void => refused.inc({ code }),
    published: (): void => published.inc(),
    claim: (outcome: ClaimOutcome, count = 1): void => claims.inc({ outcome }, count),
    lost: (reason: LossReason | ReleaseLoss | ClaimLoss, ids: number): void => lost.inc({ reason }, ids),
    burnt: (): void => burnt.inc(),
    duplicate: (): void => duplicates.inc(),
  };
}
