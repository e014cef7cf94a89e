import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterOver } from '@lakh/backend/cluster';
import { isRefusal, systemClock, TwoWitnessLease, type TwoWitnessLeaseOptions } from '@lakh/id-range';
import { type LocalServer, launch, zookeeperEnsemble } from '@lakh/local';
import { createMysqlLinkStore, memberName, Pool } from '@lakh/mysql';
import { base62, recordOfCodec } from '@lakh/short-code';
import { describeWitnessAdmins, SampleLinks } from '@lakh/testkit';
import { createZookeeperSession, parseZookeeperAddress, type ZookeeperSession } from '@lakh/zookeeper';
import { startDatabase, type TestDatabase } from '../../../packages/mysql/test/database.js';
import { lakh } from './harness.js';

/** The commands on a real ZooKeeper and a real database; a chroot of its own for each test. */
jest.setTimeout(30_000);
const DEADLINE_MS = 1_500;

let dir: string;
let server: LocalServer;
let database: TestDatabase;
let pool: Pool;
let zookeeperHosts: string;
let chroots = 0;
let env: Record<string, string>;
let session: ZookeeperSession;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-cluster-'));
  const ensemble = await zookeeperEnsemble({ dir, nodes: 1 });
  zookeeperHosts = ensemble.connectString;
  [server, database] = await Promise.all([launch(ensemble.plans[0]!), startDatabase()]);
  const { host, port, user, password, database: name } = database.migrator;
  const migrator = `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${name}`;
  const migrated = await lakh({ LAKH_DATABASE: migrator }, 'migrate', '--json');
  expect(migrated.json()).toMatchObject({ database: memberName(database.migrator) });
  expect((await lakh({ LAKH_DATABASE: migrator }, 'migrate')).stdout).toBe(
    `${memberName(database.migrator)}: up to date\n`,
  );
  pool = new Pool(database.app);
}, 60_000);

