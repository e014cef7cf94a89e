import { until } from '@lakh/testkit';
import { type Answer, ask } from './support/ask';
import { CreatedLinks, problemOf } from './support/created-links';
import { DegradedStack, type Readiness } from './support/degraded-stack';
import { during, SteadyLoad, steadyCreates } from './support/steady-load';

jest.setTimeout(120_000);

const L1_TTL_MS = 1000;
const L2_DEADLINE_MS = 100;
const STORE_DEADLINE_MS = 1000;
/** What a busy machine may add to a bounded wait. */
const SLACK_MS = 1500;
const REDIRECTS = ['redirect-1', 'redirect-2'];
const SERVERS = ['shorten-1', ...REDIRECTS];

let system: DegradedStack;
const created = new CreatedLinks();

beforeAll(async () => {
  system = await DegradedStack.up(
    { shorten: 1, redirect: 2 },
    {
      LAKH_L1_TTL_MS: String(L1_TTL_MS),
      LAKH_L2_DEADLINE_MS: String(L2_DEADLINE_MS),
      LAKH_STORE_DEADLINE_MS: String(STORE_DEADLINE_MS),
    },
  );
});

afterAll(async () => {
  await system?.down();
});

afterEach(async () => {
  expect(created.repeated).toEqual([]);
  expect(await system.metric('shorten-1', 'lakh_counters_duplicate_total')).toBe(0);
});

const create = () => created.mustCreate(system.url('shorten-1'));
const remove = (code: string) =>
  ask('DELETE', `${system.url('shorten-1')}/api/v1/urls/${code}`, undefined, system.stack.addresses().token);
const follow = (server: string, code: string) => ask('GET', `${system.url(server)}/${code}`);
const followEverywhere = (code: string) => Promise.all(REDIRECTS.map((server) => follow(server, code)));
const everywhere = async (status: number, code: string): Promise<boolean> =>
  (await followEverywhere(code)).every((answer) => answer.status === status);

/** Waits until every server says of `check` whether it is well. */
async function untilCheck(check: 'redis' | 'database', status: 'ok' | 'degraded'): Promise<void> {
  const isSaid = ({ checks, httpStatus }: Readiness): boolean => checks[check]?.status === status && httpStatus === 200;
  await Promise.all(SERVERS.map((name) => system.untilReadiness(name, `${check} is ${status}`, isSaid)));
}

/** Redirects of links by turns at a server, every 20 ms. */
function steadyRedirects(server: string, codes: readonly string[]): SteadyLoad {
  let turn = 0;
  return new SteadyLoad(20, () => {
    turn += 1;
    return follow(server, codes[turn % codes.length] as string);
  });
}

/** Creates and redirects while `fault` runs; every one succeeds, in bounded time. */
async function allGoesOn(codes: readonly string[], fault: () => Promise<void>): Promise<void> {
  const creates = steadyCreates(created, system.url('shorten-1'), 20);
  const redirects = REDIRECTS.map((server) => steadyRedirects(server, codes));
  const loads = [creates, ...redirects];
  await during(loads, fault);
  for (const load of loads) {
    expect(load.failures).toEqual([]);
    expect(load.slowestMs).toBeLessThan(L2_DEADLINE_MS + STORE_DEADLINE_MS + SLACK_MS);
  }
  expect([...creates.statuses.keys()]).toEqual([201]);
  for (const { statuses } of redirects) expect([...statuses.keys()]).toEqual([301]);
}

test('what is edited or deleted is so on every server in moments, whatever their L1 holds', async () => {
  const { token } = system.stack.addresses();
  const { code } = await create();
  const waitsMs: number[] = [];
  for (let round = 1; round <= 20; round += 1) {
    // Each has it in its L1 from just before, for a whole TTL.
    await followEverywhere(code);
    const longUrl = `https://example.com/edited/${round}`;
    const url = `${system.url('shorten-1')}/api/v1/urls/${code}`;
    const { status } =
      round < 20 ? await ask('PATCH', url, JSON.stringify({ long_url: longUrl }), token) : await remove(code);
    expect(status).toBe(round < 20 ? 200 : 204);
    const doneMs = performance.now();
    await until(async () => {
      const answers = await followEverywhere(code);
      return answers.every((each) => (round < 20 ? each.headers.location === longUrl : each.status === 410));
    }, 'it is seen everywhere');
    waitsMs.push(performance.now() - doneMs);
  }
  const median = waitsMs.sort((a, b) => a - b)[10] as number;
  expect(median).toBeLessThan(L1_TTL_MS / 4);
});

