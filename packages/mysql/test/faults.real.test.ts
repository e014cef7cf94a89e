import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LeaseRecord } from '@lakh/id-range';
import { createFaultProxy, type FaultProxy, SampleLinks, storedAs } from '@lakh/testkit';
import {
  createMysqlFacts,
  createMysqlLedger,
  createMysqlLinkStore,
  type MysqlObserver,
  migrate,
  Pool,
  type PoolOptions,
  proveRowsAreTaken,
} from '../src/index.js';
import { eventually, startDatabase, type TestDatabase } from './database.js';

const clock = { nowMs: () => 1_790_000_000_000 };
const sample = new SampleLinks();
const DEADLINE_MS = 400;
let database: TestDatabase;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  database = await startDatabase();
  const migrator = new Pool(database.migrator);
  await migrate(migrator);
  migrator.close();
}, 60_000);
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => database?.stop());

function openStore(options: PoolOptions = {}, port = database.app.port) {
  const pool = new Pool(
    { ...database.app, port },
    {
      deadlineMs: DEADLINE_MS,
      connectDeadlineMs: DEADLINE_MS,
      ...options,
    },
  );
  cleanups.push(() => pool.close());
  return { pool, store: createMysqlLinkStore({ pool, clock }) };
}

async function openProxy(): Promise<FaultProxy> {
  const proxy = await createFaultProxy(database.app);
  cleanups.push(() => proxy.close());
  return proxy;
}

