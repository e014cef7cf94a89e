import { createMysqlCounterWitness, createMysqlFacts, createMysqlLedger, createMysqlLedgerAdmin } from '@lakh/mysql';
import {
  CORRUPT_MARK_TEXTS,
  describeFactStore,
  describeLedger,
  describeLedgerRemainders,
  describeMarkStore,
  describeRemainderStore,
  describeWitnessAdmins,
  type LedgerHarness,
} from '@lakh/testkit';
import { createZookeeperMarkAdmin, createZookeeperMarkStore, createZookeeperRemainderStore } from '@lakh/zookeeper';
import { Bench } from './support';

const NAMESPACE = 'links';
const IN_ZOOKEEPER = { namespace: NAMESPACE, connectWaitMs: 1000 };
const FOLDER = '/lakh/ranges/links';

const link = (counter: number) => ({ code: `code-${counter}`, kind: 'generated' as const, counter, longUrl: '' });

async function connected(bench: Bench) {
  const session = bench.session();
  await bench.driven({ connected: () => session.whenConnected(1000) }).connected();
  return session;
}

describeMarkStore(
  'the real store over a simulated ensemble',
  async () => {
    const bench = new Bench();
    const another = async () => bench.driven(createZookeeperMarkStore(await connected(bench), IN_ZOOKEEPER));
    return {
      store: await another(),
      another,
      corrupt: async (text) => bench.ensemble.put(`${FOLDER}/next`, Buffer.from(text)),
      dispose: async () => {},
    };
  },
  { corruptTexts: CORRUPT_MARK_TEXTS },
);

describeRemainderStore('the real store over a simulated ensemble', async () => {
  const bench = new Bench();
  const another = async () => bench.driven(createZookeeperRemainderStore(await connected(bench), IN_ZOOKEEPER));
  return {
    store: await another(),
    another,
    addName: async (name) => {
      bench.ensemble.put(`${FOLDER}/released`, Buffer.alloc(0));
      bench.ensemble.put(`${FOLDER}/released/${name}`, Buffer.alloc(0));
    },
    dispose: async () => {},
  };
});

async function openLedger(): Promise<LedgerHarness> {
  const bench = new Bench();
  let links = 0;
  const client = () => bench.driven(createMysqlLedger({ pool: bench.pool(), namespace: NAMESPACE }));
  return {
    ledger: client(),
    another: async () => client(),
    addGeneratedLink: async () => {
      links += 1;
      bench.database.insertLink(link(links));
    },
    dropHead: async () => bench.database.tables.heads.clear(),
    dispose: async () => {},
  };
}

describeLedger('the real ledger over a simulated database', openLedger);
describeLedgerRemainders('the real ledger over a simulated database', openLedger);

describeFactStore('the real store over a simulated database', async () => {
  const bench = new Bench();
  return { facts: bench.driven(createMysqlFacts({ pool: bench.pool() })), dispose: async () => {} };
});

describeWitnessAdmins('the real adapters over simulated witnesses', async () => {
  const bench = new Bench();
  const session = await connected(bench);
  const pool = bench.pool();
  return {
    marks: bench.driven(createZookeeperMarkAdmin(session, IN_ZOOKEEPER)),
    markStore: bench.driven(createZookeeperMarkStore(session, IN_ZOOKEEPER)),
    ledger: bench.driven(createMysqlLedgerAdmin({ pool, namespace: NAMESPACE })),
    serverLedger: bench.driven(createMysqlLedger({ pool, namespace: NAMESPACE })),
    counters: bench.driven(createMysqlCounterWitness(pool)),
    addLink: async (counter) => {
      bench.database.insertLink(link(counter));
    },
    dispose: async () => {},
  };
});
