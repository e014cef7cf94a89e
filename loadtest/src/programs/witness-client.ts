/** What the measuring programs share: sessions of their own, and a lease as a server's. */

import { type CounterRange, ReclaimingLease, systemClock, TwoWitnessLease } from '@lakh/id-range';
import {
  createZookeeperMarkStore,
  createZookeeperRemainderStore,
  createZookeeperSession,
  parseZookeeperAddress,
  type ZookeeperSession,
} from '@lakh/id-range-zookeeper';
import { createMysqlLedger, type Pool } from '@lakh/links-mysql';

/** As services/shorten at its default LAKH_LEASE_DEADLINE_MS. */
export const CALL_DEADLINE_MS = 1_500;
const CONNECT_DEADLINE_MS = 20_000;
const NAMESPACE = 'links';

export async function openSession(zookeeper: string): Promise<ZookeeperSession> {
  const session = createZookeeperSession({ ...parseZookeeperAddress(zookeeper), deadlineMs: CALL_DEADLINE_MS });
  await session.whenConnected(CONNECT_DEADLINE_MS);
  return session;
}

export interface WitnessLeases {
  /** Both witnesses alone, without a look at remainders. */
  readonly lease: TwoWitnessLease;
  /** As a server leases: remainders first. */
  readonly source: ReclaimingLease;
}

/** Leases of one server over a real ensemble and a real database. */
export function witnessLeases(session: ZookeeperSession, pool: Pool, serverId: string): WitnessLeases {
  const inZookeeper = { namespace: NAMESPACE, connectWaitMs: CALL_DEADLINE_MS };
  const common = {
    ledger: createMysqlLedger({ pool, namespace: NAMESPACE }),
    clock: systemClock,
    random: Math.random,
    holder: { serverId, host: 'bench', processStartMs: Date.now(), codec: 'base62' },
  };
  const lease = new TwoWitnessLease({
    ...common,
    marks: createZookeeperMarkStore(session, inZookeeper),
    newClusterId: () => 'bench',
  });
  return {
    lease,
    source: new ReclaimingLease({
      ...common,
      lease,
      remainders: createZookeeperRemainderStore(session, inZookeeper),
    }),
  };
}

/** Ranges that follow one another, from memory. */
export function rangesFromMemory(first: number): { lease(size: number): Promise<CounterRange> } {
  let start = first;
  return {
    async lease(size) {
      const range = { start, end: start + size };
      start = range.end;
      return range;
    },
  };
}
