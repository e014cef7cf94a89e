import { until } from '@lakh/testkit';
import type { RowDataPacket } from 'mysql2/promise';
import { zookeeperMode } from '../../deploy/local/src/index';
import { CreatedLinks, problemOf } from './support/created-links';
import { DegradedStack, drained, type Readiness, readinessOf } from './support/degraded-stack';
import { during, steadyCreates } from './support/steady-load';
import { zookeeperNodes } from './support/zookeeper-nodes';

jest.setTimeout(120_000);

const RANGE_SIZE = 20;
/** Above the two seconds of silence after which this ensemble's followers give up their leader. */
const LEASE_DEADLINE_MS = 4000;
/** A hundred a second, so a range lasts for a fifth of one, and leases are needed all the time. */
const CREATE_EVERY_MS = 10;

let system: DegradedStack;
const created = new CreatedLinks();

beforeAll(async () => {
  system = await DegradedStack.up(
    { shorten: 1, redirect: 1 },
    {
      LAKH_RANGE_SIZE: String(RANGE_SIZE),
      LAKH_RANGES_MAX_HELD: '2',
      LAKH_RUNWAY_S: '1',
      LAKH_LEASE_DEADLINE_MS: String(LEASE_DEADLINE_MS),
      LAKH_STORE_DEADLINE_MS: '1000',
    },
  );
});

afterAll(async () => {
  await system?.down();
});

afterEach(() => {
  expect(created.repeated).toEqual([]);
});

const leasedRanges = (): Promise<number> => system.metric('shorten-1', 'lakh_ranges_leased_total');

/** Calls `fault` under a load that needs leases all the time, and resolves with the longest time without a new link. */
async function longestGapMs(fault: () => Promise<void>): Promise<number> {
  const load = steadyCreates(created, system.url('shorten-1'), CREATE_EVERY_MS);
  await during([load], fault);
  expect(load.failures).toEqual([]);
  // What waited for a lease in vain is told so; nothing else may go wrong.
  expect([...load.statuses.keys()].filter((status) => status !== 201 && status !== 503)).toEqual([]);
  return load.longestGapMs();
}

describe('one ZooKeeper node is frozen', () => {
  test.each(['zookeeper-1', 'zookeeper-2', 'zookeeper-3'])(
    '%s: issuing never stops for longer than the lease deadline',
    async (name) => {
      const port = Number(new URL(system.url(name)).port);
      const gapMs = await longestGapMs(async () => {
        await system.stack.kill(name, 'SIGSTOP');
        const before = await leasedRanges();
        await until(async () => (await leasedRanges()) > before + 10, 'leases go on');
        await system.stack.kill(name, 'SIGCONT');
        await until(async () => (await zookeeperMode(port)) !== undefined, `${name} serves again`);
      });
      expect(gapMs).toBeLessThan(LEASE_DEADLINE_MS);
    },
  );
});

test('a server that was frozen until its session expired goes on from its range, and leases in a new session', async () => {
  const { zookeeper, zookeeperAuth } = system.stack.addresses();
  const nodes = await zookeeperNodes(zookeeper, zookeeperAuth);
  // The server's own ephemeral node: ZooKeeper removes it when it expires the session, and not before.
  const isRegistered = async (): Promise<boolean> => (await nodes.children('/servers')).length > 0;
  try {
    await until(isRegistered, 'the server is registered');
    await system.stack.kill('shorten-1', 'SIGSTOP');
    await until(async () => !(await isRegistered()), 'its session expires');
    await system.stack.kill('shorten-1', 'SIGCONT');
    const load = steadyCreates(created, system.url('shorten-1'), CREATE_EVERY_MS);
    await during([load], async () => {
      const before = await leasedRanges();
      await until(async () => (await leasedRanges()) > before + 5, 'leases go on');
      await until(isRegistered, 'the server is registered again');
    });
    expect(load.failures).toEqual([]);
    expect(load.longestGapMs()).toBeLessThan(LEASE_DEADLINE_MS);
  } finally {
    await nodes.close();
  }
});

test('the ledger does not answer: creates go on from held ranges, then 503; they resume by themselves', async () => {
  const root = await system.databaseRoot();
  try {
    await system.untilReadiness('shorten-1', 'leases', ({ checks }) => checks.ids?.status === 'ok');
    // Links are stored as before; whoever asks for the head waits for the lock.
    await root.query('LOCK TABLES lakh.id_heads WRITE');
    const refusal = await created.untilRefused(system.url('shorten-1'), 10 * RANGE_SIZE);
    expect(refusal.status).toBe(503);
    expect(problemOf(refusal)).toMatchObject({ code: 'ids_exhausted' });
    // Whoever waited while the first lease was still unanswered hears only that it is under way.
    await until(
      async () => problemOf(await created.create(system.url('shorten-1'))).detail.includes('(witness_unavailable)'),
      'a refusal says why',
    );
    const { checks } = await system.untilReadiness('shorten-1', 'refuses', ({ httpStatus }) => httpStatus === 503);
    expect(checks).toMatchObject({ ids: { status: 'down' }, zookeeper: { status: 'ok' } });
    await root.query('UNLOCK TABLES');
    await system.untilReadiness('shorten-1', 'leases again', ({ checks: now }) => now.ids?.status === 'ok');
    for (let i = 0; i < 3 * RANGE_SIZE; i += 1) await created.mustCreate(system.url('shorten-1'));
  } finally {
    root.destroy();
  }
});

