import { setTimeout as sleep } from 'node:timers/promises';
import { openShards, parseShards } from '@lakh/links-mysql';
import { openSession, witnessLeases } from '../programs/witness-client.js';
import { progress } from '../scope.js';
import { type Measurement, quantilesOf } from './figures.js';
import type { Bench } from './setting.js';
import { leaderOf, type WitnessServers } from './witness-servers.js';

const CLIENTS = 6;
const KILLS = 12;
const RANGE_SIZE = 1_000;
const BETWEEN_LEASES_MS = 20;
/** All clients lease for this long before the next kill, and sessions have spread over the nodes again. */
const QUIET_MS = 1_000;
const LEASES_WITHIN_MS = 30_000;

interface Client {
  /** When each lease that succeeded began and ended; of the present round. */
  leases: { readonly beganMs: number; readonly endedMs: number }[];
}

/**
 * How long it takes from the death of the ensemble's leader (SIGKILL) until a client has a range again that it asked for after it,
 * for each of some clients that lease all the time.
 */
export async function measureLeaderDeath(bench: Bench, servers: WitnessServers): Promise<Measurement> {
  const kills = bench.quick ? 1 : KILLS;
  const shards = openShards(parseShards(servers.mysqlUrl));
  const stop = new AbortController();
  const clients: Client[] = Array.from({ length: CLIENTS }, () => ({ leases: [] }));
  const loops = clients.map((client, index) => leaseUntil(stop.signal, client, servers, shards.first, index));
  const release = async (): Promise<void> => {
    stop.abort();
    await Promise.allSettled(loops);
    for (const pool of shards.all) pool.close();
  };
  bench.scope.defer(release);
  const gapsMs: number[] = [];
  for (let kill = 1; kill <= kills; kill += 1) {
    const leader = await leaderOf(servers);
    await sleep(QUIET_MS);
    for (const client of clients) client.leases = [];
    const killedMs = performance.now();
    await leader.signal('SIGKILL');
    const gaps = await Promise.all(clients.map((client) => firstLeaseAfter(killedMs, client)));
    gapsMs.push(...gaps);
    progress(`leader-death: kill ${kill}/${kills}: ${gaps.map((gap) => Math.round(gap)).join(', ')} ms`);
    await leader.restart();
  }
  await leaderOf(servers);
  await release();
  const quantiles = quantilesOf(gapsMs);
  return {
    id: 'leader-death',
    title: 'From a leader’s death to the next lease',
    unit: 'ms',
    what: `${CLIENTS} clients that lease all the time, the leader of three nodes killed ${kills} times; tickTime 250 ms, calls given up after 1.5 s`,
    value: quantiles.p50,
    quantiles,
  };
}

async function leaseUntil(
  signal: AbortSignal,
  client: Client,
  { zookeeper }: WitnessServers,
  pool: Parameters<typeof witnessLeases>[1],
  index: number,
): Promise<void> {
  const session = await openSession(zookeeper);
  const { lease } = witnessLeases(session, pool, `client-${index}`);
  try {
    while (!signal.aborted) {
      const beganMs = performance.now();
      // What fails while there is no leader is tried again at once, as often as a server would at first.
      const isLeased = await lease.lease(RANGE_SIZE).then(
        () => true,
        () => false,
      );
      if (isLeased) client.leases.push({ beganMs, endedMs: performance.now() });
      await sleep(BETWEEN_LEASES_MS);
    }
  } finally {
    await session.close();
  }
}

async function firstLeaseAfter(killedMs: number, client: Client): Promise<number> {
  for (;;) {
    const found = client.leases.find(({ beganMs }) => beganMs >= killedMs);
    if (found !== undefined) return found.endedMs - killedMs;
    if (performance.now() - killedMs > LEASES_WITHIN_MS) throw new Error('no lease after the death of the leader');
    await sleep(1);
  }
}
