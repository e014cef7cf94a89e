import { feedsLinks } from '@lakh/facts';
import type { Witnesses } from '@lakh/id-range';
import {
  createMysqlCounterWitness,
  createMysqlFacts,
  createMysqlInspector,
  createMysqlLedger,
  createMysqlLedgerAdmin,
  type SqlPool,
  type StatementTimer,
} from '@lakh/mysql';
import {
  createZookeeperMarkAdmin,
  createZookeeperMarkStore,
  createZookeeperRemainderStore,
  type NodeSession,
  registeredServers,
} from '@lakh/zookeeper';
import type { WitnessPorts } from '../backend.js';

/** The ends of the wires to a distributed system's witnesses, real or simulated; whoever gives them closes them. */
export interface ClusterWires {
  readonly namespace: string;
  /** Asked each time: opens the session when it is first needed. */
  readonly zookeeper: () => NodeSession;
  /** How long a read waits for a connection to ZooKeeper while there is none; default 0. */
  readonly connectWaitMs?: number;
  readonly database: SqlPool;
  /** Whether this namespace's counters become links. Otherwise a server takes it that they do, and an operator asks the database. */
  readonly feedsLinks?: boolean | undefined;
  readonly timer?: StatementTimer;
  /** How long a repair waits until no attempt to lease that began before it goes on. */
  readonly settleMs: number;
}

/** A distributed system without its links: the mark and remainders in ZooKeeper, ledger and facts in MySQL. */
export function clusterOver(wires: ClusterWires): WitnessPorts {
  const { namespace, zookeeper, connectWaitMs = 0, database, settleMs } = wires;
  const inZookeeper = { namespace, connectWaitMs };
  const timed = wires.timer === undefined ? {} : { timer: wires.timer };
  const facts = createMysqlFacts({ pool: database, ...timed });

  return {
    facts,

    witnesses(): Witnesses {
      const session = zookeeper();
      return {
        marks: createZookeeperMarkStore(session, inZookeeper),
        ledger: createMysqlLedger({ pool: database, namespace, feedsLinks: wires.feedsLinks ?? true, ...timed }),
        remainders: createZookeeperRemainderStore(session, inZookeeper),
      };
    },

    async admin() {
      const session = zookeeper();
      return {
        marks: createZookeeperMarkAdmin(session, inZookeeper),
        ledger: createMysqlLedgerAdmin({ pool: database, namespace, ...timed }),
        remainders: createZookeeperRemainderStore(session, inZookeeper),
        counters: createMysqlCounterWitness(database, wires.feedsLinks ?? (await feedsLinks(facts, namespace))),
        facts,
        links: createMysqlInspector(database),
        runningServers: () => registeredServers(session, inZookeeper),
        settleMs,
        restored: async () => {}, // Either witness of a cluster is noticed by the other; a person knows of both.
      };
    },
  };
}