test('a server with another codec than its database refuses to start, and names both', async () => {
  const other = await system.spawnShorten({ LAKH_CODEC: 'sqids' });
  expect(await other.end).toBe(1);
  expect(other.log()).toMatch(/"level":"(error|fatal)".*base62.*sqids|"level":"(error|fatal)".*sqids.*base62/);
  expect(other.log()).not.toContain('range leased');
});

test('SIGTERM drains: what was taken is answered, what is left is given up, and the server exits 0', async () => {
  const root = await system.databaseRoot();
  const { zookeeper, zookeeperAuth } = system.stack.addresses();
  const nodes = await zookeeperNodes(zookeeper, zookeeperAuth);
  const stored = async (): Promise<number> => {
    const [rows] = await root.query<(RowDataPacket & { n: number })[]>('SELECT COUNT(*) AS n FROM lakh.links');
    return rows[0]?.n as number;
  };
  try {
    const other = await system.spawnShorten();
    const isReady = ({ httpStatus }: Readiness): boolean => httpStatus === 200;
    await until(() => readinessOf(other.adminUrl).then(isReady, () => false), 'it is ready');
    const before = { stored: await stored(), created: created.all.length };
    const load = steadyCreates(created, other.url, CREATE_EVERY_MS);
    await during([load], async () => {
      other.child.kill('SIGTERM');
      expect(await other.end).toBe(0);
    });
    // A connection that the listener had not taken yet is refused or reset; one that it had gets its answer.
    expect(load.failures.filter((failure) => !/ECONNREFUSED|ECONNRESET|socket hang up/.test(failure))).toEqual([]);
    expect([...load.statuses.keys()].filter((status) => status !== 201 && status !== 503)).toEqual([]);
    expect((await stored()) - before.stored).toBe(created.all.length - before.created);
    expect(other.log()).toContain('leased counters given up at shutdown');
    expect(await nodes.children('/ranges/links/released')).toEqual([]);
  } finally {
    root.destroy();
    await nodes.close();
  }
});

test('a worker is killed while the others are renewed, under load: no code twice, no link lost, two slices at most', async () => {
  const slice = 100;
  const other = await system.startShorten({ LAKH_WORKERS: '2', LAKH_RANGE_SIZE: String(100 * slice) });
  const started = (): number[] =>
    [...other.log().matchAll(/"worker":\d+,"pid":(\d+),"msg":"worker started"/g)].map(([, pid]) => Number(pid));
  // Programs start, on a machine that may be busy with others.
  const untilLogged = (condition: () => boolean, what: string): Promise<void> =>
    until(condition, what, 60_000).catch((error: Error) => {
      throw new Error(`${error.message}:\n${other.log()}`);
    });
  const root = await system.databaseRoot();
  try {
    const before = created.all.length;
    const load = steadyCreates(created, other.url, CREATE_EVERY_MS);
    await during([load], async () => {
      const [first, second] = started() as [number, number];
      other.child.kill('SIGUSR2');
      await untilLogged(() => started().length > 2, 'a worker is renewed');
      process.kill(second, 'SIGKILL');
      await untilLogged(() => other.log().includes('by SIGKILL without being asked'), 'the end of one is noticed');
      await untilLogged(() => new RegExp(`"pid":${first},.*"msg":"worker ended"`).test(other.log()), 'one is replaced');
    });
    // What was under way at the killed worker.
    expect(load.failures.filter((failure) => !/ECONNREFUSED|ECONNRESET|socket hang up/.test(failure))).toEqual([]);
    expect([...load.statuses.keys()]).toEqual([201]);
    const [rows] = await root.query<(RowDataPacket & { code: string })[]>('SELECT code FROM lakh.links');
    const stored = new Set(rows.map(({ code }) => code));
    expect(created.all.slice(before).filter(({ code }) => !stored.has(code))).toEqual([]);
    const lost = [...other.log().matchAll(/"reason":"worker_gone","start":(\d+),"end":(\d+)/g)];
    expect(lost.reduce((sum, [, start, end]) => sum + Number(end) - Number(start), 0)).toBeLessThanOrEqual(2 * slice);
    await drained(other);
    expect(other.log()).toContain('remainder published');
  } finally {
    root.destroy();
  }
});
