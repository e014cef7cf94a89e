import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnknownOutcomeError, WitnessCorruptError, WitnessUnavailableError } from '@lakh/id-range';
import { createInsertIds, type NewLink, StoreUnavailableError } from '@lakh/links';
import Database from 'libsql';
import { Connection } from '../src/connection.js';
import { MAX_WAITING_ROWS } from '../src/group-commit.js';
import { type Embedded, openEmbedded } from '../src/index.js';
import { openCounterWitness } from '../src/inspector.js';
import { openLinkStore } from '../src/link-store.js';
import { openMarkStore } from '../src/marks.js';

let dir: string;
let file: string;
let opened: Embedded[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-embedded-'));
  file = join(dir, 'data', 'lakh.db');
  opened = [];
});
afterEach(() => {
  for (const embedded of opened) embedded.close();
  rmSync(dir, { recursive: true });
});

function open(): Embedded {
  const embedded = openEmbedded({ file });
  opened.push(embedded);
  return embedded;
}

const highestCounter = (embedded: Embedded) => embedded.admin('links', true).counters.highest();

function refusal(): { code: string; status: number; message: string } {
  try {
    open();
  } catch (error) {
    return error as { code: string; status: number; message: string };
  }
  throw new Error('the file was opened');
}

const newInsertId = createInsertIds(randomBytes(8));

function link(counter: number, changes: Partial<NewLink> = {}): NewLink {
  return {
    domainId: 0,
    code: `c${counter}`,
    kind: 'generated',
    counter,
    longUrl: `https://example.com/${'x'.repeat(200)}${counter}`,
    createdAtMs: 1,
    expiresAtMs: null,
    redirectStatus: null,
    terms: null,
    owner: '',
    details: null,
    insertId: newInsertId(),
    ...changes,
  };
}

/** Changes the closed file behind the program's back. */
function tamper(sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}

const FIRST = { next: 100_000, ledgered: 100_000 };

test('makes its folder and file for their owner only, the log too, and takes rights back that others were given', () => {
  open();
  const mode = (path: string) => statSync(path).mode & 0o777;
  expect([mode(join(dir, 'data')), mode(file), mode(`${file}-wal`)]).toEqual([0o700, 0o600, 0o600]);
  opened.pop()?.close();
  chmodSync(file, 0o644);
  open();
  expect(mode(file)).toBe(0o600);
});

test('at rest there is one file, and it has everything', async () => {
  const first = open();
  await first.markStore('links').create(FIRST, 'cluster');
  await first.ledger('links').create(100_000, 'cluster');
  await first.facts.recordOnce('codec', 'base62');
  await first.links.insert(link(100_000));
  first.close();
  expect(readdirSync(join(dir, 'data'))).toEqual(['lakh.db']);

  const second = open();
  expect(await second.markStore('links').read()).toMatchObject({ mark: FIRST, clusterId: 'cluster' });
  expect(await second.ledger('links').head()).toEqual({ head: 100_000, clusterId: 'cluster', virgin: false });
  expect(await second.facts.recordOnce('codec', 'sqids')).toBe('base62');
  expect(await second.links.find(0, 'c100000')).toMatchObject({ state: 'live', counter: 100_000 });
});

test('namespaces are apart', async () => {
  const { markStore, ledger } = open();
  await markStore('links').create(FIRST, 'cluster');
  await ledger('links').create(100_000, 'cluster');
  expect(await markStore('orders').read()).toBe('missing');
  expect(await ledger('orders').head()).toBe('missing');
});

test('a version of the mark means nothing once the file was closed and opened again', async () => {
  const before = open();
  await before.markStore('links').create(FIRST, 'cluster');
  const closedStore = before.markStore('links');
  const snapshot = await closedStore.read();
  if (snapshot === 'missing') throw new Error('the mark is missing');
  before.close();
  const after = open().markStore('links');
  expect(await after.write(snapshot.version, { next: 200_000, ledgered: 100_000 })).toEqual({ outcome: 'stale' });
  await expect(closedStore.write(snapshot.version, FIRST)).rejects.toThrow(WitnessUnavailableError);
  expect(await after.read()).toMatchObject({ mark: FIRST });
});

