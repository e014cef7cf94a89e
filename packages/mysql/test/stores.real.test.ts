import { randomBytes } from 'node:crypto';
import type { LeaseRecord } from '@lakh/id-range';
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
  storedAs,
} from '@lakh/testkit';
import {
  createMysqlChangeLog,
  createMysqlFacts,
  createMysqlInspector,
  createMysqlLedger,
  createMysqlLinkStore,
  createMysqlReservations,
  type MysqlLinkStore,
  type MysqlObserver,
  migrate,
  Pool,
  type StoreLimits,
} from '../src/index.js';
import { startDatabase, type TestDatabase } from './database.js';
import { describeChanges } from './describe-changes.js';
import { keepTables } from './keep-tables.js';

// Two thousand inserts at once take seconds on a busy machine.
jest.setTimeout(30_000);

const NOW_MS = 1_790_000_000_000;
const clock = { nowMs: () => NOW_MS };
let database: TestDatabase;
let pool: Pool;

function makeStore(limits: StoreLimits = {}, observer: MysqlObserver = {}): MysqlLinkStore {
  return createMysqlLinkStore({ pool, clock, limits, observer });
}

beforeAll(async () => {
  database = await startDatabase();
  const migrator = new Pool(database.migrator);
  await migrate(migrator);
  migrator.close();
  pool = new Pool(database.app, { deadlineMs: 10_000 });
}, 60_000);

afterAll(async () => {
  pool?.close();
  await database?.stop();
});

describeLinkStore('MySQL', async () => ({
  store: makeStore(),
  another: async () => makeStore(),
  dispose: async () => {},
}));

describeLinkStore('MySQL, many small statements', async () => {
  await database.sql('DELETE FROM links; DELETE FROM changes');
  const another = async () =>
    makeStore({ insertRows: 7, insertsInFlight: 5, insertBytes: 2_000, findCodes: 3, aliasesInFlight: 5 });
  return {
    store: await another(),
    another,
    dispose: async () => {},
  };
});

describeChangeLog('MySQL', async () => {
  const moment = { nowMs: NOW_MS };
  const another = async () => createMysqlLinkStore({ pool, clock: { nowMs: () => moment.nowMs } });
  return {
    store: await another(),
    log: createMysqlChangeLog({ pool }),
    clock: moment,
    another,
    backup: () => keepTables((statements) => database.sql(statements)),
    dispose: async () => {},
  };
});

describeReservationStore('MySQL', async () => ({
  store: createMysqlReservations({ pool }),
  another: async () => createMysqlReservations({ pool }),
  dispose: async () => {},
}));

describeKeyedCreates(
  'MySQL',
  async () => ({
    links: makeStore(),
    reservations: createMysqlReservations({ pool }),
    dispose: async () => {},
  }),
  200,
);

describeFactStore('MySQL', async () => ({
  facts: createMysqlFacts({ pool }),
  dispose: async () => {},
}));

async function openLedger(): Promise<LedgerHarness> {
  await database.sql('DELETE FROM links');
  const namespace = `ns-${randomBytes(6).toString('hex')}`;
  const pools = [pool];
  return {
    ledger: createMysqlLedger({ pool, namespace }),
    another: async () => {
      const pool = new Pool(database.app);
      pools.push(pool);
      return createMysqlLedger({ pool, namespace });
    },
    addGeneratedLink: async () => {
      await makeStore().insert(new SampleLinks().generated());
    },
    dropHead: async () => {
      await database.sql(`DELETE FROM id_heads WHERE namespace='${namespace}'`);
    },
    dispose: async () => {
      for (const pool of pools.slice(1)) pool.close();
    },
  };
}

describeLedger('MySQL', openLedger);
describeLedgerRemainders('MySQL', openLedger);

describe('the ledger in MySQL', () => {
  const lease = (start: number, end: number, serverId: string): LeaseRecord => ({
    range: { start, end },
    holder: { serverId, host: "h'ost\\é", processStartMs: 1, codec: 'base62' },
    leasedAtMs: 2,
    witnessVersion: 3,
  });

  test('a lease row tells who leased it', async () => {
    const ledger = createMysqlLedger({ pool, namespace: 'told', feedsLinks: false });
    await ledger.create(100_000, 'cluster-1');
    await ledger.record(lease(100_000, 200_000, 'server-a'));
    expect(await database.sql("SELECT * FROM id_leases WHERE namespace='told'")).toBe(
      "told\t100000\t200000\tserver-a\th'ost\\\\é\t1\t2\t3\tbase62\tleased\n",
    );
  });

  test('links do not make a namespace used that they are not generated from', async () => {
    await makeStore().insert(new SampleLinks().generated({ code: 'someLink' }));
    const ledger = createMysqlLedger({ pool, namespace: 'invoices', feedsLinks: false });
    expect(await ledger.create(100_000, 'cluster-1')).toBe('created');
    expect(await ledger.head()).toMatchObject({ virgin: true });
    expect(() => createMysqlLedger({ pool, namespace: "x' OR 1=1 --" })).toThrow(RangeError);
  });
});