afterAll(async () => {
  pool?.close();
  await Promise.all([server?.stop(), database?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  await database.sql(
    'DELETE FROM id_heads; DELETE FROM id_leases; DELETE FROM id_releases; DELETE FROM links; DELETE FROM settings',
  );
  chroots += 1;
  const { host, port, user, password, database: name } = database.app;
  env = {
    LAKH_ZOOKEEPER: `${zookeeperHosts}/test-${chroots}`,
    LAKH_DATABASE: `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${name}`,
    LAKH_LEASE_DEADLINE_MS: String(DEADLINE_MS),
    LAKH_STORE_DEADLINE_MS: String(DEADLINE_MS),
    // Nothing here is ever paused in the middle of a lease.
    LAKH_LEASE_ATTEMPT_MS: '100',
  };
  session = createZookeeperSession({ ...parseZookeeperAddress(env.LAKH_ZOOKEEPER as string), deadlineMs: DEADLINE_MS });
  await session.whenConnected(5_000);
});
afterEach(() => session.close());

/** As servers and operators have it, over the present session. */
const cluster = () => clusterOver({ namespace: 'links', zookeeper: () => session, database: pool, settleMs: 0 });

function serverLease(options: Partial<TwoWitnessLeaseOptions> = {}): TwoWitnessLease {
  return new TwoWitnessLease({
    ...cluster().witnesses(),
    clock: systemClock,
    random: Math.random,
    holder: { serverId: 'server-1', host: 'host-1', processStartMs: 1, codec: 'base62' },
    newClusterId: () => '00000000-0000-4000-8000-000000000001',
    ...options,
  });
}

const lease = (size = 1000) => serverLease().lease(size);

async function addLink(counter: number, code = `c${counter}`): Promise<void> {
  await createMysqlLinkStore({ pool, clock: { nowMs: Date.now } }).insert(
    new SampleLinks().generated({ code, counter }),
  );
}

/** Two ranges, [100000, 102000), and a link from the first. */
async function makeUsed(): Promise<void> {
  const { facts } = cluster();
  await facts.recordOnce('links_namespace', 'links');
  await facts.recordOnce('codec', recordOfCodec(base62()));
  await lease();
  await lease();
  await addLink(100_001, 'Q0v');
}

/** Behind everybody's back, as an operator with zkCli would. */
function setNode(path: string, text: string): Promise<void> {
  return session
    .connection()
    .call('write', 'raw', (client, done) =>
      client.setData(`${session.chroot}${path}`, Buffer.from(text), -1, (error) => done(error, undefined)),
    );
}
function removeNode(path: string): Promise<void> {
  return session
    .connection()
    .call('write', 'raw', (client, done) =>
      client.remove(`${session.chroot}${path}`, -1, (error) => done(error, undefined)),
    );
}
const NEXT = '/ranges/links/next';

describeWitnessAdmins('ZooKeeper and MySQL', async () => {
  const { marks: markStore, ledger: serverLedger } = cluster().witnesses();
  return { ...(await cluster().admin()), markStore, serverLedger, addLink, dispose: async () => {} };
});

/** What a start meets; nothing is leased before the repair, and everything above what was there after it. */
const STATES: readonly { what: string; damage: () => Promise<unknown>; code: string }[] = [
  {
    what: 'ZooKeeper was wiped',
    damage: async () => {
      await removeNode(NEXT);
      await removeNode('/cluster');
    },
    code: 'mark_missing',
  },
  { what: 'the mark alone is gone', damage: () => removeNode(NEXT), code: 'mark_missing' },
  { what: 'the mark is empty', damage: () => setNode(NEXT, ''), code: 'witness_corrupt' },
  { what: 'the mark is not a number', damage: () => setNode(NEXT, 'one two'), code: 'witness_corrupt' },
  { what: 'the mark is negative', damage: () => setNode(NEXT, '-5 -5'), code: 'witness_corrupt' },
  {
    what: 'the mark is beyond the space',
    damage: () => setNode(NEXT, '3521614606209 100000'),
    code: 'witness_corrupt',
  },
  { what: 'the mark is below the first one', damage: () => setNode(NEXT, '7 0'), code: 'witness_corrupt' },
  { what: 'the mark has shrunk', damage: () => setNode(NEXT, '101000 100000'), code: 'zookeeper_forgot' },
  { what: 'the cluster id beside the mark is gone', damage: () => removeNode('/cluster'), code: 'witness_corrupt' },
  {
    what: 'the ledger is behind what the mark remembers',
    damage: async () => {
      await setNode(NEXT, '102000 102000');
      await database.sql('UPDATE id_heads SET head=101000; DELETE FROM id_leases WHERE start_counter=101000');
    },
    code: 'ledger_forgot',
  },
  { what: 'the head row is gone', damage: () => database.sql('DELETE FROM id_heads'), code: 'ledger_missing' },
  {
    what: 'the database was wiped',
    damage: () => database.sql('DELETE FROM id_heads; DELETE FROM id_leases; DELETE FROM links; DELETE FROM settings'),
    code: 'ledger_missing',
  },
  {
    what: 'the head is beyond the space',
    damage: () => database.sql('UPDATE id_heads SET head=9007199254740993'),
    code: 'witness_corrupt',
  },
];

test.each(STATES)(
  '$what: nothing is leased, $code, and a repair ends it without a restart',
  async ({ damage, code }) => {
    await makeUsed();
    const living = serverLease();
    await damage();
    await expect(living.lease(1000)).rejects.toMatchObject({ code });
    const check = await lakh(env, 'ranges', 'check', '--json');
    const { findings } = check.json<{ findings: { code: string; message: string }[] }>();
    expect([check.exitCode, findings.map((each) => each.code)]).toEqual([3, expect.arrayContaining([code])]);
    expect(findings[0]?.message).toMatch(/docs\/runbooks\//);
    const dry = await lakh(env, 'ranges', 'repair', '--json');
    await expect(living.lease(1000)).rejects.toMatchObject({ code });
    const done = await lakh(env, 'ranges', 'repair', '--apply', '--json');
    expect({ ...done.json(), applied: false }).toEqual(dry.json());
    expect((await lakh(env, 'ranges', 'check')).exitCode).toBe(0);
    expect((await lakh(env, 'ranges', 'repair', '--apply')).stdout).toContain('nothing to do');
    expect((await living.lease(1000)).start).toBeGreaterThanOrEqual(102_000);
  },
);

test('two repairs at once, beside servers that go on trying, end with one mark above everything', async () => {
  await makeUsed();
  await removeNode(NEXT);
  const trying = async (): Promise<number> => {
    for (;;) {
      try {
        return (await lease()).start;
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
  };
  const servers = [trying(), trying(), trying()];
  const repairs = await Promise.all([1, 2].map(() => lakh(env, 'ranges', 'repair', '--apply')));
  expect(repairs.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [0, expect.stringMatching(/^lakh: this is \S+ and \S+, namespace \S+\n$/)],
    [0, expect.stringMatching(/^lakh: this is [^\n]*\n$/)],
  ]);
  const starts = await Promise.all(servers);
  expect(new Set(starts).size).toBe(3);
  expect(Math.min(...starts)).toBeGreaterThanOrEqual(102_000);
  expect((await lakh(env, 'ranges', 'check')).exitCode).toBe(0);
});

test('what only a person can know is refused: another cluster, or no witness beside links', async () => {
  await makeUsed();
  await setNode('/cluster', 'another-system');
  await expect(lease()).rejects.toMatchObject({ code: 'cluster_mismatch' });
  expect(await lakh(env, 'ranges', 'repair', '--apply')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('cluster_mismatch'),
  });
  await removeNode(NEXT);
  await removeNode('/cluster');
  await database.sql('DELETE FROM id_heads; DELETE FROM id_leases');
  await expect(lease()).rejects.toMatchObject({ code: 'ledger_not_empty' });
  expect((await lakh(env, 'ranges', 'repair', '--apply')).stderr).toContain('ledger_not_empty');
  expect((await lakh(env, 'bootstrap', '--adopt')).stdout).toContain('the next lease begins at 100,200,000');
  expect((await lease()).start).toBe(100_200_000);
});

test('another chroot looks like a wiped ensemble, and nothing is leased from it', async () => {
  await makeUsed();
  const { exitCode, stdout } = await lakh({ ...env, LAKH_ZOOKEEPER: `${zookeeperHosts}/elsewhere` }, 'ranges', 'check');
  expect([exitCode, stdout]).toEqual([3, expect.stringContaining('problem: mark_missing')]);
});

test('nothing is repaired or restored while either witness cannot be read', async () => {
  await makeUsed();
  await removeNode(NEXT);
  const noZookeeper = { ...env, LAKH_ZOOKEEPER: '127.0.0.1:1/lakh', LAKH_LEASE_DEADLINE_MS: '200' };
  const noDatabase = { ...env, LAKH_DATABASE: 'mysql://a:b@127.0.0.1:1/lakh', LAKH_STORE_DEADLINE_MS: '200' };
  for (const cut of [noZookeeper, noDatabase]) {
    for (const argv of [['ranges', 'repair', '--apply'], ['restore'], ['ranges', 'check'], ['bootstrap', '--adopt']]) {
      const { exitCode, stderr } = await lakh(cut, ...argv);
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/lakh: (witness_unavailable|store_unavailable)/)]);
    }
  }
  const { mark } = await (await cluster().admin()).marks.inspect();
  expect(mark).toBe('missing');
});

