import { setTimeout as sleep } from 'node:timers/promises';
import { bucketOf, type NewLink } from '@lakh/links';
import { SampleLinks } from '@lakh/testkit';
import {
  checkSchema,
  createMysqlChangeLog,
  createMysqlLedger,
  createMysqlLinkStore,
  type Database,
  type Member,
  type MysqlLinkStore,
  migrate,
  openDatabase,
  openLanes,
  Pool,
  proveRowsAreTaken,
  type ShardLanes,
} from '../src/index.js';
import { eventually, startDatabase, type TestDatabase } from './database.js';
import { startKeyspace, type TestKeyspace } from './keyspace.js';

/** A MariaDB's tables are moved to two shards, as docs/scale.md says, while links are made and edited. */
jest.setTimeout(240_000);

const LINKS = 3_000;
const CALLERS = 16;
/** A second or two, and what a busy machine adds. */
const MOST_AWAY_MS = 10_000;
const holder = { serverId: 'server-a', host: 'host', processStartMs: 1, codec: 'base62' };

let database: TestDatabase;
let keyspace: TestKeyspace;
const opened: { close(): void }[] = [];
const sample = new SampleLinks();
/** By code: what was acknowledged of it last. */
const known = new Map<string, string>();

beforeAll(async () => {
  database = await startDatabase(['--log-bin=binlog', '--binlog-format=ROW', '--server-id=7', '--gtid-strict-mode=1']);
  keyspace = await startKeyspace({ isEmpty: true });
}, 240_000);

afterAll(async () => {
  for (const each of opened) each.close();
  await keyspace?.stop();
  await database?.stop();
}, 60_000);

interface Opened {
  readonly pool: Database;
  readonly lanes: ShardLanes;
  readonly store: MysqlLinkStore;
}

async function open(members: readonly Member[]): Promise<Opened> {
  const settings = { members, proof: proveRowsAreTaken, deadlineMs: 3_000 };
  const pool = openDatabase(settings);
  const lanes = openLanes(pool, settings);
  opened.push(lanes, pool);
  await lanes.ask();
  return { pool, lanes, store: createMysqlLinkStore({ pool, lanes, clock: { nowMs: Date.now } }) };
}

async function make({ store }: Opened, link: NewLink = sample.generated()): Promise<void> {
  await store.insert(link);
  known.set(link.code, link.longUrl);
}

async function change({ store }: Opened, code: string, longUrl: string): Promise<void> {
  known.delete(code); // nobody knows, until it is acknowledged
  const { outcome } = await store.edit(0, code, { longUrl });
  if (outcome === 'edited') known.set(code, longUrl);
}

/** What cannot be found as it was acknowledged. */
async function lost({ store }: Opened): Promise<readonly string[]> {
  const missing: string[] = [];
  const all = [...known];
  for (let i = 0; i < all.length; i += 1_000) {
    const part = all.slice(i, i + 1_000);
    const found = await Promise.all(part.map(([code]) => store.find(0, code, { fresh: true })));
    part.forEach(([code, longUrl], at) => {
      const link = found[at];
      if (link?.state !== 'live' || link.longUrl !== longUrl) missing.push(code);
    });
  }
  return missing;
}

test('one MariaDB becomes a keyspace of two shards under load: nothing is lost, and edits, the log and the ledger go on', async () => {
  const migrator = new Pool(database.migrator);
  await migrate(migrator).finally(() => migrator.close());
  const plain = await open([database.app]);
  await Promise.all(Array.from({ length: LINKS }, () => make(plain)));
  const first = [...known.keys()];
  await Promise.all(first.slice(0, 200).map((code) => change(plain, code, 'https://example.com/edited')));
  const ledger = createMysqlLedger({ pool: plain.pool, namespace: 'links', feedsLinks: false });
  await ledger.create(100_000, 'cluster-1');
  await ledger.record({ range: { start: 100_000, end: 200_000 }, holder, leasedAtMs: 2, witnessVersion: 3 });

  await database.sql(
    'ALTER TABLE links ALTER COLUMN bucket DROP DEFAULT; ALTER TABLE edit_receipts ALTER COLUMN bucket DROP DEFAULT',
  );
  await keyspace.vitess.adopt('plain', database.server.plan, 'lakh');
  const before = await open(keyspace.gates.map((gate) => ({ ...gate, database: 'plain' })));
  await eventually(async () => (await lost(before).catch(() => ['away'])).length === 0, 60_000);

  const failed: { readonly atMs: number; readonly code: string }[] = [];
  let isOver = false;
  const running = Promise.all(
    Array.from({ length: CALLERS }, async (_, i) => {
      for (let n = 0; !isOver; n += 1) {
        const code = first[(i + n * CALLERS) % first.length] as string;
        const work = i % 2 === 0 ? make(before) : change(before, code, `https://example.com/${n}`);
        await work.catch((error: { code: string }) => failed.push({ atMs: performance.now(), code: error.code }));
        await sleep(10);
      }
    }),
  );
  const { control } = keyspace.vitess;
  await control.moveTables('plain');
  await sleep(1_000);
  isOver = true;
  await running;
  const awayMs = failed.length === 0 ? 0 : (failed.at(-1)?.atMs ?? 0) - (failed[0]?.atMs ?? 0);
  const codes = [...new Set(failed.map(({ code }) => code))];
  process.stderr.write(`${known.size} links over a move, away for ${Math.round(awayMs)} ms: ${codes}\n`);
  // Whoever still names the keyspace from before is led on, and its tables take nothing.
  expect(await lost(before)).toEqual([]);
  const after = await open(keyspace.gates);
  expect(after.lanes.all).toHaveLength(2);
  await make(before);
  await make(after);
  expect(await lost(after)).toEqual([]);
  await control.completeMove('plain');

  // It would be nowhere.
  await expect(before.store.insert(sample.generated())).rejects.toMatchObject({
    code: expect.stringMatching(/^store_/),
  });
  expect(await lost(after)).toEqual([]);
  // Nothing is buffered while the traffic is switched from one keyspace to another.
  expect(awayMs).toBeLessThan(MOST_AWAY_MS);
  await checkSchema(after.pool);
  const counts = await keyspace.sql('SELECT COUNT(*), COUNT(DISTINCT code), COUNT(DISTINCT bucket) FROM links');
  const rows = [...counts.values()].map((told) => told.trim().split('\t').map(Number));
  for (const [all, distinct, buckets] of rows) expect([all, buckets]).toEqual([distinct, 128]);
  expect(rows.reduce((sum, [all = 0]) => sum + all, 0)).toBeGreaterThanOrEqual(known.size);
  await change(after, first[0] as string, 'https://example.com/last');
  const bucket = bucketOf(0, first[0] as string);
  const log = createMysqlChangeLog({ pool: after.pool, lanes: after.lanes });
  const [reading] = await log.read([{ bucket, after: undefined }], 10);
  const { seq = 0 } = reading?.head ?? {};
  expect(seq).toBeGreaterThan(0);
  expect((await after.store.sight(0, first[0] as string))?.position).toEqual(reading?.head);
  const moved = createMysqlLedger({ pool: after.pool, namespace: 'links', feedsLinks: false });
  await moved.record({ range: { start: 200_000, end: 300_000 }, holder, leasedAtMs: 3, witnessVersion: 4 });
  await expect(
    moved.record({ range: { start: 150_000, end: 250_000 }, holder, leasedAtMs: 3, witnessVersion: 5 }),
  ).resolves.toBe('overlap');
});
