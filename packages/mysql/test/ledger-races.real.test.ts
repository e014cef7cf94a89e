import type { LeaseHolder, Ledger } from '@lakh/id-range';
import { createMysqlLedger, migrate, Pool } from '../src/index.js';
import { startDatabase, type TestDatabase } from './database.js';

/** Two servers, a connection each, that want the same counters at the same instant. */
jest.setTimeout(60_000);

/** For each way to overlap. */
const RECORD_ROUNDS = 60;
/** A multiple of 3: every third release leaves nothing below it. */
const ROUNDS = 102;
const SIZE = 1_000;

let database: TestDatabase;
let pools: Pool[];
let a: Ledger;
let b: Ledger;

beforeAll(async () => {
  database = await startDatabase();
  const migrator = new Pool(database.migrator);
  await migrate(migrator);
  migrator.close();
  pools = [new Pool(database.app), new Pool(database.app)];
}, 60_000);

afterAll(async () => {
  for (const pool of pools ?? []) pool.close();
  await database?.stop();
});

beforeEach(async () => {
  await database.sql('DELETE FROM id_heads; DELETE FROM id_leases; DELETE FROM id_releases');
  [a, b] = pools.map((pool) => createMysqlLedger({ pool, namespace: 'race' })) as [Ledger, Ledger];
  await a.create(100_000, 'cluster-1');
});

const holder = (serverId: string): LeaseHolder => ({ serverId, host: 'host', processStartMs: 1, codec: 'base62' });
const A = holder('server-a');
const B = holder('server-b');
const OWNER = holder('owner');
const record = (ledger: Ledger, by: LeaseHolder, start: number, end: number) =>
  ledger.record({ range: { start, end }, holder: by, leasedAtMs: 2, witnessVersion: 3 });

/** Pairs of rows that share a counter, and all rows by state. */
const overlapsAndStates = (): Promise<string> =>
  database.sql(
    'SELECT COUNT(*) FROM id_leases x JOIN id_leases y USING (namespace) WHERE x.start_counter<y.start_counter AND x.end_counter>y.start_counter; SELECT state, COUNT(*) FROM id_leases GROUP BY state ORDER BY state',
  );

test.each([
  ['the same range', 0, SIZE],
  ['ranges that start together', 0, 600],
  ['ranges that end together', 400, SIZE],
  ['one range within the other', 300, 700],
  ['ranges that share all but their ends', 10, SIZE + 10],
  ['ranges that share one counter', SIZE - 1, 2 * SIZE - 1],
])(`two servers record %s at the same instant, ${RECORD_ROUNDS} times: one wins each time`, async (_what, from, to) => {
  for (let round = 0; round < RECORD_ROUNDS; round += 1) {
    const start = 100_000 + round * 2 * SIZE;
    const first = (): Promise<string> => record(a, A, start, start + SIZE);
    const second = (): Promise<string> => record(b, B, start + from, start + to);
    // Whose statement is sent first takes turns.
    const answers = await (round % 2 === 0
      ? Promise.all([first(), second()])
      : Promise.all([second(), first()]).then(([two, one]) => [one, two]));
    expect([...answers].sort()).toEqual(['overlap', 'recorded']);
  }
  expect(await overlapsAndStates()).toBe(`0\nleased\t${RECORD_ROUNDS}\n`);
});

test(`two servers claim one remainder at the same instant, ${ROUNDS} times: one wins, and the row names it`, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const range = { start: 100_000 + round * SIZE, end: 100_000 + (round + 1) * SIZE };
    await record(a, OWNER, range.start, range.end);
    await a.release(range, OWNER, 4);
    const answers = await Promise.all([a.claim(range, A, 5), b.claim(range, B, 5)]);
    expect([...answers].sort()).toEqual(['claimed', 'refused']);
    const winner = answers[0] === 'claimed' ? A : B;
    const loser = winner === A ? B : A;
    expect(await b.release(range, loser, 6)).toBe('refused');
    expect(await a.release(range, winner, 7)).toBe('released');
  }
  expect(await overlapsAndStates()).toBe(`0\nreleased\t${ROUNDS}\n`);
});

test(`a release and a claim of the same counters at the same instant, ${ROUNDS} times: claimed only once it was released, and whole`, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = 100_000 + round * SIZE;
    const tail = { start: start + (round % 3 === 0 ? 0 : 400), end: start + SIZE };
    await record(a, OWNER, start, start + SIZE);
    const [released, answer] = await Promise.all([a.release(tail, OWNER, 4), b.claim(tail, B, 5)]);
    expect(released).toBe('released');
    // The claim came too early, or it took exactly what was released.
    if (answer !== 'claimed') expect(await b.claim(tail, B, 6)).toBe('claimed');
    // Now it is the claimer's alone: who released it can neither give it back nor take it again.
    expect(await a.release(tail, OWNER, 7)).toBe('refused');
    expect(await a.claim(tail, A, 8)).toBe('refused');
  }
  const split = ROUNDS - ROUNDS / 3;
  expect(await overlapsAndStates()).toBe(`0\nleased\t${ROUNDS + split}\n`);
  expect(await database.sql('SELECT COUNT(*), MIN(server_id), MAX(server_id) FROM id_releases')).toBe(
    `${ROUNDS}\towner\towner\n`,
  );
});

test(`a holder that gives back again what another claims at the same instant, ${ROUNDS} times: one of them has it`, async () => {
  const range = { start: 100_000, end: 100_000 + SIZE };
  await record(a, OWNER, range.start, range.end);
  await a.release(range, OWNER, 1);
  let giver = OWNER;
  for (let round = 0; round < ROUNDS; round += 1) {
    const taker = holder(`taker-${round}`);
    // Released already: the second release has to be refused, whether the claim comes before or after it.
    const [again, claim] = await Promise.all([a.release(range, giver, 2 + round), b.claim(range, taker, 2 + round)]);
    expect([again, claim]).toEqual(['refused', 'claimed']);
    expect(await a.release(range, taker, 2 + round)).toBe('released');
    giver = taker;
  }
});

test('a server that is paused in the middle of a lease keeps the others waiting for a few seconds, not for ever', async () => {
  const paused = new Pool(database.app, { deadlineMs: 30_000 });
  let wake: () => void = () => {};
  const awake = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const held = paused.transaction(async (session) => {
    await session.query("SELECT 1 FROM id_heads WHERE namespace='race' FOR UPDATE");
    await session.query(
      "INSERT INTO id_leases (namespace, start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec) VALUES ('race',100000,101000,'paused','host',1,1,1,'base62')",
    );
    await awake;
  });
  const startedMs = performance.now();
  let recorded: string | undefined;
  while (recorded === undefined && performance.now() - startedMs < 18_000) {
    recorded = await record(b, B, 100_000, 101_000).catch(() => undefined);
  }
  expect(recorded).toBe('recorded');
  // It wakes, and finds that nothing of it was kept.
  wake();
  await expect(held).rejects.toThrow();
  paused.close();
  expect(await database.sql("SELECT server_id FROM id_leases WHERE namespace='race'")).toContain('server-b');
});
