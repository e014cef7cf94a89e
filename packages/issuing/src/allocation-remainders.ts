import type { CounterRange, RemainderObserver } from '@lakh/id-range';
import type { Logger } from '@lakh/process';
import type { AllocationMetrics } from './allocation-metrics.js';

/** Tells metrics and log of what is given back and what is claimed. */
export function createRemainderObserver(log: Logger, metrics: AllocationMetrics): RemainderObserver {
  const size = ({ start, end }: CounterRange) => end - start;
  return {
    published(range) {
      metrics.published();
      log.info({ start: range.start, end: range.end }, 'remainder published: another server may claim it');
    },
    notPublished(reason, range, error) {
      metrics.lost(reason, size(range));
      const level = reason === 'tail_too_short' ? 'info' : 'warn';
      log[level]({ reason, start: range.start, end: range.end, err: error }, 'leased counters given up at shutdown');
    },
    claimed(range) {
      metrics.claim('claimed');
      log.info({ start: range.start, end: range.end }, 'remainder claimed');
    },
    notClaimed(reason, range, error) {
      metrics.claim(reason);
      metrics.lost(reason, size(range));
      log.warn(
        { reason, start: range.start, end: range.end, err: error },
        'remainder lost: its claim was not acknowledged',
      );
    },
    missed: () => metrics.claim('missed'),
    implausible(range) {
      metrics.claim('implausible');
      log.warn(
        { start: range.start, end: range.end },
        'remainder ignored: it lies above the mark or outside the space',
      );
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