/** The code of the error that `call` rejects with, or what it resolved with. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: { code?: string }) => error.code ?? error);
}

function collectedHeapBytes(): number {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('a server that answers and takes no rows', () => {
  const readOnly = (on: 0 | 1) => database.sql(`SET GLOBAL read_only=${on}`);
  beforeEach(() => void cleanups.push(() => readOnly(0)));

  test('is known from the first refusal on, counted, and known to take rows again from a proof', async () => {
    const refused: number[] = [];
    const changes: boolean[] = [];
    const observer: MysqlObserver = {
      writeRefused: (_member, errno) => refused.push(errno),
      writability: (_member, writable) => changes.push(writable),
    };
    const { pool, store } = openStore({ observer, proof: proveRowsAreTaken });
    const link = sample.generated();
    await store.insert(link);
    await readOnly(1);
    expect(await outcomeOf(store.insert(sample.generated()))).toBe('store_unavailable');
    expect([store.available, pool.available, pool.writeRefusal]).toEqual([
      false,
      true,
      expect.stringContaining('1290'),
    ]);
    for (let i = 0; i < 100; i += 1)
      expect(await outcomeOf(store.insert(sample.generated()))).toBe('store_unavailable');
    expect(refused.length).toBeLessThan(10); // one insert, and proofs in the background
    expect(new Set(refused)).toEqual(new Set([1290]));
    expect(await store.find(0, link.code)).toEqual(storedAs(link));

    await readOnly(0);
    await eventually(() => store.available === true);
    expect(await store.insert(sample.generated())).toMatchObject({ outcome: 'inserted' });
    expect(changes).toEqual([false, true]);
    expect((await database.sql("SELECT COUNT(*) FROM links WHERE code LIKE '-proof%'")).trim()).toMatch(/0$/);
  });

  test('is asked for no head, at the start as after a refusal, so that nobody raises a mark for nothing', async () => {
    await readOnly(1);
    const { pool } = openStore({ proof: proveRowsAreTaken });
    const ledger = createMysqlLedger({ pool, namespace: 'read-only', feedsLinks: false });
    expect(await outcomeOf(ledger.head())).toBe('witness_unavailable');
    await readOnly(0);
    expect(await ledger.head()).toBe('missing');
    await ledger.create(100_000, 'cluster');
    await readOnly(1);
    const holder = { serverId: 'a', host: 'b', processStartMs: 1, codec: 'base62' };
    const lease = { range: { start: 900_000, end: 900_100 }, holder, leasedAtMs: 1, witnessVersion: 1 };
    expect(await outcomeOf(ledger.record(lease))).toBe('witness_unavailable');
    expect(await outcomeOf(ledger.head())).toBe('witness_unavailable');
    await readOnly(0);
    expect(await ledger.head()).toMatchObject({ head: 100_000 });
    expect(await ledger.record(lease)).toBe('recorded');
  });
});

describe('a frozen server', () => {
  test('every call settles within its deadline, refusals cost nothing, and it recovers by itself', async () => {
    const changes: boolean[] = [];
    const observer: MysqlObserver = { availability: (_member, available) => changes.push(available) };
    const { pool, store } = openStore({ observer });
    const ledger = createMysqlLedger({ pool, namespace: 'frozen', feedsLinks: false });
    const before = sample.generated();
    await store.insert(before);
    // A connection for each of the calls below, so that each is sent.
    await Promise.all(Array.from({ length: 6 }, () => pool.run((session) => session.query('SELECT 1'))));
    expect(pool.connections).toBe(6);

    await database.server.signal('SIGSTOP');
    cleanups.push(() => database.server.signal('SIGCONT'));
    const startedAt = performance.now();
    const outcomes = await Promise.all(
      [
        store.insert(sample.generated()),
        store.insert(sample.alias()),
        store.find(0, before.code),
        store.remove(0, before.code),
        ledger.head(),
        createMysqlFacts({ pool }).recordOnce('x', 'y'),
      ].map(outcomeOf),
    );
    expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + 250);
    expect(outcomes.slice(0, 2)).toEqual(['store_outcome_unknown', 'store_outcome_unknown']);
    expect(outcomes.slice(2)).toEqual([
      'store_unavailable',
      'store_unavailable',
      'witness_unavailable',
      'store_unavailable',
    ]);
    await eventually(() => !pool.available, 3_000);

    const refuse = async (count: number) => {
      for (let i = 0; i < count; i += 1) {
        expect(await outcomeOf(store.insert(before))).toBe('store_unavailable');
        expect(await outcomeOf(store.find(0, before.code))).toBe('store_unavailable');
        expect(await outcomeOf(store.remove(0, before.code))).toBe('store_unavailable');
      }
    };
    await refuse(500);
    const heapBytes = collectedHeapBytes();
    await refuse(3_400); // 10,200 calls
    expect(collectedHeapBytes() - heapBytes).toBeLessThan(2 * 1024 * 1024);
    expect(pool.connections).toBeLessThanOrEqual(2);

    await database.server.signal('SIGCONT');
    await eventually(() => pool.available, 5_000);
    expect(await store.find(0, before.code)).toEqual(storedAs(before));
    expect(await store.insert(sample.generated())).toMatchObject({ outcome: 'inserted' });
    expect(changes).toEqual([false, true]);
  }, 30_000);

  test('a burst that meets it is refused within the deadline of each, however long the queue', async () => {
    const { pool, store } = openStore();
    await store.find(0, 'a');
    await database.server.signal('SIGSTOP');
    cleanups.push(() => database.server.signal('SIGCONT'));
    const links = Array.from({ length: 5_000 }, () => sample.generated());
    const startedAt = performance.now();
    const outcomes = new Set(await Promise.all(links.map((link) => outcomeOf(store.insert(link)))));
    expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + 500);
    expect([...outcomes].every((o) => o === 'store_outcome_unknown' || o === 'store_unavailable')).toBe(true);
    expect(store.queued).toEqual({ insert: 0, insert_alias: 0, find: 0 });
    await database.server.signal('SIGCONT');
    await eventually(() => outcomeOf(store.find(0, 'a')).then((found) => found === undefined));
    expect(pool.available).toBe(true);
  }, 30_000);
});

test('a server that is killed and restarted: what was acknowledged is there, and nobody restarts anything else', async () => {
  const { pool, store } = openStore();
  const acknowledged: string[] = [];
  const others: unknown[] = [];
  let running = true;
  const writers = Array.from({ length: 16 }, async () => {
    while (running) {
      const link = sample.generated();
      const outcome = await outcomeOf(store.insert(link).then((result) => result.outcome));
      if (outcome === 'inserted') acknowledged.push(link.code);
      else others.push(outcome);
      if (outcome !== 'inserted') await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  await eventually(() => acknowledged.length > 500);
  await database.server.signal('SIGKILL');
  await eventually(() => !pool.available);
  await database.server.restart();
  const restartedAt = acknowledged.length;
  await eventually(() => acknowledged.length > restartedAt + 500);
  running = false;
  await Promise.all(writers);
  const found = await Promise.all(acknowledged.map((code) => store.find(0, code)));
  expect(found.filter((link) => link?.state !== 'live')).toEqual([]);
  expect(new Set(others)).toEqual(new Set(['store_outcome_unknown', 'store_unavailable']));
}, 30_000);

describe('connections that were forgotten on the way, without a word', () => {
  const IDLE_MS = 50;
  const options = { deadlineMs: 4_000, connectDeadlineMs: 2_000, idleCheckMs: IDLE_MS };

  /** A store with `count` connections that have been idle for longer than they may be unasked. */
  async function idleStore(count: number) {
    const proxy = await openProxy();
    const { pool, store } = openStore(options, proxy.port);
    await Promise.all(Array.from({ length: count }, () => pool.run((session) => session.query('SELECT 1'))));
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS * 1.5));
    return { proxy, pool, store };
  }

  test('cost nobody an answer: read, insert, claim, removal and lease go out on others', async () => {
    const { proxy, pool, store } = await idleStore(8);
    const [known, removed] = [sample.generated(), sample.generated()];
    const direct = openStore().store;
    for (const link of [known, removed]) await direct.insert(link);
    // What goes out on the open ones is lost from now on; new ones work.
    proxy.set({ kind: 'drop-requests' });
    proxy.set({ kind: 'pass' });
    const ledger = createMysqlLedger({ pool, namespace: 'forgotten', feedsLinks: false });
    const startedAt = performance.now();
    const outcomes = await Promise.all(
      [
        store.find(0, known.code),
        store.insert(sample.generated()).then(({ outcome }) => outcome),
        store.insert(sample.alias()).then(({ outcome }) => outcome),
        store.remove(0, removed.code).then(({ outcome }) => outcome),
        ledger.head(),
      ].map(outcomeOf),
    );
    expect(outcomes).toEqual([storedAs(known), 'inserted', 'inserted', 'removed', 'missing']);
    expect(performance.now() - startedAt).toBeLessThan(options.deadlineMs);
    // Those that nobody used were given up with the first.
    expect(pool.connections).toBeLessThanOrEqual(5);
    expect(pool.available).toBe(true);
  });

  test('are asked of one that works, too, and it is kept', async () => {
    const { proxy, pool, store } = await idleStore(1);
    expect(await store.find(0, 'nothing')).toBeUndefined();
    expect([pool.connections, proxy.connections]).toEqual([1, 1]);
  });

  test('a caller with hardly any time left spends none of it on a ping', async () => {
    const { proxy, pool } = await idleStore(1);
    proxy.set({ kind: 'drop-requests' });
    const late = pool.run((session) => session.query('SELECT 1'), 150);
    await expect(late).rejects.toMatchObject({ kind: 'lost', message: 'no answer within 150 ms' });
  });

  test('each asks the other side whether it is still there, well within a minute', async () => {
    const { pool } = openStore();
    await pool.run((session) => session.query('SELECT 1'));
    // Of /proc/net/tcp: addresses, state, queues, and `kind:hundredths of a second` of the timer that runs; 02 is keep-alive.
    const remote = `0100007F:${database.app.port.toString(16).toUpperCase().padStart(4, '0')}`;
    const ours = (await readFile('/proc/net/tcp', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(` ${remote} 01 `));
    const dueS = ours
      .map((line) => / 02:([0-9A-F]{8}) /.exec(line))
      .map((due) => due && Number.parseInt(due[1]!, 16) / 100);
    expect(dueS.length).toBeGreaterThan(0);
    for (const each of dueS) expect(each).toBeLessThan(30);
  });
});

