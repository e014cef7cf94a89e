import { isRefusal } from '@lakh/id-range';
import type { Logger, Registry } from '@lakh/process';
import type { IssuingFigures } from './live-issuing.js';
import { createEventMetrics, exposeFigures, exposeIssued } from './metrics.js';
import type { IssuingObserver, WorkerObserver } from './observer.js';

type EventMetrics = ReturnType<typeof createEventMetrics>;

/** The observer of a server: it counts, and tells people. `figures` are asked for when somebody scrapes. */
export function metricsAndLog(registry: Registry, log: Logger, figures: () => IssuingFigures): IssuingObserver {
  exposeFigures(registry, figures);
  const metrics = createEventMetrics(registry);
  return {
    ...ofLeases(metrics, log),
    ...ofRemainders(metrics, log),
    ...ofCounters(metrics, log),
    startFailed(error, attempt, retryInMs) {
      log.warn({ err: error, attempt, retryInMs: Math.round(retryInMs) }, 'the database cannot be asked yet');
    },
    unknownKey({ id, fingerprint, startCounter }) {
      log.warn(
        { key: id, fingerprint, startCounter },
        'another server has a key that this one lacks: nothing is leased from its start on; restart with it in LAKH_SEALED_KEYS',
      );
    },
    spaceEnding(left) {
      log.warn({ left }, 'the counter space comes to its end: see docs/runbooks/counter_space_ended.md');
    },
  };
}

/** A supervisor's: what its workers issued they count themselves. */
export function supervisorMetricsAndLog(
  registry: Registry,
  log: Logger,
  figures: () => IssuingFigures,
): IssuingObserver {
  return metricsAndLog(registry, log, () => ({ ...figures(), issuedIds: 0 }));
}

/** The observer of a worker: what is leased and held its supervisor tells. */
export function workerMetricsAndLog(
  registry: Registry,
  log: Logger,
  figures: () => Pick<IssuingFigures, 'issuedIds'>,
): WorkerObserver {
  exposeIssued(registry, figures);
  const metrics = createEventMetrics(registry);
  return {
    ...ofCounters(metrics, log),
    leaseFailed(error, attempt) {
      log.debug({ err: error, attempt }, 'the supervisor has no counters to give');
    },
    lost(reason, range) {
      metrics.lost(reason, range);
      log.error({ reason, ...range }, 'leased counters will not be issued');
    },
  };
}

function ofCounters(metrics: EventMetrics, log: Logger): Pick<IssuingObserver, 'burnt' | 'duplicate'> {
  return {
    burnt(counter, why) {
      metrics.burnt();
      log.info({ counter, why }, 'counter spent without a link');
    },
    duplicate(counter) {
      metrics.duplicate();
      log.fatal({ counter }, 'a generated code met another generated link: issuing has stopped');
    },
  };
}

type OfLeases = 'leased' | 'abandoned' | 'refused' | 'leaseFailed' | 'lost';
type OfRemainders = Exclude<
  keyof IssuingObserver,
  OfLeases | 'startFailed' | 'broken' | 'burnt' | 'duplicate' | 'unknownKey' | 'spaceEnding'
>;

function ofLeases(metrics: EventMetrics, log: Logger): Pick<IssuingObserver, OfLeases> {
  return {
    leased({ start, end }, latencyMs) {
      metrics.leased(latencyMs);
      log.info({ start, end, latencyMs: Math.round(latencyMs) }, 'range leased');
    },
    abandoned(reason, range) {
      metrics.abandoned(reason);
      metrics.lost(reason, range);
      log.warn({ reason, ...range }, 'range abandoned: its lease has no certain outcome');
    },
    refused: ({ code }) => metrics.refused(code),
    leaseFailed(error, attempt, retryInMs) {
      const refused = isRefusal(error);
      log[refused ? 'error' : 'warn'](
        { err: error, attempt, retryInMs: Math.round(retryInMs) },
        refused ? 'lease refused: nothing is leased until this is repaired' : 'lease failed; trying again',
      );
    },
    lost(reason, range) {
      metrics.lost(reason, range);
      log.error({ reason, ...range }, 'leased counters will not be issued');
    },
  };
}

function ofRemainders(metrics: EventMetrics, log: Logger): Pick<IssuingObserver, OfRemainders> {
  return {
    givingBack(tails) {
      const heldIds = tails.reduce((sum, { start, end }) => sum + end - start, 0);
      log.info({ heldIds, tails: tails.length }, 'giving back the counters that are left');
    },
    published(range) {
      metrics.published();
      log.info(range, 'remainder published: another server may claim it');
    },
    notPublished(reason, range, error) {
      metrics.lost(reason, range);
      const level = reason === 'tail_too_short' ? 'info' : 'warn';
      log[level]({ reason, ...range, err: error }, 'leased counters given up at shutdown');
    },
    claimed(range) {
      metrics.claim('claimed');
      log.info(range, 'remainder claimed');
    },
    notClaimed(reason, range, error) {
      metrics.claim(reason);
      metrics.lost(reason, range);
      log.warn({ reason, ...range, err: error }, 'remainder lost: its claim was not acknowledged');
    },
    missed: () => metrics.claim('missed'),
    implausible(range) {
      metrics.claim('implausible');
      log.warn(range, 'remainder ignored: it lies above the mark or outside the space');
    },
    malformed(count) {
      metrics.claim('malformed', count);
      log.warn({ count }, 'entries among the remainders that name no range are ignored');
    },
    unlisted(error) {
      log.warn({ err: error }, 'remainders cannot be claimed now; leasing instead');
    },
  };
}
