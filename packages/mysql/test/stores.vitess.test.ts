import { randomBytes } from 'node:crypto';
import {
  describeChangeLog,
  describeFactStore,
  describeKeyedCreates,
  describeLedger,
  describeLedgerRemainders,
  describeLinkStore,
  describeReservationStore,
  type LedgerHarness,
  SampleLinks,
} from '@lakh/testkit';
import {
  createMysqlChangeLog,
  createMysqlCounterWitness,
  createMysqlFacts,
  createMysqlLedger,
  createMysqlLinkStore,
  createMysqlReservations,
  type Database,
  migrate,
  openDatabase,
  openLanes,
  Pool,
  proveRowsAreTaken,
  type ShardLanes,
  type StoreLimits,
} from '../src/index.js';
import { keepTables } from './keep-tables.js';
import { startKeyspace, type TestKeyspace } from './keyspace.js';

/** What is shown of one MariaDB, through a vtgate over two shards. */
jest.setTimeout(60_000);

const NOW_MS = 1_790_000_000_000;
let keyspace: TestKeyspace;
let pool: Database;
let lanes: ShardLanes;

const makeStore = (limits: StoreLimits = {}, clock = { nowMs: () => NOW_MS }) =>
  createMysqlLinkStore({ pool, lanes, clock, limits });

beforeAll(async () => {
  keyspace = await startKeyspace();
  const settings = { members: keyspace.gates, proof: proveRowsAreTaken };
  pool = openDatabase(settings);
  lanes = openLanes(pool, settings);
  await lanes.ask();
}, 240_000);

afterAll(async () => {
  lanes?.close();
  pool?.close();
  await keyspace?.stop();
}, 60_000);

test('a keyspace is migrated once, and again does nothing', async () => {
  expect(lanes.all.map(({ name }) => name.split(' ')[1])).toEqual(['-80', '80-']);
  expect(await migrate(pool)).toEqual([]);
  for (const lane of lanes.all) await lane.proveWritable();
  const { rows } = await pool.run((session) => session.query('SELECT COUNT(*) FROM heads'));
  expect(Number(rows[0]?.[0])).toBe(256);
  await pool.proveWritable();
  expect((await pool.run((session) => session.query('SELECT COUNT(*) FROM links'))).rows).toEqual([[0]]);
});

describeLinkStore('Vitess', async () => ({
  store: makeStore(),
  another: async () => makeStore(),
  dispose: async () => {},
}));

describeLinkStore('Vitess, many small statements', async () => {
  await keyspace.sql('DELETE FROM links; DELETE FROM changes');
  const another = async () =>
    makeStore({ insertRows: 7, insertsInFlight: 5, insertBytes: 2_000, findCodes: 3, aliasesInFlight: 5 });
  return { store: await another(), another, dispose: async () => {} };
});

describeChangeLog('Vitess', async () => {
  const moment = { nowMs: NOW_MS };
  const another = async () => makeStore({}, { nowMs: () => moment.nowMs });
  return {
    store: await another(),
    log: createMysqlChangeLog({ pool, lanes }),
    clock: moment,
    another,
    backup: () => keepTables((statements) => keyspace.sql(statements)),
    dispose: async () => {},
  };
});

describeReservationStore('Vitess', async () => ({
  store: createMysqlReservations({ pool, lanes }),
  another: async () => createMysqlReservations({ pool, lanes }),
  dispose: async () => {},
}));

describeKeyedCreates(
  'Vitess',
  async () => ({ links: makeStore(), reservations: createMysqlReservations({ pool, lanes }), dispose: async () => {} }),
  200,
);

describeFactStore('Vitess', async () => ({ facts: createMysqlFacts({ pool }), dispose: async () => {} }));

async function openLedger(): Promise<LedgerHarness> {
  await keyspace.sql('DELETE FROM links');
  const namespace = `ns-${randomBytes(6).toString('hex')}`;
  const pools: Pool[] = [];
  return {
    ledger: createMysqlLedger({ pool, namespace }),
    another: async () => {
      const another = new Pool(keyspace.gates[0]!);
      pools.push(another);
      return createMysqlLedger({ pool: another, namespace });
    },
    addGeneratedLink: async () => {
      await makeStore().insert(new SampleLinks().generated());
    },
    dropHead: async () => {
      await keyspace.sql(`DELETE FROM id_heads WHERE namespace='${namespace}'`);
    },
    dispose: async () => {
      for (const each of pools) each.close();
    },
  };
}

describeLedger('Vitess', openLedger);
describeLedgerRemainders('Vitess', openLedger);

test('a ledger is never made beside links or leases, on whichever shard they are, 40 times', async () => {
  for (let round = 0; round < 20; round += 1) {
    await keyspace.sql('DELETE FROM links');
    await makeStore().insert(new SampleLinks().generated());
    expect(await createMysqlLedger({ pool, namespace: `beside-${round}` }).create(100_000, 'cluster-1')).toBe(
      'not-empty',
    );
    const leased = createMysqlLedger({ pool, namespace: `leased-${round}`, feedsLinks: false });
    const holder = { serverId: 'server-a', host: 'host', processStartMs: 1, codec: 'base62' };
    expect(await leased.create(100_000, 'cluster-1')).toBe('created');
    await leased.record({ range: { start: 100_000, end: 200_000 }, holder, leasedAtMs: 2, witnessVersion: 3 });
    await keyspace.sql(`DELETE FROM id_heads WHERE namespace='leased-${round}'`);
    expect(await leased.create(100_000, 'cluster-1')).toBe('not-empty');
  }
});

test('the highest counter is found on whichever shard it is, with more links than one answer may hold', async () => {
  await keyspace.sql('DELETE FROM links');
  const sample = new SampleLinks();
  const store = makeStore({ insertsQueued: 30_000 });
  const links = Array.from({ length: 12_000 }, () => sample.generated());
  for (let i = 0; i < links.length; i += 4_000) {
    await Promise.all(links.slice(i, i + 4_000).map((link) => store.insert(link)));
  }
  const highest = Math.max(...links.map(({ counter }) => counter));
  expect(await createMysqlCounterWitness(pool).highest()).toBe(highest);
  expect(await createMysqlLedger({ pool, namespace: 'many' }).create(100_000, 'cluster-1')).toBe('not-empty');
});
