import type { CopyObserver } from '@lakh/links';
import type { Logger, Registry } from '@lakh/process';
import { Counter, Gauge } from 'prom-client';
import type { RedisObserver } from './redis-metrics.js';

/** One of several masters or shards may fail for long, while rounds of the others succeed: that is told once, and not several times a second. */
const CALM_MS = 5_000;

/** Metrics and log lines of the copy of links in Redis. `ageMs`: for how long nothing has been proven of the bucket that is worst off. */
export function observeCopy(
  { log, registry }: { readonly log: Logger; readonly registry: Registry },
  { fill, read }: Pick<RedisObserver, 'fill' | 'read'>,
  ageMs: () => number,
): CopyObserver {
  const registers = [registry];
  new Gauge({
    name: 'lakh_copy_age_seconds',
    help: 'How long ago all that Redis holds was proven to be true, to this process; +Inf while nothing proves it.',
    registers,
    collect() {
      this.set(ageMs() / 1_000);
    },
  });
  const rounds = new Counter({
    name: 'lakh_copy_rounds_total',
    help: 'Rounds of this process, of one bucket each: advanced (nothing new), applied, piece (more to come), cold (began anew with nothing), overtaken (another process was first), failed.',
    labelNames: ['outcome'],
    registers,
  });
  const changes = new Counter({
    name: 'lakh_copy_changes_total',
    help: 'Changed links that this process brought to Redis.',
    registers,
  });
  const withdrawals = new Counter({
    name: 'lakh_copy_withdrawals_total',
    help: 'Old values that this process was to take out of Redis because no round could bring their change there: done, given-up (Redis was out of reach for eight seconds), overrun (a thousand others came after it meanwhile).',
    labelNames: ['outcome'],
    registers,
  });
  let failedMs: number | undefined;
  return {
    fill,
    withdrawn: (outcome) => withdrawals.inc({ outcome }),
    bypassed: () => read('bypassed'),
    round(outcome, changed) {
      rounds.inc({ outcome });
      if (changed > 0) changes.inc(changed);
      if (failedMs === undefined || outcome === 'failed' || outcome === 'overtaken') return;
      if (performance.now() - failedMs < CALM_MS) return;
      failedMs = undefined;
      log.info({}, 'the copy of links in redis is kept true again');
    },
    failed(error) {
      if (failedMs === undefined) log.warn({ err: error }, 'the copy of links in redis cannot be kept true from here');
      failedMs = performance.now();
    },
  };
}