test.each(['next = -1', 'next = 0', 'next = 3521614606209', 'next = 9007199254740993', 'ledgered = -1'])(
  'a mark whose %s is refused, not repaired',
  async (assignment) => {
    const before = open();
    await before.markStore('links').create(FIRST, 'cluster');
    before.close();
    tamper(`UPDATE marks SET ${assignment}`);
    const { markStore } = open();
    await expect(markStore('links').read()).rejects.toBeInstanceOf(WitnessCorruptError);
    expect(await markStore('links').create(FIRST, 'cluster')).toBe('exists');
  },
);

test('a ledger head out of range is refused', async () => {
  const before = open();
  await before.ledger('links').create(100_000, 'cluster');
  before.close();
  tamper('UPDATE ledger_heads SET head = -5');
  await expect(open().ledger('links').head()).rejects.toBeInstanceOf(WitnessCorruptError);
});

test('a second opening in the same process is refused too, and the first goes on', async () => {
  const first = open();
  expect(refusal()).toMatchObject({ code: 'data_dir_in_use' });
  expect(await first.links.insert(link(100_000))).toMatchObject({ outcome: 'inserted' });
});

test.each([
  ['text', Buffer.from('this is not a database, but somebody may want it\n'.repeat(100))],
  ['a few bytes', Buffer.from('hello')],
])('%s instead of a database is named and left as it was', (_, content) => {
  open().close();
  writeFileSync(file, content);
  const error = refusal();
  expect(error).toMatchObject({ code: 'data_file_invalid' });
  expect(error.message).toContain(file);
  expect(readFileSync(file)).toEqual(content);
});

test('a SQLite file of another program is named and left as it was', () => {
  open().close();
  rmSync(file);
  tamper('CREATE TABLE songs (title TEXT)');
  const content = readFileSync(file);
  expect(refusal()).toMatchObject({ code: 'data_file_invalid', message: expect.stringContaining('another program') });
  expect(readFileSync(file)).toEqual(content);
  expect(existsSync(`${file}-wal`)).toBe(false);
});

test('damage in the tables that decide ownership is found at the start', async () => {
  const before = open();
  await before.markStore('links').create(FIRST, 'cluster');
  before.close();
  const content = readFileSync(file);
  // Every page but the first, which holds the schema.
  writeFileSync(file, content.fill(0xa5, 4096));
  const error = refusal();
  expect(error).toMatchObject({ code: 'data_file_invalid' });
  expect(error.message).toContain(file);
});

test('the file of a later release is refused, with both versions in the message', () => {
  open().close();
  tamper('PRAGMA user_version = 99');
  const error = refusal();
  expect(error).toMatchObject({ code: 'data_file_newer' });
  expect(error.message).toMatch(/version 99.*up to 5/);
});

test('a log whose database is missing is not thrown away', () => {
  open().close();
  rmSync(file);
  writeFileSync(`${file}-wal`, 'frames');
  expect(refusal()).toMatchObject({ code: 'data_file_invalid', message: expect.stringContaining('missing') });
  writeFileSync(file, '');
  expect(refusal()).toMatchObject({ code: 'data_file_invalid', message: expect.stringContaining('empty') });
  expect(readFileSync(`${file}-wal`, 'utf8')).toBe('frames');
});

test('a folder that cannot be made is named', () => {
  writeFileSync(join(dir, 'data'), 'a file');
  const error = refusal();
  expect(error).toMatchObject({ code: 'data_dir_unusable' });
  expect(error.message).toContain(file);
});

test('closing commits what was waiting; afterwards calls are refused as unavailable', async () => {
  const embedded = open();
  const [marks, ledger] = [embedded.markStore('links'), embedded.ledger('links')];
  const inserts = Array.from({ length: 1_000 }, (_, index) => embedded.links.insert(link(100_000 + index)));
  embedded.close();
  for (const outcome of await Promise.all(inserts)) expect(outcome).toMatchObject({ outcome: 'inserted' });
  await expect(embedded.links.insert(link(1))).rejects.toBeInstanceOf(StoreUnavailableError);
  await expect(embedded.links.find(0, 'c100000')).rejects.toBeInstanceOf(StoreUnavailableError);
  await expect(marks.read()).rejects.toBeInstanceOf(WitnessUnavailableError);
  await expect(ledger.head()).rejects.toBeInstanceOf(WitnessUnavailableError);
  embedded.close();
  expect(await highestCounter(open())).toBe(100_999);
});

