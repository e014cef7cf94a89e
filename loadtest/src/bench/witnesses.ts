/** The real witnesses as services/shorten opens them, one session and one pool a client. */
import { randomUUID } from 'node:crypto';
import {
  type CounterRange,
  type LeaseObserver,
  type MarkStore,
  ReclaimingLease,
  systemClock,
  TwoWitnessLease,
} from '@lakh/id-range';
import { createMysqlLedger, Pool, parseDatabase } from '@lakh/mysql';
import {
  createZookeeperMarkStore,
  createZookeeperRemainderStore,
  createZookeeperSession,
  parseZookeeperAddress,
  type ZookeeperSession,
} from '@lakh/zookeeper';

export const NAMESPACE = 'links';
export const LAKH = 100_000;
/** Half of LAKH_LEASE_DEADLINE_MS's default, as services/shorten takes it. */
const ZOOKEEPER_DEADLINE_MS = 1_500;
const CONNECT_LIMIT_MS = 30_000;

export interface WitnessAddresses {
  /** `host:port,…/chroot`. */
  readonly zookeeper: string;
  readonly mysqlUrl: string;
}

export interface WitnessOptions {
  readonly serverId: string;
  /** Which of the ensemble's nodes, by its place in the address, is tried first; the others follow in order. */
  readonly firstNode: number;
  /** Told of every range that this client is given, a remainder too. */
  readonly leased?: (range: CounterRange) => void;
}

export interface Witnesses {
  readonly session: ZookeeperSession;
  readonly pool: Pool;
  readonly marks: MarkStore;
  /** Leases alone. */
  readonly lease: TwoWitnessLease;
  /** What a server leases from: it looks for remainders first. */
  readonly source: ReclaimingLease;
  close(): Promise<void>;
}

/** A session that begins with the `firstNode`-th server of the address, so that clients stand on different nodes. */
export function openSession(zookeeper: string, firstNode: number): ZookeeperSession {
  const { servers, chroot } = parseZookeeperAddress(zookeeper);
  const first = firstNode % servers.length;
  // The session shuffles with the first numbers it draws; the largest there is leaves the order as it is.
  let draws = servers.length - 1;
  return createZookeeperSession({
    servers: [...servers.slice(first), ...servers.slice(0, first)],
    chroot,
    deadlineMs: ZOOKEEPER_DEADLINE_MS,
    random: () => (draws-- > 0 ? 1 - Number.EPSILON : Math.random()),
  });
}

/** Resolves once connected to ZooKeeper. */
export async function openWitnesses(addresses: WitnessAddresses, options: WitnessOptions): Promise<Witnesses> {
  const session = openSession(addresses.zookeeper, options.firstNode);
  const pool = new Pool(parseDatabase(addresses.mysqlUrl));
  const inZookeeper = { namespace: NAMESPACE, connectWaitMs: ZOOKEEPER_DEADLINE_MS };
  const marks = createZookeeperMarkStore(session, inZookeeper);
  const ledger = createMysqlLedger({ pool, namespace: NAMESPACE });
  const { serverId, leased } = options;
  const holder = { serverId, host: 'bench', processStartMs: Math.round(performance.timeOrigin), codec: 'base62' };
  const common = { ledger, holder, clock: systemClock, random: Math.random };
  const observer: LeaseObserver = { leased: (range) => leased?.(range), abandoned() {}, refused() {} };
  const lease = new TwoWitnessLease({ ...common, marks, newClusterId: randomUUID, observer });
  const remainders = createZookeeperRemainderStore(session, inZookeeper);
  const source = new ReclaimingLease({ ...common, lease, remainders });
  await session.whenConnected(CONNECT_LIMIT_MS);
  return {
    session,
    pool,
    marks,
    lease,
    source,
    close: async () => void (await Promise.all([session.close(), pool.close()])),
  };
}
