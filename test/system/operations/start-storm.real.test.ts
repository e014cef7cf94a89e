import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_MARK, LeaseContentionError, systemClock, TwoWitnessLease } from '@lakh/id-range';
import { AllocatorServer, connect, NEXT, type RealWitnesses, readNode, startWitnesses } from './real-witnesses.js';

/** First starts on an ensemble of three nodes and a real database. */
jest.setTimeout(60_000);

const SERVERS = 32;
const RANGE_SIZE = 1_000;
/** Some tens of milliseconds a lease when all are in each other's way, and two leases each: seconds at the very worst. */
const LIMIT_MS = 20_000;

let witnesses: RealWitnesses;
beforeAll(async () => {
  witnesses = await startWitnesses({ nodes: 3 });
}, 60_000);
afterAll(() => witnesses?.stop());

const holder = (serverId: string) => ({ serverId, host: 'host', processStartMs: 1, codec: 'base62' });

async function until(what: string, isSo: () => boolean): Promise<void> {
  const dueMs = performance.now() + LIMIT_MS;
  while (!isSo()) {
    if (performance.now() > dueMs) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await sleep(5);
  }
}

test(`${SERVERS} servers that start at one moment over an empty namespace lease without livelock, under one cluster id`, async () => {
  const address = await witnesses.fresh();
  const servers = await Promise.all(
    Array.from(
      { length: SERVERS },
      async (_, i) =>
        new AllocatorServer({
          backend: await witnesses.open(address),
          holder: holder(`server-${i}`),
          rangeSize: RANGE_SIZE,
        }),
    ),
  );
  const startedMs = performance.now();
  for (const { allocator } of servers) allocator.start();
  await until('every server holds a range', () => servers.every(({ allocator }) => allocator.snapshot().heldIds > 0));
  const firstMs = performance.now() - startedMs;
  await until('and one to spare', () =>
    servers.every(({ allocator }) => allocator.snapshot().heldIds >= 2 * RANGE_SIZE),
  );
  const secondMs = performance.now() - startedMs;
  for (const { allocator } of servers) allocator.stop();
  await Promise.all(servers.map(({ allocator }) => allocator.settled()));
  const errors = servers.flatMap((server) => server.errors);
  const contended = errors.filter((error) => error instanceof LeaseContentionError).length;
  process.stdout.write(
    `${SERVERS} servers hold a range after ${Math.round(firstMs)} ms and two after ${Math.round(secondMs)} ms; ${errors.length} attempts failed, ${contended} of contention\n`,
  );

  const held = servers.flatMap(({ allocator }) => allocator.held()).sort((a, b) => a.start - b.start);
  const recorded = (
    await witnesses.database.sql('SELECT start_counter, end_counter FROM id_leases ORDER BY start_counter')
  )
    .trim()
    .split('\n')
    .map((line) => Number(line.split('\t')[0]));
  const starts = held.map(({ start }) => start);
  expect(new Set(starts).size).toBe(starts.length);
  expect(held.every(({ start, end }) => end - start === RANGE_SIZE && recorded.includes(start))).toBe(true);
  // Whatever else is below the mark was abandoned by somebody who knows of it.
  const session = await connect(address);
  const mark = Number((await readNode(session, NEXT)).text.split(' ')[0]);
  const accounted = new Set([...starts, ...servers.flatMap(({ lost }) => lost.map(({ start }) => start))]);
  const below = Array.from({ length: (mark - FIRST_MARK) / RANGE_SIZE }, (_, i) => FIRST_MARK + i * RANGE_SIZE);
  expect(below.filter((start) => !accounted.has(start))).toEqual([]);

  const { text: clusterId } = await readNode(session, '/cluster');
  expect(clusterId).toMatch(/^cluster-of-server-\d+$/);
  expect(await witnesses.database.sql('SELECT cluster_id FROM id_heads')).toBe(`${clusterId}\n`);
  await session.close();
  await Promise.all(servers.map((server) => server.stop()));
});

test('a first start that died between its two writes is finished by the next servers, under the cluster id that it chose', async () => {
  const address = await witnesses.fresh();
  const session = await connect(address);
  const { marks, ledger } = (await witnesses.open(address)).witnesses();
  const died = new TwoWitnessLease({
    marks: { ...marks, create: () => Promise.reject(new Error('the process ends here')) },
    ledger,
    clock: systemClock,
    random: Math.random,
    holder: holder('died'),
    newClusterId: () => 'chosen-by-the-first',
  });
  await expect(died.lease(RANGE_SIZE)).rejects.toThrow('the process ends here');
  expect(await marks.read()).toBe('missing');
  expect(await witnesses.database.sql('SELECT head, cluster_id FROM id_heads')).toBe('100000\tchosen-by-the-first\n');

  const next = await Promise.all(
    [1, 2, 3].map(
      async (i) =>
        new AllocatorServer({
          backend: await witnesses.open(address),
          holder: holder(`next-${i}`),
          rangeSize: RANGE_SIZE,
        }),
    ),
  );
  for (const { allocator } of next) allocator.start();
  await until('all lease', () => next.every(({ allocator }) => allocator.snapshot().heldIds > 0));
  expect((await readNode(session, '/cluster')).text).toBe('chosen-by-the-first');
  expect(await witnesses.database.sql('SELECT cluster_id FROM id_heads')).toBe('chosen-by-the-first\n');
  const starts = next.flatMap(({ leased }) => leased.map(({ start }) => start));
  expect(Math.min(...starts)).toBe(FIRST_MARK);
  expect(new Set(starts).size).toBe(starts.length);
  await Promise.all(next.map((server) => server.stop()));
  await session.close();
});