test('without permission for the nodes, the message says so', async () => {
  await session.close();
  const credential = 'owner:secret';
  session = createZookeeperSession({
    ...parseZookeeperAddress(env.LAKH_ZOOKEEPER as string),
    deadlineMs: DEADLINE_MS,
    auth: { scheme: 'digest', credential },
  });
  await session.whenConnected(5_000);
  await makeUsed();
  for (const more of [{}, { LAKH_ZOOKEEPER_AUTH: 'owner:wrong' }]) {
    expect((await lakh({ ...env, ...more }, 'ranges', 'check')).stderr).toContain('lakh: witness_forbidden: ');
  }
  const owner = { ...env, LAKH_ZOOKEEPER_AUTH: credential };
  expect((await lakh(owner, 'ranges', 'check')).exitCode).toBe(0);
  await removeNode(NEXT);
  expect((await lakh(owner, 'ranges', 'repair', '--apply')).exitCode).toBe(0);
  expect((await lease()).start).toBeGreaterThanOrEqual(102_000);
});

test('restore skips, and takes back the remainders that an old copy offers', async () => {
  await makeUsed();
  const { ledger, remainders } = cluster().witnesses();
  const tail = { start: 101_500, end: 102_000 };
  const holder = { serverId: 'server-1', host: 'host-1', processStartMs: 1, codec: 'base62' };
  expect(await ledger.release(tail, holder, 1)).toBe('released');
  await remainders.publish(tail);
  expect((await lakh(env, 'ranges', 'repair')).stdout).toContain('nothing to do');
  expect((await lakh(env, 'ranges', 'list')).stdout).toMatch(/101,500 +102,000 +released/);
  const skip = { ...env, LAKH_RESTORE_SKIP: '500000' };
  expect((await lakh(skip, 'restore')).stdout).toContain('the next lease begins at 700,000');
  expect((await remainders.list(10)).remainders).toEqual([]);
  expect(await ledger.claim(tail, holder, 2)).toBe('refused');
  expect((await lease()).start).toBe(700_000);
});

