import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bucketOf } from '@lakh/links';
import { createMysqlChangeLog, createMysqlLinkStore, Pool } from '@lakh/mysql';
import { MemoryLinkStore, SampleLinks, until } from '@lakh/testkit';
import { startDatabase, type TestDatabase } from '../../../packages/mysql/test/database.js';
import { type RunningRedis, startRedis, startServer, type TestServer } from '../../../packages/redis/test/harness.js';
import { DUMP } from './backup-kinds.js';
import { lakh } from './harness.js';

/** A database that was set back beside a Redis that was not: its log says by its nonces that it is another one. */
jest.setTimeout(60_000);

const VALID_FOR_MS = 5_000;
const UNDONE = 'https://example.com/undone';

let dir: string;
let database: TestDatabase;
let redis: RunningRedis;
let pool: Pool;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-restored-'));
  [database, redis] = await Promise.all([startDatabase(), startRedis()]);
  const { user, password, host, port } = database.migrator;
  const address = `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/lakh`;
  expect(await lakh({ LAKH_DATABASE: address }, 'migrate')).toMatchObject({ exitCode: 0 });
  pool = new Pool(database.app);
});
afterAll(async () => {
  pool?.close();
  await Promise.all([database?.stop(), redis?.dispose()]);
  await rm(dir, { recursive: true, force: true });
});

const open = (): Promise<TestServer> =>
  startServer(redis.url, new MemoryLinkStore(), { validForMs: VALID_FOR_MS, log: createMysqlChangeLog({ pool }) });
const store = () => createMysqlLinkStore({ pool, clock: { nowMs: Date.now } });

/** As a redirect server does with what it has just read. */
async function fill({ keeper }: TestServer, code: string): Promise<void> {
  const sighting = await store().sight(0, code);
  if (sighting !== undefined) await keeper.cache.put(sighting);
}

const targetOf = async (server: TestServer, code: string): Promise<string | undefined> => {
  const served = await server.served(code);
  return served?.state === 'live' ? served.longUrl : undefined;
};

test.each([
  ['the log ends before the place at which the copy stands', 0],
  ['the log has come to that place again, with other changes', 2],
])('an edit that was undone is not served: %s', async (_, changesSince) => {
  const code = `r${randomBytes(4).toString('hex')}`;
  const link = new SampleLinks().generated({ code, counter: randomBytes(4).readUInt32BE() });
  // Of the same bucket, to be edited where this one is not to be touched.
  const other = Array.from({ length: 100_000 }, (_, i) => `o${i}${code}`).find(
    (each) => bucketOf(0, each) === bucketOf(0, code),
  );
  const neighbour = new SampleLinks().generated({ code: String(other), counter: link.counter + 1 });
  await store().insert(link);
  await store().insert(neighbour);
  const copy = join(dir, code);
  await DUMP.copy(database.server, copy);

  const before = await open();
  for (const longUrl of ['https://example.com/first', UNDONE]) await store().edit(0, code, { longUrl });
  await until(async () => {
    await fill(before, code);
    return (await targetOf(before, code)) === UNDONE;
  }, 'Redis has the edit');
  await before.close();

  await DUMP.restore(database.server, copy);
  for (let i = 0; i < changesSince; i++) await store().edit(0, neighbour.code, { longUrl: `https://example.com/${i}` });
  const after = await open();
  await until(() => (after.rounds.get('cold') ?? 0) > 0, 'the copy begins anew');
  await until(async () => {
    expect(await targetOf(after, code)).not.toBe(UNDONE);
    await fill(after, code);
    return (await targetOf(after, code)) === link.longUrl;
  }, 'Redis has what the database has');
  await after.close();
});