describe('rows in MySQL', () => {
  const sample = new SampleLinks();
  const hostile = [
    "https://e.example/'); DROP TABLE links; --",
    "https://e.example/\\'); DROP TABLE links; --",
    'https://e.example/?a=?&b=??&c=:d#\\',
    "https://e.example/''\\\\''",
  ];
  const insertable = (n: number) =>
    Array.from({ length: n }, (_, i) => sample.generated({ code: `row${sample.generated().counter}x${i}` }));

  test('SQL in a URL is a URL, and SQL in a code finds nothing', async () => {
    const store = makeStore();
    const links = hostile.map((longUrl, i) => sample.generated({ longUrl, code: `hostile${i}` }));
    await Promise.all(links.map((link) => store.insert(link)));
    for (const link of links) expect(await store.find(0, link.code)).toEqual(storedAs(link));
    for (const code of ["' OR '1'='1", "x'), (0,'y", '\\', "\\' OR 1=1 #", 'hostile0\0', 'höstile0', '']) {
      expect(await store.find(0, code)).toBeUndefined();
      expect(await store.remove(0, code)).toEqual({ outcome: 'missing' });
    }
    const quoted = sample.alias({ code: "it's\\" });
    expect(await store.insert(quoted)).toMatchObject({ outcome: 'inserted' });
    expect(await store.find(0, "it's\\")).toEqual(storedAs(quoted));
    expect(await store.remove(0, "it's\\")).toMatchObject({ outcome: 'removed' });
    await expect(store.insert(sample.alias({ code: 'höstile' }))).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('a conflict in the middle of a batch settles alone, and the others go in one more statement', async () => {
    const statements: [number, string][] = [];
    const store = makeStore(
      { insertsInFlight: 1 },
      { statement: (kind, rows, _ms, outcome) => kind === 'insert' && statements.push([rows, outcome]) },
    );
    const links = insertable(100);
    await makeStore().insert(sample.alias({ code: links[40]!.code }));
    const outcomes = await Promise.all(links.map((link) => store.insert(link)));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(links.map((_, i) => (i === 40 ? 'taken' : 'inserted')));
    expect(statements).toEqual([
      [100, 'conflict'],
      [99, 'ok'],
    ]);
  });

  test('rows that the database refuses fail alone', async () => {
    const store = makeStore();
    const links = insertable(64).map((link, i) => (i === 3 || i === 50 ? { ...link, domainId: 2 ** 32 } : link));
    const settled = await Promise.allSettled(links.map((link) => store.insert(link)));
    expect(settled.map(({ status }) => status)).toEqual(
      links.map(({ domainId }) => (domainId === 0 ? 'fulfilled' : 'rejected')),
    );
    expect(settled[3]).toMatchObject({
      reason: { code: 'store_unavailable', message: expect.stringContaining('1264') },
    });
  });

  test('a row that this release cannot read fails who asked for it, or met it, and nobody beside them', async () => {
    const store = makeStore({ findsInFlight: 1, insertsInFlight: 1 });
    const [links, strange] = [insertable(21), sample.generated({ code: 'ofAnotherKind' })];
    for (const link of [...links, strange]) await store.insert(link);
    await database.sql(`UPDATE links SET kind=9 WHERE code='${strange.code}'`);
    const found = await Promise.allSettled([...links, strange].map(({ code }) => store.find(0, code)));
    expect(found.slice(0, 21)).toEqual(links.map((link) => ({ status: 'fulfilled', value: storedAs(link) })));
    const unreadable = { reason: { message: expect.stringMatching(/ofAnotherKind has kind 9/) } };
    expect(found[21]).toMatchObject(unreadable);
    const beside = [...insertable(5), sample.generated({ code: strange.code }), ...insertable(5)];
    const met = await Promise.allSettled(beside.map((link) => store.insert(link)));
    expect(met.map(({ status }) => status)).toEqual(
      beside.map(({ code }) => (code === strange.code ? 'rejected' : 'fulfilled')),
    );
    expect(met[5]).toMatchObject(unreadable);
    await expect(createMysqlInspector(pool).record(0, strange.code)).rejects.toMatchObject(unreadable.reason);
    await database.sql(`DELETE FROM links WHERE code='${strange.code}'`);
  });

  test('no statement is larger than its bounds, in rows or in bytes', async () => {
    const before = Number((await database.sql("SHOW GLOBAL STATUS LIKE 'Bytes_received'")).split('\t')[1]);
    const rows: number[] = [];
    const observer: MysqlObserver = { statement: (_kind, count) => rows.push(count) };
    const store = makeStore({ insertRows: 50, insertBytes: 64 * 1024 }, observer);
    const longUrl = `https://e.example/${'u'.repeat(2_000)}`;
    await Promise.all(insertable(200).map((link) => store.insert({ ...link, longUrl })));
    await Promise.all(insertable(200).map((link) => store.insert(link)));
    expect(Math.max(...rows)).toBe(50);
    // 2,018 bytes of URL and some 90 around it: 30 rows at most.
    expect(rows.filter((count) => count > 25 && count <= 31)).toHaveLength(6);
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(400);
    const after = Number((await database.sql("SHOW GLOBAL STATUS LIKE 'Bytes_received'")).split('\t')[1]);
    expect(after - before).toBeLessThan(200 * 2_200 + 200 * 250);
  });

  test('what exceeds the queue is refused at once, and the rest is stored', async () => {
    const store = makeStore({ insertRows: 10, insertsQueued: 30, findsQueued: 5, findCodes: 2 });
    const settled = await Promise.allSettled(insertable(100).map((link) => store.insert(link)));
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(30);
    expect(store.queued).toEqual({ insert: 0, insert_alias: 0, find: 0 });
    const found = await Promise.allSettled(insertable(8).map((link) => store.find(0, link.code)));
    expect(found.filter(({ status }) => status === 'rejected')).toHaveLength(3);
  });

  test('callers of one code share a question, 1,000 callers share few statements', async () => {
    const asked: number[] = [];
    const observer: MysqlObserver = { statement: (_kind, count) => asked.push(count) };
    const store = makeStore({}, observer);
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => store.find(0, `code${i % 300}`)));
    expect(asked.reduce((sum, count) => sum + count, 0)).toBe(300);
    expect(asked).toHaveLength(2);
  });

  test('a removal empties the URL and keeps the origin', async () => {
    const store = makeStore();
    const links = [sample.generated({ code: 'toRemove1' }), sample.alias({ code: 'toRemove2' })];
    for (const link of links) {
      await store.insert(link);
      await store.remove(0, link.code);
    }
    expect(
      await database.sql(
        "SELECT code, kind, counter, long_url, version, changed_at_ms FROM links WHERE code LIKE 'toRemove%' ORDER BY code",
      ),
    ).toBe(`toRemove1\t3\t${links[0]!.counter}\t\t2\t1790000000000\ntoRemove2\t3\t0\t\t2\t1790000000000\n`);
  });

  test('the log forgets what is older than it is told, oldest first, in pieces', async () => {
    await database.sql('DELETE FROM changes');
    const log = createMysqlChangeLog({ pool });
    const rows = [1_000, 3_000, 2_000, 5_000].map((atMs) => `(x'00',${atMs},x'00',x'00',0,'old${atMs}',2,${atMs})`);
    await database.sql(`INSERT INTO changes VALUES ${rows}`);
    const left = () => database.sql('SELECT code FROM changes ORDER BY at_ms');
    expect(await log.forget(3_000, 10)).toBe(2);
    expect(await left()).toBe('old3000\nold5000\n');
    expect(await log.forget(9_000, 1)).toBe(1);
    expect(await left()).toBe('old5000\n');
    await database.sql('DELETE FROM changes');
  });

  test('an edit keeps kind, counter and origin', async () => {
    const store = makeStore();
    const link = sample.generated({ code: 'toEdit' });
    await store.insert(link);
    await store.edit(0, link.code, { longUrl: 'https://example.com/first', expiresAtMs: 1_999_999_999_999 });
    await store.edit(0, link.code, { longUrl: 'https://example.com/second', redirectStatus: 307 });
    await store.edit(0, link.code, { redirectStatus: 307 });
    expect(
      await database.sql(
        `SELECT kind, counter, long_url, expires_at_ms, redirect_status, version, changed_at_ms, HEX(insert_id)='${link.insertId}' FROM links WHERE code='toEdit'`,
      ),
    ).toBe(`1\t${link.counter}\thttps://example.com/second\t1999999999999\t307\t3\t1790000000000\t1\n`);
  });

  test('sessions are strict, in UTC, read committed, and may not create tables', async () => {
    const { rows } = await pool.run((session) =>
      session.query('SELECT @@sql_mode, @@time_zone, @@tx_isolation, @@character_set_client, @@autocommit'),
    );
    expect(rows[0]?.[0]).toMatch(/^STRICT_ALL_TABLES,/);
    expect(rows[0]?.slice(1)).toEqual(['+00:00', 'READ-COMMITTED', 'utf8mb4', 1]);
    await expect(pool.run((session) => session.query('CREATE TABLE x (y INT)'))).rejects.toMatchObject({
      errno: 1142,
    });
  });
});

describeChanges(() => ({ database, pool }));
