import type { Registry } from '@lakh/process';
import type { RedisCountersObserver, RedisLinkCacheObserver, RedisState } from '@lakh/redis';
import { Counter, Gauge } from 'prom-client';

/** Metrics of the shared cache. */
export function createRedisObserver(registry: Registry): Required<RedisLinkCacheObserver & RedisCountersObserver> & {
  changed(state: RedisState): void;
  hearing(isHearing: boolean): void;
} {
  const registers = [registry];
  const reads = new Counter({
    name: 'lakh_l2_reads_total',
    help: 'Look-ups in Redis: hit, miss, bad-value (not ours), bad-seal (not put by a server of this database), lapsed, failed, bypassed (breaker).',
    labelNames: ['outcome'],
    registers,
  });
  const writes = new Counter({
    name: 'lakh_l2_writes_total',
    help: 'Fills and invalidations of Redis: stored, kept (it has that version or a newer one), failed, bypassed (breaker), no-key.',
    labelNames: ['outcome'],
    registers,
  });
  const counts = new Counter({
    name: 'lakh_rate_limit_shared_total',
    help: 'What was added to the counters of rate limits in Redis: counted, failed, bypassed (breaker).',
    labelNames: ['outcome'],
    registers,
  });
  const up = new Gauge({ name: 'lakh_l2_available', help: '1 while Redis is asked and answers.', registers });
  let heard: Gauge | undefined;
  return {
    read: (outcome) => reads.inc({ outcome }),
    write: (outcome) => writes.inc({ outcome }),
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
    changed: (state) => up.set(state === 'up' ? 1 : 0),
  };
}