describe('a connection that is lost under a statement', () => {
  /** Sends a statement that takes a moment, and loses every connection that is open then. */
  async function loseUnder(way: 'run' | 'read'): Promise<{ outcome: unknown; tries: number }> {
    const proxy = await openProxy();
    const { pool } = openStore({ deadlineMs: 4_000, connectDeadlineMs: 2_000 }, proxy.port);
    let tries = 0;
    const answer = pool[way]((session) => {
      tries += 1;
      return session.query(`SELECT SLEEP(${tries === 1 ? 2 : 0}) /* ${way} */`);
    });
    const outcome = answer.then(
      ({ rows }) => rows,
      (error) => error.kind,
    );
    // The server goes on with the one of a test before.
    const seen = `SELECT SLEEP(2) /* ${way} */`;
    await eventually(async () => (await database.sql('SHOW PROCESSLIST')).includes(seen));
    proxy.set({ kind: 'reset' });
    proxy.set({ kind: 'pass' });
    return { outcome: await outcome, tries };
  }

  test('costs a read another try', async () => {
    expect(await loseUnder('read')).toEqual({ outcome: [[0]], tries: 2 });
  });

  test('costs anything else its answer: it is not sent twice', async () => {
    expect(await loseUnder('run')).toEqual({ outcome: 'lost', tries: 1 });
  });
});

