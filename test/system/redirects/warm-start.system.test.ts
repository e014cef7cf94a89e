import { migrateCluster, openCluster } from '@lakh/backend/cluster';
import { SampleLinks, until } from '@lakh/testkit';
import { startDatabase, type TestDatabase } from '../../../packages/mysql/test/database.js';
import { type RunningRedis, startRedis } from '../../../packages/redis/test/harness.js';
import { type ServerProcess, spawnServer } from '../support/shorten-process.js';

jest.setTimeout(60_000);

const LINKS = 300;
const sample = new SampleLinks();
let database: TestDatabase;
let redis: RunningRedis;
let codes: string[];
let server: ServerProcess | undefined;

beforeAll(async () => {
  [database, redis] = await Promise.all([startDatabase(), startRedis()]);
  await migrateCluster({ database: [database.migrator] });
  const settings = { database: [database.app], storeDeadlineMs: 3_000 };
  const { links, close } = openCluster({ settings });
  const made = Array.from({ length: LINKS }, () => sample.generated());
  await Promise.all(made.map((link) => links.insert(link)));
  codes = made.map(({ code }) => code);
  await close();
});
afterEach(() => stop());
afterAll(() => Promise.all([database?.stop(), redis?.dispose()]));

async function start(): Promise<string> {
  const { user, password, host, port, database: name } = database.app;
  server = spawnServer('redirect', {
    LAKH_DATABASE: `mysql://${user}:${encodeURIComponent(password)}@${host}:${port}/${name}`,
    LAKH_REDIS: redis.url,
    LAKH_PUBLIC_URL: 'http://lakh.test',
    // So that a slow machine is through with them before they end.
    LAKH_L1_TTL_MS: '30000',
    LAKH_MISSES_PER_MIN: '100000',
  });
  await until(() => server?.url('public') !== undefined, 'it listens');
  return server.url('public') as string;
}

async function stop(): Promise<void> {
  server?.child.kill('SIGTERM');
  await server?.end;
  server = undefined;
}

async function followAll(url: string): Promise<void> {
  const statuses = await Promise.all(
    codes.map(async (code) => (await fetch(`${url}/${code}`, { redirect: 'manual' })).status),
  );
  expect(new Set(statuses)).toEqual(new Set([301]));
}

/** What all that was asked of this server came to, its start included. */
async function figures(): Promise<{ hits: number; misses: number; database: number }> {
  const text = await (await fetch(`${server?.url('admin')}/metrics`)).text();
  const of = (name: string) => Number(new RegExp(`^${name}\\S* (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return {
    hits: of('lakh_l1_hits_total'),
    misses: of('lakh_l1_misses_total'),
    database: of('lakh_lookups_total\\{by="store"'),
  };
}

test('a server that starts knows what the one before it was asked for: its first requests are hits, and the database is asked for next to nothing', async () => {
  const first = await start();
  await followAll(first);
  const cold = await figures();
  expect(cold.misses).toBe(LINKS);
  expect(cold.database).toBe(LINKS);
  await followAll(first);
  await stop();

  await followAll(await start());
  const warm = await figures();
  // As many as are looked up at once, however slow the machine is; the others have what is left of two seconds.
  expect(warm.hits).toBeGreaterThan(250);
  // By requests and by the start together. Redis has them all, and was proven before it was asked.
  expect(warm.database).toBeLessThan(cold.database / 10);
});
