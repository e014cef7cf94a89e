import type { FillOutcome } from '@lakh/links';
import type { Registry } from '@lakh/process';
import type { RedisCountersObserver, RedisLinkCopyOptions } from '@lakh/redis';
import { Counter, Gauge } from 'prom-client';

export interface RedisObserver extends Required<RedisCountersObserver> {
  read(outcome: Parameters<NonNullable<RedisLinkCopyOptions['onRead']>>[0] | 'bypassed'): void;
  fill(outcome: FillOutcome): void;
  changed(isWhole: boolean): void;
  hearing(isHearing: boolean): void;
}

/** Metrics of what is asked of Redis. */
export function createRedisObserver(registry: Registry): RedisObserver {
  const registers = [registry];
  const reads = new Counter({
    name: 'lakh_l2_reads_total',
    help: 'Look-ups in Redis: hit, miss, bad-value (not ours), bad-seal (not put by a server of this database), lapsed, failed, bypassed (nobody to ask).',
    labelNames: ['outcome'],
    registers,
  });
  const writes = new Counter({
    name: 'lakh_l2_writes_total',
    help: 'Fills of Redis with what was read: stored, refused (it is elsewhere in the log of changes than what was read), failed, bypassed (nobody to ask, or nothing to place it by).',
    labelNames: ['outcome'],
    registers,
  });
  const counts = new Counter({
    name: 'lakh_rate_limit_shared_total',
    help: 'What was added to the counters of rate limits in Redis: counted, failed, bypassed (nobody to ask).',
    labelNames: ['outcome'],
    registers,
  });
  const up = new Gauge({ name: 'lakh_l2_available', help: '1 while Redis is asked and answers.', registers });
  let heard: Gauge | undefined;
  return {
    read: (outcome) => reads.inc({ outcome }),
    fill: (outcome) => writes.inc({ outcome }),
    counted: (outcome) => counts.inc({ outcome }),
    hearing(isHearing) {
      // Of those alone who listen: others hear nothing, and nothing is wrong with them.
      heard ??= new Gauge({
        name: 'lakh_changes_heard',
        help: '1 while this process hears over Redis which links others change; of processes that listen.',
        registers,
      });
      heard.set(isHearing ? 1 : 0);
    },
    changed: (isWhole) => up.set(isWhole ? 1 : 0),
  };
}