describe('a lost answer', () => {
  test('to an insert is an unknown outcome, and the row may be there', async () => {
    const proxy = await openProxy();
    const { store } = openStore({}, proxy.port);
    const direct = openStore().store;
    await store.find(0, 'a');
    const link = sample.generated();
    proxy.set({ kind: 'drop-answers' });
    expect(await outcomeOf(store.insert(link))).toBe('store_outcome_unknown');
    expect(await direct.find(0, link.code)).toEqual(storedAs(link));
    proxy.set({ kind: 'pass' });
    await eventually(() => outcomeOf(store.find(0, link.code)).then((found) => typeof found === 'object'));
    // The counter may not be used for another link; the same insert again is told that it succeeded.
    expect(await direct.insert(link)).toMatchObject({ outcome: 'inserted' });
    const { insertId } = sample.generated();
    expect(await store.insert({ ...link, insertId })).toMatchObject({ outcome: 'duplicate' });
  });

  test('cut at any byte: success means applied, unavailable means not applied, nothing else is said', async () => {
    const proxy = await openProxy();
    const direct = openStore();
    const seen = new Set<unknown>();
    // Beyond the longest answer of the three, a row with all its columns described.
    for (let afterBytes = 0; afterBytes <= 2_600; afterBytes += afterBytes < 1_000 ? 10 : 100) {
      const { pool, store } = openStore({}, proxy.port);
      const ledger = createMysqlLedger({ pool, namespace: 'cut', feedsLinks: false });
      const [kept, removed] = [sample.generated(), sample.generated()];
      const start = 100_000 + afterBytes * 100;
      const lease: LeaseRecord = {
        range: { start, end: start + 100 },
        holder: { serverId: 's', host: 'h', processStartMs: 1, codec: 'base62' },
        leasedAtMs: 1,
        witnessVersion: 1,
      };
      await direct.store.insert(removed);
      await createMysqlLedger({ pool: direct.pool, namespace: 'cut', feedsLinks: false }).create(100_000, 'c');
      // One open connection after another, so that the cut meets the call and not the greeting.
      const cutDuring = async (call: () => Promise<unknown>): Promise<unknown> => {
        proxy.set({ kind: 'pass' });
        await pool.run((session) => session.query('SELECT 1'));
        proxy.set({ kind: 'cut', direction: 'answers', afterBytes });
        return outcomeOf(call());
      };
      const inserting = await cutDuring(() => store.insert(kept).then(({ outcome }) => outcome));
      const removing = await cutDuring(() => store.remove(0, removed.code).then(({ outcome }) => outcome));
      const recording = await cutDuring(() => ledger.record(lease));
      pool.close();

      const inserted = (await direct.store.find(0, kept.code)) !== undefined;
      const buried = (await direct.store.find(0, removed.code))?.state === 'deleted';
      const waiting = Number(await database.sql(`SELECT COUNT(*) FROM changes WHERE code='${removed.code}'`)) === 1;
      const onRecord = Number(await database.sql(`SELECT COUNT(*) FROM id_leases WHERE start_counter=${start}`)) === 1;
      expect(waiting).toBe(buried);
      for (const [outcome, applied] of [
        [inserting, inserted],
        [removing, buried],
        [recording, onRecord],
      ] as const) {
        seen.add(outcome);
        if (outcome === 'inserted' || outcome === 'removed' || outcome === 'recorded') expect(applied).toBe(true);
        else if (outcome === 'store_unavailable' || outcome === 'witness_unavailable') expect(applied).toBe(false);
        else expect(['store_outcome_unknown', 'unknown_outcome']).toContain(outcome);
      }
    }
    expect([...seen].sort()).toEqual([
      'inserted',
      'recorded',
      'removed',
      'store_outcome_unknown',
      'store_unavailable',
      'unknown_outcome',
      'witness_unavailable',
    ]);
  }, 30_000);
});