describe.each([
  { fault: 'killed', away: 'SIGKILL' },
  { fault: 'frozen', away: 'SIGSTOP' },
] as const)('Redis is $fault', ({ away }) => {
  const bringBack = () =>
    away === 'SIGSTOP' ? system.stack.kill('redis-1', 'SIGCONT') : system.stack.start('redis-1');

  test('redirects and creates go on, also of links that no L1 knows, and it is used again by itself', async () => {
    const links = await Promise.all(Array.from({ length: 40 }, create));
    await allGoesOn(
      links.map(({ code }) => code),
      async () => {
        await system.stack.kill('redis-1', away);
        await untilCheck('redis', 'degraded');
        expect(await everywhere(301, (await create()).code)).toBe(true);
        await bringBack();
        await untilCheck('redis', 'ok');
      },
    );
  });

  test('a link deleted meanwhile is gone on every server within the L1 TTL, and stays gone when Redis is back', async () => {
    const { code } = await create();
    // From the shared cache of the second server's read on, both levels hold the link.
    for (const server of REDIRECTS) expect((await follow(server, code)).status).toBe(301);
    const hits = await system.metric('redirect-2', 'lakh_l2_reads_total');
    expect(hits).toBeGreaterThan(0);
    await system.stack.kill('redis-1', away);

    const removed = await remove(code);
    expect(removed.status).toBe(204);
    expect(removed.ms).toBeLessThan(L2_DEADLINE_MS + STORE_DEADLINE_MS + SLACK_MS);
    const removedAtMs = performance.now();
    await until(() => everywhere(410, code), 'the link is gone everywhere');
    expect(performance.now() - removedAtMs).toBeLessThan(L1_TTL_MS + L2_DEADLINE_MS + SLACK_MS);

    // Past L1's lifetime each answer is asked for anew: an older outcome would show itself.
    const watching = REDIRECTS.map((server) => new SteadyLoad(20, () => follow(server, code)));
    await during(watching, async () => {
      await untilCheck('redis', 'degraded');
      await bringBack();
      await untilCheck('redis', 'ok');
      const backAtMs = performance.now();
      await until(() => performance.now() - backAtMs > 2 * L1_TTL_MS, 'what was read from Redis would be seen');
    });
    for (const { statuses, failures } of watching) expect([[...statuses.keys()], failures]).toEqual([[410], []]);
  });
});

describe.each([
  { fault: 'killed', away: 'SIGKILL' },
  { fault: 'frozen', away: 'SIGSTOP' },
] as const)('MariaDB is $fault', ({ away }) => {
  const bringBack = () =>
    away === 'SIGSTOP' ? system.stack.kill('mysql-1', 'SIGCONT') : system.stack.start('mysql-1');

  function expectUnavailable(answer: Answer): void {
    expect(answer.status).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(problemOf(answer).code).toMatch(/^store_(unavailable|outcome_unknown)$/);
    expect(answer.ms).toBeLessThan(STORE_DEADLINE_MS + L2_DEADLINE_MS + SLACK_MS);
  }

  /** A burst of creates and of look-ups of what no cache has, each refused. */
  async function burst(code: string, requests: number): Promise<void> {
    for (let sent = 0; sent < requests; sent += 50) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          i % 2 === 0
            ? created.create(system.url('shorten-1'))
            : follow(REDIRECTS[(sent / 50) % 2] as string, `${code}${sent + i}`),
        ),
      );
      expect(answers.filter(({ status }) => status !== 503)).toEqual([]);
    }
  }

  const memory = () =>
    Promise.all(['shorten-1', 'redirect-1'].map((name) => system.metric(name, 'lakh_process_resident_memory_bytes')));

  test('cached redirects go on, the rest is 503 within its deadline, memory stays flat, and it recovers by itself', async () => {
    const cached = await Promise.all(Array.from({ length: 10 }, create));
    const uncached = await create();
    // Twice: the first fills the shared cache, which outlives L1.
    for (const { code } of [...cached, ...cached]) expect(await everywhere(301, code)).toBe(true);
    const redirects = REDIRECTS.map((server) =>
      steadyRedirects(
        server,
        cached.map(({ code }) => code),
      ),
    );
    await during(redirects, async () => {
      await system.stack.kill('mysql-1', away);

      // The first who ask wait for their deadline, those after them for nothing.
      expectUnavailable(await created.create(system.url('shorten-1')));
      for (const server of REDIRECTS) expectUnavailable(await follow(server, uncached.code));
      expectUnavailable(await remove(uncached.code));
      await burst(uncached.code, 500);
      await untilCheck('database', 'degraded');
      const before = await memory();
      await burst(uncached.code, 3000);
      const after = await memory();
      after.forEach((bytes, i) => {
        expect(bytes - (before[i] as number)).toBeLessThan(48 * 1024 * 1024);
      });
    });
    for (const { statuses, failures, slowestMs } of redirects) {
      expect([[...statuses.keys()], failures]).toEqual([[301], []]);
      expect(slowestMs).toBeLessThan(L2_DEADLINE_MS + SLACK_MS);
    }

    await bringBack();
    await untilCheck('database', 'ok');
    for (const { code } of [uncached, await create()]) expect(await everywhere(301, code)).toBe(true);
  });
});

