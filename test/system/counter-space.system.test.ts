import { readFileSync } from 'node:fs';
import { openCluster } from '@lakh/backend/cluster';
import { parseDatabase } from '@lakh/mysql';
import { until } from '@lakh/testkit';
import { parseZookeeperAddress } from '@lakh/zookeeper';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { ask } from './support/ask';
import { CreatedLinks, problemOf } from './support/created-links';
import { DegradedStack, drained, type ExtraServer, readinessOf } from './support/degraded-stack';

/** The last counters of a codec's space on real servers: each is issued, once, and then there is a named error. */
jest.setTimeout(240_000);

const RANGE_SIZE = 200;
/** Five ranges and a quarter of one. */
const LEFT = 1050;
/** So many that what is left of a range is still given back at a stop: 100 counters or more. */
const FEW = 50;
const WITNESS_DEADLINE_MS = 10_000;

const KEY_A = `A:${'2b7e1516'.repeat(4)}:100000`;
const END_OF_A = 100_000 + 62 ** 6;
const KEY_B = `B:${'ef4359d8'.repeat(4)}:${END_OF_A}`;

let system: DegradedStack;
let root: Connection;

beforeAll(async () => {
  system = await DegradedStack.up(
    { shorten: 1, redirect: 1 },
    {
      LAKH_RANGE_SIZE: String(RANGE_SIZE),
      LAKH_RANGES_MAX_HELD: '2',
      LAKH_RUNWAY_S: '1',
      // Every counter is accounted for below: a machine that is busy with other things must not cost one.
      LAKH_STORE_DEADLINE_MS: '10000',
      LAKH_LEASE_DEADLINE_MS: '10000',
      LAKH_LEASE_ATTEMPT_MS: '30000',
    },
  );
  root = await system.databaseRoot();
  // It has made tables and witnesses; the servers below have codecs of their own.
  await system.stack.kill('shorten-1', 'SIGTERM');
}, 60_000);

afterAll(async () => {
  await root?.end();
  await system?.down();
});

/** A system of another codec, whose servers have leased all but the last counters before `end`. No server may be running. */
async function nearTheEnd(end: number): Promise<void> {
  for (const table of ['settings', 'links', 'id_leases', 'id_releases']) await root.query(`DELETE FROM lakh.${table}`);
  await root.query('UPDATE lakh.id_heads SET head=?', [end - LEFT]);
  const { zookeeper, zookeeperAuth, databaseFile } = system.stack.addresses();
  const settings = {
    zookeeper: parseZookeeperAddress(zookeeper),
    zookeeperAuth,
    database: parseDatabase(readFileSync(databaseFile, 'utf8')),
    storeDeadlineMs: WITNESS_DEADLINE_MS,
  };
  const backend = openCluster({ settings, zookeeperDeadlineMs: WITNESS_DEADLINE_MS });
  try {
    const { marks } = await backend.admin();
    const { version, clusterId } = await marks.inspect();
    expect(await marks.put(version, { next: end - LEFT, ledgered: end - LEFT }, String(clusterId))).toBe('written');
  } finally {
    await backend.close();
  }
}

async function spaceLeft({ adminUrl }: ExtraServer): Promise<number> {
  const { body } = await ask('GET', `${adminUrl}/metrics`);
  return Number(/^lakh_ids_unleased (\S+)$/m.exec(body)?.[1]);
}

const detailOfIds = async ({ adminUrl }: ExtraServer): Promise<string> =>
  readinessOf(adminUrl).then(
    ({ checks }) => checks.ids?.detail ?? '',
    () => '',
  );

async function expectEnded(server: ExtraServer, created: CreatedLinks): Promise<void> {
  await until(async () => (await detailOfIds(server)).includes('counter_space_ended'), 'it has tried to lease');
  // It opens its door when it has tried.
  const isOpen = () =>
    ask('GET', server.url).then(
      () => true,
      () => false,
    );
  await until(isOpen, 'it answers');
  const answer = await created.create(server.url);
  expect([answer.status, problemOf(answer).code]).toEqual([503, 'counter_space_ended']);
  expect(answer.headers['retry-after']).toBe('1');
  expect(await spaceLeft(server)).toBe(0);
  expect(server.child.exitCode).toBeNull();
}