describe('a server that answers, but not as hoped', () => {
  test('read-only: inserts are unavailable, reads go on, and it ends when the mode does', async () => {
    const { store } = openStore();
    const link = sample.generated();
    await store.insert(link);
    await database.sql('SET GLOBAL read_only=1');
    cleanups.push(() => database.sql('SET GLOBAL read_only=0'));
    for (let i = 0; i < 5; i += 1) expect(await outcomeOf(store.insert(sample.generated()))).toBe('store_unavailable');
    expect(await store.find(0, link.code)).toEqual(storedAs(link));
    await database.sql('SET GLOBAL read_only=0');
    expect(await store.insert(sample.generated())).toMatchObject({ outcome: 'inserted' });
  });

  test('a wrong password is told with the user, without the password', async () => {
    const pool = new Pool({ ...database.app, password: 'hunter2' });
    cleanups.push(() => pool.close());
    const store = createMysqlLinkStore({ pool, clock });
    await expect(store.find(0, 'a')).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/Access denied for user 'lakh'/),
    });
    await expect(store.find(0, 'a')).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') });
  });

  test('durability switched off is warned of, once', async () => {
    await database.sql('SET GLOBAL innodb_flush_log_at_trx_commit=2');
    cleanups.push(() => database.sql('SET GLOBAL innodb_flush_log_at_trx_commit=1'));
    const warnings: string[] = [];
    const { pool } = openStore({ observer: { warning: (_member, message) => warnings.push(message) } });
    await Promise.all([1, 2, 3].map(() => pool.run((session) => session.query('SELECT 1'))));
    expect(pool.connections).toBe(3);
    expect(warnings).toEqual([expect.stringContaining('innodb_flush_log_at_trx_commit')]);
  });

  test('when every connection is in use callers wait, in bounded number and time, in their order', async () => {
    const { pool } = openStore({ maxConnections: 2, maxWaiters: 3, deadlineMs: 1_000 });
    const order: number[] = [];
    const sleep = (n: number) =>
      pool
        .run((session) => session.query('SELECT SLEEP(0.1)'))
        .then(
          () => order.push(n),
          (error) => error.message,
        );
    const calls = [0, 1, 2, 3, 4, 5].map(sleep);
    expect(await calls[5]).toContain('3 calls wait for a connection already');
    await Promise.all(calls);
    expect(order.slice(0, 2).sort()).toEqual([0, 1]);
    expect(order.slice(2, 4).sort()).toEqual([2, 3]);
    expect(order[4]).toBe(4);
    await expect(
      Promise.all([0, 1, 2].map(() => pool.run((session) => session.query('SELECT SLEEP(0.3)'), 200))),
    ).rejects.toMatchObject({ kind: expect.stringMatching(/lost|unsent/) });
    expect(await pool.run(async () => 'fine')).toBe('fine');
  });

  test('callers with little time left say nothing about a server that needs more', async () => {
    const { pool } = openStore();
    await pool.run((session) => session.query('SELECT 1'));
    const late = () => pool.run((session) => session.query('SELECT SLEEP(0.02)'), 5).catch((error) => error.kind);
    expect(await Promise.all(Array.from({ length: 6 }, late))).not.toContain(undefined);
    for (let i = 0; i < 6; i += 1) expect(await late()).toMatch(/lost|unsent/);
    expect(pool.available).toBe(true);
    expect(await pool.run(async () => 'fine')).toBe('fine');
  });

  test('a statement after its transaction failed is never sent on that connection', async () => {
    const { pool } = openStore();
    await expect(
      pool.transaction(async (session) => {
        await session.query("INSERT INTO settings (name, value) VALUES ('half', 'done')");
        throw new Error('the caller changed its mind');
      }),
    ).rejects.toThrow('changed its mind');
    expect(await createMysqlFacts({ pool }).recordOnce('half', 'whole')).toBe('whole');
  });
});
