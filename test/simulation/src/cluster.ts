import { clusterOver } from '@lakh/backend/cluster';
import { ATTEMPT_LIMIT_MS } from '@lakh/id-range';
import { type DatabaseEnds, SimulatedPool } from './database/pool.js';
import type { SimulatedZookeeperSession } from './zookeeper/session.js';

export const NAMESPACE = 'links';
export const CONNECT_WAIT_MS = 3_000;
/** The shortest wait that the repair's contract allows. */
const SETTLE_MS = ATTEMPT_LIMIT_MS + 1;

/** The real composition of a distributed system, over the wires of one simulated process. */
export function simulatedCluster(
  ends: DatabaseEnds & { readonly zookeeper: SimulatedZookeeperSession; readonly feedsLinks?: boolean },
) {
  const { feedsLinks, zookeeper } = ends;
  return clusterOver({
    namespace: NAMESPACE,
    zookeeper: () => zookeeper,
    connectWaitMs: CONNECT_WAIT_MS,
    database: new SimulatedPool(ends),
    feedsLinks,
    settleMs: SETTLE_MS,
  });
}
