import { until } from '@lakh/testkit';
import { ask } from './support/ask';
import { CreatedLinks, problemOf } from './support/created-links';
import { DegradedStack, type Readiness } from './support/degraded-stack';
import { describeLinkTerms } from './support/link-terms';
import { during, steadyCreates } from './support/steady-load';

jest.setTimeout(120_000);

const RANGE_SIZE = 40;
/** What one server holds at most, and what it may have in flight when the ensemble goes. */
const MOST_HELD = 3 * RANGE_SIZE;
const SHORTEN = ['shorten-1', 'shorten-2'];

let system: DegradedStack;
const created = new CreatedLinks();

beforeAll(async () => {
  system = await DegradedStack.up(
    { shorten: 2, redirect: 1 },
    {
      LAKH_RANGE_SIZE: String(RANGE_SIZE),
      LAKH_RANGES_MAX_HELD: '2',
      LAKH_RUNWAY_S: '1',
      LAKH_LEASE_DEADLINE_MS: '1000',
      LAKH_L1_TTL_MS: '0',
    },
  );
});

afterAll(async () => {
  await system?.down();
});

afterEach(() => {
  expect(created.repeated).toEqual([]);
});

const isIssuing = ({ checks }: Readiness): boolean => checks.ids?.status === 'ok';
const isRefusing = ({ httpStatus }: Readiness): boolean => httpStatus === 503;

async function issuesAgain(name: string): Promise<void> {
  await system.untilReadiness(name, 'leases again', isIssuing);
  for (let i = 0; i < 2 * MOST_HELD; i += 1) await created.mustCreate(system.url(name));
}

async function everyLinkRedirects(): Promise<void> {
  for (const { code, longUrl } of created.all) {
    const { status, headers } = await ask('GET', `${system.url('redirect-1')}/${code}`);
    if (status !== 301 || headers.location !== longUrl) throw new Error(`${code}: ${status} ${headers.location}`);
  }
}

/** A server that has something to issue goes on, then refuses with the reason; what is held is bounded, so it is soon. */
async function issuesToTheEnd(name: string, reason: string): Promise<number> {
  const before = created.all.length;
  const refusal = await created.untilRefused(system.url(name), 2 * MOST_HELD);
  expect(refusal.status).toBe(503);
  expect(refusal.headers['content-type']).toBe('application/problem+json');
  expect(Number(refusal.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(problemOf(refusal)).toMatchObject({ code: 'ids_exhausted', detail: expect.stringContaining(reason) });
  return created.all.length - before;
}

// Here, where a whole system is up, before anything is done to it.
describeLinkTerms(
  () => system.url('gateway'),
  () => system.stack.addresses().token,
);

describe('ZooKeeper is down altogether', () => {
  test('creates go on from held ranges, then 503; they resume by themselves when it returns', async () => {
    const pids = new Map(system.stack.running().map(({ name, pid }) => [name, pid]));
    await Promise.all(SHORTEN.map(issuesAgain));
    const before = created.all.length;
    const gateway = steadyCreates(created, system.url('gateway'), 50);
    await during([gateway], async () => {
      await system.killZookeepers();
      system.copyZookeeperData('old');

      for (const name of SHORTEN) {
        const degraded = await system.untilReadiness(
          name,
          'knows that ZooKeeper is away',
          ({ status }) => status !== 'ready',
        );
        expect(degraded).toMatchObject({
          httpStatus: 200,
          status: 'degraded',
          checks: { zookeeper: { status: 'degraded' } },
        });
        await issuesToTheEnd(name, 'witness_unavailable');
        expect(await system.readiness(name)).toMatchObject({ httpStatus: 503, checks: { ids: { status: 'down' } } });
      }
    });
    expect(created.all.length - before).toBeGreaterThanOrEqual(RANGE_SIZE);
    expect([...gateway.statuses.keys()].sort()).toEqual([201, 503]);
    expect(gateway.failures).toEqual([]);
    // Nobody who redirects ever asks ZooKeeper.
    expect((await system.readiness('redirect-1')).status).toBe('ready');
    await everyLinkRedirects();

    await system.startZookeepers();
    await Promise.all(SHORTEN.map(issuesAgain));
    for (const name of SHORTEN) {
      expect(system.stack.running().find((each) => each.name === name)?.pid).toBe(pids.get(name));
    }
  });
});

describe('ZooKeeper forgot', () => {
  const kinds = [
    { what: 'wiped', use: undefined, code: 'mark_missing' },
    { what: 'restored from an old copy', use: 'old', code: 'zookeeper_forgot' },
  ];

  test.each(kinds)('$what: nothing is leased, the error says why, and redirects go on', async ({ what, use, code }) => {
    // shorten-1 lives through it, shorten-2 is restarted and so holds nothing.
    await Promise.all(SHORTEN.map(issuesAgain));
    await system.killZookeepers();
    await system.stack.kill('shorten-2');
    const keep = `before it was ${what}`;
    system.swapZookeeperData(use === undefined ? { keep } : { keep, use });
    await system.startZookeepers();
    // Ends within seconds, with the refusal's own words; the server itself runs on.
    const restarted = system.stack.start('shorten-2').then(
      () => 'ready',
      (error: Error) => error.message,
    );

    // With no more than a range held it wants another, whether or not its last lease had come before the ensemble went.
    while ((await system.metric('shorten-1', 'lakh_ids_left')) > RANGE_SIZE)
      await created.mustCreate(system.url('shorten-1'));
    const living = await system.untilReadiness(
      'shorten-1',
      code,
      ({ checks }) => checks.ids?.detail?.includes(code) === true,
    );
    expect(living).toMatchObject({ httpStatus: 200, status: 'degraded' });
    const held = await system.metric('shorten-1', 'lakh_ids_left');
    expect(held).toBeGreaterThan(0);
    expect(await issuesToTheEnd('shorten-1', code)).toBe(held);

    const fresh = await system.untilReadiness(
      'shorten-2',
      code,
      ({ checks }) => checks.ids?.detail?.includes(code) === true,
    );
    expect(fresh).toMatchObject({ httpStatus: 503, status: 'unready', checks: { ids: { status: 'down' } } });
    // It opens its door a moment after it has said why it can issue nothing.
    const answers = () => ask('GET', `${system.url('shorten-2')}/`).then(Boolean, () => false);
    await until(answers, 'shorten-2 listens');
    expect(await issuesToTheEnd('shorten-2', code)).toBe(0);
    expect(system.log('shorten-2')).toMatch(new RegExp(`"level":"error".*"code":"${code}".*lease refused`));
    expect(isRefusing(await system.readiness('shorten-1'))).toBe(true);
    await everyLinkRedirects();
    expect(await restarted).toMatch(new RegExp(`^shorten-2 cannot serve: .*${code}: `));

    await system.killZookeepers();
    system.swapZookeeperData({ keep: `${what}`, use: keep });
    await system.startZookeepers();
    await Promise.all(SHORTEN.map(issuesAgain));
    expect(await system.metric('shorten-1', 'lakh_counters_duplicate_total')).toBe(0);
    expect(await system.metric('shorten-2', 'lakh_counters_duplicate_total')).toBe(0);
  });
});
