/** The real witnesses as services/shorten opens them, one session and one pool a client. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCluster } from '@lakh/backend/cluster';
import {
  type CounterRange,
  type LeaseObserver,
  type MarkStore,
  ReclaimingLease,
  systemClock,
  TwoWitnessLease,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { parseDatabase } from '@lakh/mysql';
import { parseZookeeperAddress, type ZookeeperAddress } from '@lakh/zookeeper';

const CONNECT_LIMIT_MS = 30_000;
const CONNECT_PAUSE_MS = 20;
/** LAKH_STORE_DEADLINE_MS's default. */
const STORE_DEADLINE_MS = 3_000;

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
  readonly marks: MarkStore;
  /** Leases alone. */
  readonly lease: TwoWitnessLease;
  /** What a server leases from: it looks for remainders first. */
  readonly source: ReclaimingLease;
  close(): Promise<void>;
}

/** How to open a session that begins with the `firstNode`-th server of the address, so that clients stand on different nodes. */
export function beginningWith(
  address: string,
  firstNode: number,
): { readonly zookeeper: ZookeeperAddress; readonly random: () => number } {
  const { servers, chroot } = parseZookeeperAddress(address);
  const first = firstNode % servers.length;
  // The session shuffles with the first numbers it draws; the largest there is leaves the order as it is.
  let draws = servers.length - 1;
  return {
    zookeeper: { servers: [...servers.slice(first), ...servers.slice(0, first)], chroot },
    random: () => (draws-- > 0 ? 1 - Number.EPSILON : Math.random()),
  };
}

/** Resolves once connected to ZooKeeper. */
export async function openWitnesses(addresses: WitnessAddresses, options: WitnessOptions): Promise<Witnesses> {
  const { zookeeper, random } = beginningWith(addresses.zookeeper, options.firstNode);
  const database = parseDatabase(addresses.mysqlUrl);
  const settings = { zookeeper, database, storeDeadlineMs: STORE_DEADLINE_MS };
  const backend = openCluster({ settings, random });
  const { marks, ledger, remainders } = backend.witnesses();
  const { serverId, leased } = options;
  const holder = { serverId, host: 'bench', processStartMs: Math.round(performance.timeOrigin), codec: 'base62' };
  const common = { ledger, holder, clock: systemClock, random: Math.random };
  const observer: LeaseObserver = { leased: (range) => leased?.(range), abandoned() {}, refused() {} };
  const lease = new TwoWitnessLease({ ...common, marks, newClusterId: randomUUID, observer });
  const source = new ReclaimingLease({ ...common, lease, remainders });
  await untilConnected(marks);
  return { marks, lease, source, close: () => backend.close() };
}

async function untilConnected(marks: MarkStore): Promise<void> {
  const dueMs = performance.now() + CONNECT_LIMIT_MS;
  for (;;) {
    try {
      await marks.read();
      return;
    } catch (error) {
      if (!(error instanceof WitnessUnavailableError) || performance.now() > dueMs) throw error;
    }
    await sleep(CONNECT_PAUSE_MS);
  }
}