test('neither database nor Redis answers: no place to send redirects to, at the start too, until one is back', async () => {
  const { code } = await create();
  const uncached = await create();
  for (let times = 0; times < 2; times += 1) expect(await everywhere(301, code)).toBe(true);
  const unready = async (name: string): Promise<void> => {
    const { httpStatus } = await system.untilReadiness(name, 'knows', ({ checks }) => checks.links?.status === 'down');
    expect(httpStatus).toBe(503);
  };

  await Promise.all([system.stack.kill('mysql-1'), system.stack.kill('redis-1', 'SIGSTOP')]);
  // Whoever asks finds out; past L1's lifetime nothing is left to send.
  await until(
    async () => (await followEverywhere(uncached.code)).every(({ ms }) => ms < L2_DEADLINE_MS),
    'nobody waits',
  );
  // One who asks is told at once, and tells too little: what is away refuses, and few failures are no outage.
  const asking = REDIRECTS.map((server) => new SteadyLoad(50, () => follow(server, uncached.code)));
  await during(asking, async () => void (await Promise.all(REDIRECTS.map(unready))));

  const pid = () => system.stack.running().find(({ name }) => name === 'redirect-1')?.pid;
  const before = pid();
  await system.stack.kill('redirect-1', 'SIGTERM');
  const started = system.stack.start('redirect-1');
  await until(() => pid() !== undefined && pid() !== before, 'another process');
  const answers = () =>
    system.readiness('redirect-1').then(
      () => true,
      () => false,
    );
  await until(answers, 'it says how it is');
  await unready('redirect-1');
  const isListening = () =>
    follow('redirect-1', code).then(
      () => true,
      () => false,
    );
  await until(isListening, 'it answers');
  expect((await follow('redirect-1', code)).status).toBe(503);

  await system.stack.kill('redis-1', 'SIGCONT');
  await started;
  // Each by itself: both have to have found out, and waited until what may have been missed was told.
  await Promise.all(REDIRECTS.map((name) => system.untilReadiness(name, 'is ready', (now) => now.httpStatus === 200)));
  expect(await everywhere(301, code)).toBe(true);
  expect((await follow('redirect-1', uncached.code)).status).toBe(503);
  await system.stack.start('mysql-1');
  await untilCheck('database', 'ok');
  expect(await everywhere(301, uncached.code)).toBe(true);
});

test('a database that takes no rows: known, counted, no place for creates, and no counter is spent on it', async () => {
  const { code } = await create();
  const count = (metric: string) => system.metric('shorten-1', metric);
  const database = await system.databaseRoot();
  await database.query('SET GLOBAL read_only=1');
  try {
    const [issued, burnt] = [await count('lakh_ids_issued_total'), await count('lakh_counters_burnt_total')];
    expect((await created.create(system.url('shorten-1'))).status).toBe(503);
    for (let sent = 0; sent < 500; sent += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => created.create(system.url('shorten-1'))));
      expect(answers.filter(({ status }) => status !== 503)).toEqual([]);
    }
    const { httpStatus, checks } = await system.readiness('shorten-1');
    expect([httpStatus, checks.database]).toEqual([503, { status: 'down', detail: expect.stringContaining('1290') }]);
    expect((await count('lakh_ids_issued_total')) - issued).toBe(1);
    expect((await count('lakh_counters_burnt_total')) - burnt).toBe(1);
    expect(await count('lakh_store_writes_refused_total')).toBeGreaterThan(0);
    expect(await everywhere(301, code)).toBe(true);
    expect((await system.readiness('redirect-1')).httpStatus).toBe(200);
  } finally {
    await database.query('SET GLOBAL read_only=0');
    await database.end();
  }
  await system.untilReadiness('shorten-1', 'takes creates again', ({ httpStatus }) => httpStatus === 200);
  expect(await everywhere(301, (await create()).code)).toBe(true);
});
