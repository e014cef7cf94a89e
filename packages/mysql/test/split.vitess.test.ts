import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bucketOf, type NewLink } from '@lakh/links';
import { SampleLinks } from '@lakh/testkit';
import {
  createMysqlLinkStore,
  type Database,
  type MysqlLinkStore,
  openDatabase,
  openLanes,
  proveRowsAreTaken,
  type ShardLanes,
} from '../src/index.js';
import { eventually } from './database.js';
import { startKeyspace, type TestKeyspace } from './keyspace.js';

/** A keyspace of two shards and two vtgates, under load: what is lost, and what stops, when a part of it goes or is split. */
jest.setTimeout(240_000);

/** A file of URLs, one a line, instead of made ones: TEST_URLS=… npm run test:vitess. */
const URLS_MADE = 12_000;
const CALLERS = 64;
/** Parts of a shard's share that another may have more. */
const SPREAD = 0.05;

let keyspace: TestKeyspace;
let pool: Database;
let lanes: ShardLanes;
let store: MysqlLinkStore;
const sample = new SampleLinks();
const stored: NewLink[] = [];
const loads: Load[] = [];

beforeAll(async () => {
  keyspace = await startKeyspace({ gates: 2 });
  const settings = { members: keyspace.gates, proof: proveRowsAreTaken, deadlineMs: 3_000 };
  pool = openDatabase(settings);
  lanes = openLanes(pool, settings);
  await lanes.ask();
  store = createMysqlLinkStore({ pool, lanes, clock: { nowMs: Date.now } });
}, 240_000);

afterAll(async () => {
  lanes?.close();
  pool?.close();
  await keyspace?.stop();
}, 60_000);

afterEach(async () => {
  await Promise.all(loads.splice(0).map((begun) => begun.stop()));
});

interface Load {
  readonly failed: readonly string[];
  stop(): Promise<void>;
}

/** Callers that insert one link after the other, of codes that the store says it takes. */
function load(urls: () => string | undefined, callers = CALLERS): Load {
  const failed: string[] = [];
  let isOver = false;
  const call = async (): Promise<void> => {
    for (let longUrl = urls(); longUrl !== undefined && !isOver; longUrl = urls()) {
      while (!store.available) await sleep(20);
      let link = sample.generated({ longUrl });
      while (store.takes?.(0, link.code) === false) link = sample.generated({ longUrl });
      try {
        await store.insert(link);
        stored.push(link);
      } catch (error) {
        failed.push((error as { code: string }).code);
        await sleep(20);
      }
    }
  };
  const calls = Promise.all(Array.from({ length: callers }, call));
  const begun = {
    failed,
    async stop() {
      isOver = true;
      await calls;
    },
  };
  loads.push(begun);
  return begun;
}

/** Every acknowledged link is found, once, and nothing is on a shard that it does not belong to. */
async function nothingIsLost(): Promise<void> {
  const counts = await keyspace.sql(
    "SELECT COUNT(*), COUNT(DISTINCT code), LOWER(HEX(MIN(bucket))), LOWER(HEX(MAX(bucket))) FROM links WHERE code NOT LIKE '-proof%'",
  );
  let rows = 0;
  for (const [range, told] of counts) {
    const [all, distinct, least = '', most = ''] = told.trim().split('\t');
    const [start = '', end = ''] = range.split('-');
    expect([range, all]).toEqual([range, distinct]);
    expect([range, least >= start, end === '' || most < end]).toEqual([range, true, true]);
    rows += Number(all);
  }
  // An insert whose outcome was unknown may be there as well.
  expect(rows).toBeGreaterThanOrEqual(stored.length);
  const missing: string[] = [];
  for (let i = 0; i < stored.length; i += 2_000) {
    const part = stored.slice(i, i + 2_000);
    const found = await Promise.all(part.map(({ code }) => store.find(0, code)));
    part.forEach(({ code, longUrl }, at) => {
      const link = found[at];
      if (link?.state !== 'live' || link.longUrl !== longUrl) missing.push(code);
    });
  }
  expect(missing).toEqual([]);
}

const forever = (): string => 'https://example.com/under-load';

test('a shard is split while links are made: none is lost, none is there twice, and they are spread evenly', async () => {
  const { TEST_URLS: file } = process.env;
  const urls =
    file === undefined ? Array.from({ length: URLS_MADE }, (_, i) => `https://example.com/${i}`) : lines(file);
  let next = 0;
  const running = load(() => urls[next++]);
  await eventually(() => stored.length > 2_000, 60_000);
  const during = load(forever, 8);
  await keyspace.vitess.split('-80', ['-40', '40-80']);
  await during.stop();
  await running.stop();
  await eventually(() => next >= urls.length, 60_000);
  await lanes.ask();
  expect(lanes.all.map(({ name }) => name.split(/,? /)[1]).sort()).toEqual(['-40', '40-80', '80-']);
  await nothingIsLost();
  const byHalf = [0, 0];
  for (const { code } of stored) (byHalf[bucketOf(0, code) >> 7] as number) += 1;
  expect(Math.abs((byHalf[0] as number) / stored.length - 0.5)).toBeLessThan(SPREAD / 2);
  const failures = [...running.failed, ...during.failed];
  process.stderr.write(
    `${stored.length} links over a split (${byHalf.join(' and ')} in the halves), ${failures.length} failed: ${[...new Set(failures)]}\n`,
  );
  expect(failures.length).toBeLessThan(stored.length / 100);
});

test('a tablet that is killed stops its own codes alone, and the next code is taken for one of its', async () => {
  const { tablet } = keyspace.vitess.shards.get('80-') as {
    tablet: { signal(s: string): Promise<void>; restart(): Promise<void> };
  };
  const before = stored.length;
  const running = load(forever, 16);
  await sleep(500);
  await tablet.signal('SIGKILL');
  await eventually(() => store.takes?.(0, codeOf(0xff)) === false, 30_000);
  expect([store.available, store.takes?.(0, codeOf(0x10))]).toEqual([true, true]);
  const [done, lost] = [stored.length, running.failed.length];
  await sleep(2_000);
  expect(stored.length).toBeGreaterThan(done + 20);
  expect(running.failed.length - lost).toBeLessThan((stored.length - done) / 10);
  await tablet.restart();
  await eventually(() => store.takes?.(0, codeOf(0xff)) === true, 60_000);
  await running.stop();
  process.stderr.write(`${stored.length - before} links over a lost tablet, ${running.failed.length} failed\n`);
  await nothingIsLost();
});

test('one of two vtgates is killed: the other is used', async () => {
  const [first] = keyspace.vitess.gates;
  const before = stored.length;
  const running = load(forever, 16);
  await sleep(500);
  await first?.signal('SIGKILL');
  await sleep(1_000);
  const done = stored.length;
  await eventually(() => stored.length > done + 100, 30_000);
  await running.stop();
  process.stderr.write(`${stored.length - before} links over a lost vtgate, ${running.failed.length} failed\n`);
  await nothingIsLost();
});

/** One of a bucket. */
function codeOf(bucket: number): string {
  for (let i = 0; ; i += 1) if (bucketOf(0, `x${i}`) === bucket) return `x${i}`;
}

/** As the domain would keep them. */
function lines(file: string): string[] {
  const all = readFileSync(file, 'utf8').split('\n');
  return all.filter((line) => URL.canParse(line)).map((line) => new URL(line).href);
}