/** Creates as many as there are. A lease that takes its time refuses a create too, and costs nothing. */
async function useUp(server: ExtraServer, created: CreatedLinks): Promise<void> {
  await until(async () => {
    const { code } = problemOf(await created.untilRefused(server.url, 2 * LEFT));
    expect(code).toMatch(/^(counter_space_ended|ids_exhausted)$/);
    return code === 'counter_space_ended';
  }, 'it has come to the end');
}

const createFew = async (server: ExtraServer, created: CreatedLinks): Promise<void> => {
  for (let i = 0; i < FEW; i += 1) await created.mustCreate(server.url);
};

describe.each([
  ['base62, at 62^7', 62 ** 7, { LAKH_CODEC: 'base62' }, undefined],
  [
    'sealed, at the end of its one key',
    END_OF_A,
    { LAKH_CODEC: 'sealed', LAKH_SEALED_KEYS: KEY_A },
    `${KEY_A} ${KEY_B}`,
  ],
])('%s', (_, end, env, furtherKeys) => {
  const created = new CreatedLinks();
  let one: ExtraServer;
  let two: ExtraServer;

  beforeAll(async () => {
    await nearTheEnd(end);
    [one, two] = await Promise.all([system.startShorten(env), system.startShorten(env)]);
  }, 30_000);
  // Before the next codec takes the database over.
  afterAll(async () => {
    for (const server of [one, two]) {
      server?.child.kill('SIGKILL');
      await server?.end;
    }
  });
  afterEach(() => {
    expect(created.repeated).toEqual([]);
  });

  test('little is left: degraded, warned of once, and links are created', async () => {
    await createFew(one, created);
    await createFew(two, created);
    // Two ranges each.
    await until(
      async () => Math.min(await spaceLeft(one), await spaceLeft(two)) === LEFT - 4 * RANGE_SIZE,
      'it is told',
    );
    for (const server of [one, two]) {
      const { httpStatus, checks } = await readinessOf(server.adminUrl);
      expect([httpStatus, checks.ids?.status]).toEqual([200, 'degraded']);
      expect(checks.ids?.detail).toMatch(/^\d+ ids held; \d+ counters are left in the codec's space/);
      expect(server.log().match(/the counter space comes to its end/g)).toHaveLength(1);
    }
  });

  test('the last counter is issued, and then there is a named error; what another server gives back is still issued', async () => {
    await useUp(two, created);
    await expectEnded(two, created);
    // All but what the other one holds.
    expect(created.all).toHaveLength(LEFT - 2 * RANGE_SIZE + FEW);
    await createFew(one, created);

    await drained(one);
    // It tries every few seconds, so it may have found the first of them before the second was there.
    await until(async () => {
      await useUp(two, created);
      return two.log().match(/"msg":"remainder claimed"/g)?.length === 2;
    }, 'it takes both ranges that were given back');
    await useUp(two, created);
    await expectEnded(two, created);
  });

  test('a restart does not help, and nothing has wrapped around', async () => {
    await drained(two);
    two = await system.spawnShorten(env);
    await expectEnded(two, created);
    const [rows] = await root.query<(RowDataPacket & Record<string, unknown>)[]>(
      `SELECT COUNT(*) AS links, COUNT(DISTINCT counter) AS counters, MIN(counter) AS first, MAX(counter) AS last,
         (SELECT MAX(end_counter) FROM lakh.id_leases) AS end, (SELECT head FROM lakh.id_heads) AS head FROM lakh.links`,
    );
    const known = Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
    expect(known).toEqual({ links: LEFT, counters: LEFT, first: end - LEFT, last: end - 1, end, head: end });
    expect(created.all).toHaveLength(LEFT);
    for (const { code, longUrl } of created.all.slice(-FEW)) {
      expect((await ask('GET', `${system.url('redirect-1')}/${code}`)).headers.location).toBe(longUrl);
    }
  });

  if (furtherKeys !== undefined) {
    test('a further key that starts where the last one ended makes it go on', async () => {
      await drained(two);
      two = await system.startShorten({ ...env, LAKH_SEALED_KEYS: furtherKeys });
      const { code } = await created.mustCreate(two.url);
      expect(code).toMatch(/^B/);
      const [rows] = await root.query<RowDataPacket[]>('SELECT counter FROM lakh.links WHERE code=?', [code]);
      expect(Number(rows[0]?.counter)).toBe(END_OF_A);
      expect((await readinessOf(two.adminUrl)).status).toBe('ready');
      expect(await spaceLeft(two)).toBeGreaterThan(56e9);
    });
  }
});