test('an ensemble is rebuilt from an export alone, over an empty ledger', async () => {
  await makeUsed();
  const file = join(dir, 'ledger.jsonl');
  await writeFile(file, (await lakh(env, 'export')).stdout);
  await removeNode(NEXT);
  await removeNode('/cluster');
  await database.sql('DELETE FROM id_heads; DELETE FROM id_leases');
  expect((await lakh(env, 'import', file, '--json')).json()).toEqual({ added: 2, present: 0, head: 102_000 });
  await lakh(env, 'ranges', 'repair', '--apply');
  expect(await cluster().witnesses().marks.read()).toMatchObject({
    clusterId: '00000000-0000-4000-8000-000000000001',
    mark: { next: 1_200_000, ledgered: 1_200_000 },
  });
  expect((await lease()).start).toBe(1_200_000);
});

test('an audit of a code among 2,000 ranges and 20,000 links answers within a second, and figures within a few', async () => {
  await makeUsed();
  await database.sql(`INSERT INTO id_leases SELECT 'links', 200000 + seq * 1000, 201000 + seq * 1000, CONCAT('s', seq % 7), 'h', 1, 1, 1, 'base62', 'leased' FROM seq_0_to_1999;
    UPDATE id_heads SET head=2200000;
    INSERT INTO links (domain_id, code, kind, counter, insert_id, long_url, created_at_ms) SELECT 0, CONCAT('n', seq), 1, 200000 + seq * 100, 'x', 'https://example.com/', 1 FROM seq_0_to_19999`);
  const startedMs = performance.now();
  const { exitCode, stdout } = await lakh(env, 'audit', 'Q0v');
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/server +server-1/)]);
  const summary = await lakh(env, 'ranges', 'summary', '--json');
  expect(summary.json()).toMatchObject({ ranges: 2002, notIssued: { unrecorded: 98_000 }, highestCounter: 2_199_900 });
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

/**
 * ZooKeeper set back, a repair, another server's lease, and the database set back, all while one attempt waits for its record. What the
 * attempt was given at first is the other's by then, and no witness remembers it.
 */
test.each([
  [60_000, 'the limit is longer than all that took: it is given what another server has'],
  [100, 'the limit is what the repair waited for: it is given up, though both witnesses acknowledged it'],
])('a lease attempt that sleeps through the loss of both witnesses, limit %d ms: %s', async (attemptLimitMs, _what) => {
  await makeUsed();
  let sleeps: () => void = () => {};
  let wake: () => void = () => {};
  const asleep = new Promise<void>((resolve) => {
    sleeps = resolve;
  });
  const awake = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const { ledger } = cluster().witnesses();
  const sleeper = serverLease({
    attemptLimitMs,
    ledger: {
      ...ledger,
      record: async (record) => {
        sleeps();
        await awake;
        return ledger.record(record);
      },
    },
  }).lease(1000);
  await asleep;

  await setNode(NEXT, '102000 101000');
  expect((await lakh(env, 'ranges', 'repair', '--apply')).stdout).toContain('nothing to do');
  expect(await lease()).toEqual({ start: 102_000, end: 103_000 });
  await database.sql('DELETE FROM id_leases WHERE start_counter=102000; UPDATE id_heads SET head=102000');
  wake();
  if (attemptLimitMs > 1_000) expect(await sleeper).toEqual({ start: 102_000, end: 103_000 });
  else await expect(sleeper).rejects.toMatchObject({ code: 'lease_too_old' });
});

test('a ledger that was set back by its last lease looks whole; after a repair it knows of that lease, whatever ZooKeeper forgets next', async () => {
  await makeUsed();
  await database.sql('DELETE FROM id_leases WHERE start_counter=101000; UPDATE id_heads SET head=101000');
  expect((await lakh(env, 'ranges', 'check')).exitCode).toBe(0);
  expect((await lakh(env, 'ranges', 'repair', '--apply')).stdout).toContain('covered 101,000 to 101,999');
  await setNode(NEXT, '101000 100000');
  await expect(lease()).rejects.toMatchObject({ code: 'zookeeper_forgot' });
  expect((await lakh(env, 'ranges', 'repair', '--apply')).exitCode).toBe(0);
  expect((await lease()).start).toBeGreaterThanOrEqual(102_000);
});
