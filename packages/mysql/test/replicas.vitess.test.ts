import { setTimeout as sleep } from 'node:timers/promises';
import { bucketOf, type NewLink } from '@lakh/links';
import { mariadbSql } from '@lakh/local';
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

/** A keyspace whose shards have a replica each: reads go there as far as the log of a link's bucket proves what they answer. */
jest.setTimeout(120_000);

const LINKS = 60;
const READERS = 12;
const WRITERS = 4;

let keyspace: TestKeyspace;
let writer: Opened;
let reader: Opened;
const sample = new SampleLinks();
const links: NewLink[] = [];

interface Opened {
  readonly pool: Database;
  readonly lanes: ShardLanes;
  readonly store: MysqlLinkStore;
}

async function open(): Promise<Opened> {
  const settings = { members: keyspace.gates, proof: proveRowsAreTaken, deadlineMs: 3_000 };
  const pool = openDatabase(settings);
  const lanes = openLanes(pool, settings);
  await lanes.ask();
  return { pool, lanes, store: createMysqlLinkStore({ pool, lanes, clock: { nowMs: Date.now } }) };
}

beforeAll(async () => {
  keyspace = await startKeyspace({ replicas: 1 });
  [writer, reader] = [await open(), await open()];
  for (let i = 0; i < LINKS; i += 1) links.push(sample.generated());
  await Promise.all(links.map((link) => writer.store.insert(link)));
}, 240_000);

afterAll(async () => {
  for (const opened of [writer, reader]) {
    opened?.lanes.close();
    opened?.pool.close();
  }
  await keyspace?.stop();
}, 60_000);

const lagOf = async ({ code }: NewLink) => (await reader.store.sight(0, code))?.lagMs;
const isRead = () => Promise.all(links.map(async (link) => ((await lagOf(link)) ?? 0) > 0));
const areAllFromReplicas = async () => {
  await reader.lanes.ask();
  return (await isRead()).every(Boolean);
};

/** On the MariaDBs of all replicas. */
async function onReplicas(statement: string): Promise<void> {
  for (const { replicas } of keyspace.vitess.shards.values())
    for (const { database } of replicas) await mariadbSql(database.plan, statement);
}

test('what is not fresh is read from replicas, which are less than a second behind; fresh reads and what replicas lack are the primary’s', async () => {
  await eventually(areAllFromReplicas, 30_000);
  for (const link of links) expect(await lagOf(link)).toBeLessThan(1_000);
  expect((await reader.store.sight(0, links[0]!.code, { fresh: true }))?.lagMs).toBe(0);
  await onReplicas('STOP SLAVE SQL_THREAD');
  try {
    for (let i = 0; i < 200; i += 1) {
      const link = sample.generated();
      await writer.store.insert(link);
      expect(await reader.store.sight(0, link.code)).toMatchObject({ link: { code: link.code }, lagMs: 0 });
    }
  } finally {
    await onReplicas('START SLAVE SQL_THREAD');
  }
});

test('nothing that is read is older than it says, while links are edited and replicas stand still and go on', async () => {
  await eventually(areAllFromReplicas, 30_000);
  /** Of each link: when each version was acknowledged. */
  const acked = new Map(links.map(({ code }) => [code, [0, Number.NEGATIVE_INFINITY]]));
  let isOver = false;
  const seen = { fromReplicas: 0, ofPrimaries: 0, wrong: [] as string[] };
  const write = async (mine: readonly NewLink[]): Promise<void> => {
    for (let i = 0; !isOver; i += 1) {
      const { code } = mine[i % mine.length] as NewLink;
      const { outcome } = await writer.store.edit(0, code, { longUrl: `https://example.com/${i}` });
      if (outcome === 'edited') acked.get(code)?.push(performance.now());
      await sleep(20);
    }
  };
  const read = async (): Promise<void> => {
    while (!isOver) {
      const { code } = links[Math.floor(Math.random() * links.length)] as NewLink;
      const beganMs = performance.now();
      const sighting = await reader.store.sight(0, code);
      if (sighting === undefined) throw new Error(`${code} is not there`);
      seen[sighting.lagMs > 0 ? 'fromReplicas' : 'ofPrimaries'] += 1;
      const claimedMs = beganMs - sighting.lagMs;
      const least = (acked.get(code) ?? []).findLastIndex((atMs) => atMs <= claimedMs);
      if (sighting.link.version < least)
        seen.wrong.push(`${code}: version ${sighting.link.version}, ${least} was there`);
      await sleep(1);
    }
  };
  const running = Promise.all([
    ...Array.from({ length: WRITERS }, (_, i) => write(links.filter((__, at) => at % WRITERS === i))),
    ...Array.from({ length: READERS }, read),
  ]);
  for (let i = 0; i < 4; i += 1) {
    await onReplicas('STOP SLAVE SQL_THREAD');
    await sleep(1_500);
    await onReplicas('START SLAVE SQL_THREAD');
    await sleep(1_000);
  }
  isOver = true;
  await running;
  process.stderr.write(`${seen.fromReplicas} reads of replicas, ${seen.ofPrimaries} of primaries\n`);
  expect(seen.wrong).toEqual([]);
  expect(Math.min(seen.fromReplicas, seen.ofPrimaries)).toBeGreaterThan(100);
});

test('a primary’s tablet that is killed leaves what its replicas have readable, and stops changes of it', async () => {
  await eventually(areAllFromReplicas, 30_000);
  const shard = keyspace.vitess.shards.get('80-')!;
  const mine = links.filter(({ code }) => bucketOf(0, code) >= 0x80);
  await shard.tablet.signal('SIGKILL');
  const isFollowed = async ({ code }: NewLink) =>
    (await reader.store.sight(0, code).catch(() => undefined))?.link.code === code;
  await eventually(async () => (await Promise.all(mine.map(isFollowed))).every(Boolean), 20_000);
  expect((await Promise.all(Array.from({ length: 20 }, () => mine.map(isFollowed)).flat())).every(Boolean)).toBe(true);
  await expect(writer.store.edit(0, mine[0]!.code, { longUrl: 'https://example.com/' })).rejects.toThrow();
  await shard.tablet.restart();
  await eventually(areAllFromReplicas, 60_000);
  expect((await writer.store.edit(0, mine[0]!.code, { longUrl: 'https://example.com/last' })).outcome).toBe('edited');
});

test('a replica’s tablet that is killed costs nobody an answer', async () => {
  await eventually(areAllFromReplicas, 30_000);
  const [replica] = keyspace.vitess.shards.get('-80')!.replicas;
  await replica!.tablet.signal('SIGKILL');
  for (let i = 0; i < 20; i += 1) expect((await isRead()).length).toBe(LINKS);
  await replica!.tablet.restart();
  await eventually(areAllFromReplicas, 60_000);
});