test('no more inserts wait than the bound; the others are refused at once, and nothing that waited is lost', async () => {
  const embedded = open();
  const { links } = embedded;
  const settled = await Promise.allSettled(
    Array.from({ length: MAX_WAITING_ROWS + 100 }, (_, index) => links.insert(link(index + 1))),
  );
  expect(settled.filter((each) => each.status === 'fulfilled')).toHaveLength(MAX_WAITING_ROWS);
  const refused = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  expect(refused).toHaveLength(100);
  for (const reason of refused) expect(reason).toBeInstanceOf(StoreUnavailableError);
  expect(await highestCounter(embedded)).toBe(MAX_WAITING_ROWS);
});

test('a full disk refuses the whole batch, applies none of it, and is forgotten once there is room', async () => {
  open().close();
  const connection = Connection.open(file);
  connection.enterWal();
  const store = openLinkStore(connection);
  expect(await store.insert(link(100_000))).toMatchObject({ outcome: 'inserted' });
  connection.pragma('max_page_count = 20');
  const batch = Array.from({ length: 400 }, (_, index) => link(100_001 + index));
  const settled = await Promise.allSettled(batch.map((each) => store.insert(each)));
  for (const each of settled) {
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
  }
  expect(await openCounterWitness(connection, true).highest()).toBe(100_000);
  connection.pragma('max_page_count = 100000');
  for (const each of await Promise.all(batch.map((again) => store.insert(again)))) {
    expect(each).toMatchObject({ outcome: 'inserted' });
  }
  connection.close();
});

test('a commit that fails leaves the outcome unknown, for links and for the mark', async () => {
  open().close();
  const connection = Connection.open(file);
  connection.enterWal();
  const store = openLinkStore(connection);
  const marks = openMarkStore(connection, 'links');
  await marks.create(FIRST, 'cluster');
  // A deferred constraint is the one that COMMIT itself refuses.
  connection.exec('PRAGMA foreign_keys = ON');
  connection.exec('CREATE TABLE parents (id INTEGER PRIMARY KEY)');
  connection.exec('CREATE TABLE children (id INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)');
  connection.exec('CREATE TRIGGER orphan AFTER INSERT ON links BEGIN INSERT INTO children VALUES (1); END');
  connection.exec('CREATE TRIGGER orphan_mark AFTER UPDATE ON marks BEGIN INSERT INTO children VALUES (1); END');
  const settled = await Promise.allSettled([store.insert(link(1)), store.insert(link(2))]);
  for (const each of settled) {
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'store_outcome_unknown' } });
  }
  const snapshot = await marks.read();
  if (snapshot === 'missing') throw new Error('the mark is missing');
  await expect(marks.write(snapshot.version, FIRST)).rejects.toBeInstanceOf(UnknownOutcomeError);
  connection.exec('DROP TRIGGER orphan');
  expect(await store.insert(link(3))).toMatchObject({ outcome: 'inserted' });
  connection.close();
});

test('the event loop turns between full batches', async () => {
  const { links } = open();
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 0);
  await Promise.all(Array.from({ length: 8_192 }, (_, index) => links.insert(link(index + 1))));
  clearInterval(timer);
  expect(turns).toBeGreaterThanOrEqual(4);
});

test('reads and writes by turns leave the log bounded', async () => {
  const { links } = open();
  for (let round = 0; round < 60; round += 1) {
    const links500 = Array.from({ length: 500 }, (_, index) => link(round * 500 + index + 1));
    await Promise.all(links500.map((each) => links.insert(each)));
    for (const each of links500.slice(0, 10)) expect(await links.find(0, each.code)).toBeDefined();
  }
  expect(statSync(file).size).toBeGreaterThan(4 * 2 ** 20);
  expect(statSync(`${file}-wal`).size).toBeLessThan(16 * 2 ** 20);
});

test('the highest counter counts deleted links and no aliases', async () => {
  const embedded = open();
  const { links } = embedded;
  expect(await highestCounter(embedded)).toBe(0);
  await links.insert(link(0, { kind: 'alias', code: 'my-alias' }));
  expect(await highestCounter(embedded)).toBe(0);
  await links.insert(link(100_001));
  await links.insert(link(100_007));
  await links.remove(0, 'c100007');
  expect(await highestCounter(embedded)).toBe(100_007);
});
