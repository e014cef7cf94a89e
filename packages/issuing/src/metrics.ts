import type { AbandonReason, ClaimLoss, CounterRange, LossReason, ReleaseLoss } from '@lakh/id-range';
import type { Registry } from '@lakh/process';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { IssuingFigures } from './live-issuing.js';

const LEASE_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What came of a remainder that this process looked at, for want of counters. */
export type ClaimOutcome = 'claimed' | 'missed' | 'implausible' | 'malformed' | ClaimLoss;

/** Metrics whose values issuing keeps itself: read when somebody scrapes. */
export function exposeFigures(registry: Registry, figures: () => IssuingFigures): void {
  const registers = [registry];
  const gauge = (name: string, help: string, pick: (now: IssuingFigures) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(pick(figures()));
      },
    });
  exposeIssued(registry, figures);
  gauge(
    'lakh_ids_left',
    'Counters that can be issued without another lease; a crash would lose them.',
    ({ heldIds }) => heldIds,
  );
  gauge('lakh_ranges_held', 'Ranges with counters left.', ({ heldRanges }) => heldRanges);
  // Infinity while nothing is issued: Prometheus has a value for that.
  gauge(
    'lakh_runway_seconds',
    'How long issuing can go on without a lease, at the present rate.',
    ({ runwayS }) => runwayS,
  );
  gauge(
    'lakh_ids_unleased',
    'Counters of the space of the codec that no lease had covered when this process last read the mark.',
    ({ spaceLeft }) => spaceLeft ?? Number.NaN,
  );
}

export function exposeIssued(registry: Registry, figures: () => Pick<IssuingFigures, 'issuedIds'>): void {
  new Counter({
    name: 'lakh_ids_issued_total',
    help: 'Counters issued by this server.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(figures().issuedIds);
    },
  });
}

/** Metrics of what happens. */
export function createEventMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string = never>(name: string, help: string, ...labelNames: L[]) =>
    new Counter<L>({ name, help, labelNames, registers });
  const duration = new Histogram({
    name: 'lakh_lease_duration_seconds',
    help: 'Time of an acknowledged lease, both witnesses together.',
    buckets: LEASE_BUCKETS_S,
    registers,
  });
  const leased = counter('lakh_ranges_leased_total', 'Ranges leased by this process.');
  const abandoned = counter(
    'lakh_leases_abandoned_total',
    'Leases without a certain outcome, given up for good.',
    'reason',
  );
  const refused = counter('lakh_leases_refused_total', 'Leases that failed closed on what the witnesses said.', 'code');
  const lost = counter('lakh_ids_lost_total', 'Counters that nobody will ever issue.', 'reason');
  const published = counter(
    'lakh_remainders_published_total',
    'Tails of ranges given back at a stop, for other servers to claim.',
  );
  const claims = counter(
    'lakh_remainders_claimed_total',
    'Remainders of others looked at before leasing, by what came of it.',
    'outcome',
  );
  const burnt = counter(
    'lakh_counters_burnt_total',
    'Counters spent without a link: their code is reserved, an alias or deleted, or the store refused the link.',
  );
  const duplicates = counter(
    'lakh_counters_duplicate_total',
    'Counters found used by another generated link: must stay 0.',
  );
  return {
    leased(latencyMs: number): void {
      leased.inc();
      duration.observe(latencyMs / 1000);
    },
    abandoned: (reason: AbandonReason): void => abandoned.inc({ reason }),
    refused: (code: string): void => refused.inc({ code }),
    lost: (reason: AbandonReason | LossReason | ReleaseLoss | ClaimLoss, { start, end }: CounterRange): void =>
      lost.inc({ reason }, end - start),
    published: (): void => published.inc(),
    claim: (outcome: ClaimOutcome, count = 1): void => claims.inc({ outcome }, count),
    burnt: (): void => burnt.inc(),
    duplicate: (): void => duplicates.inc(),
  };
}
