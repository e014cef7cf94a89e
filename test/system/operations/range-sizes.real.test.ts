import { FIRST_MARK } from '@lakh/id-range';
import { AllocatorServer, connect, NEXT, type RealWitnesses, readNode, startWitnesses } from './real-witnesses.js';

/** LAKH_RANGE_SIZE may differ between servers, and be changed by a restart: nothing but a lease's length depends on it. */
jest.setTimeout(60_000);

const SIZES = [100, 1_000, 7_919] as const;

let witnesses: RealWitnesses;
beforeAll(async () => {
  witnesses = await startWitnesses({ nodes: 1 });
}, 60_000);
afterAll(() => witnesses?.stop());

/** Rows of the ledger in the order of their starts. */
async function rows(): Promise<{ start: number; end: number; server: string; state: string }[]> {
  const text = await witnesses.database.sql(
    'SELECT start_counter, end_counter, server_id, state FROM id_leases ORDER BY start_counter',
  );
  return text
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
    .map(([start, end, server, state]) => ({
      start: Number(start),
      end: Number(end),
      server: server as string,
      state: state as string,
    }));
}

test('servers with ranges of 100, 1,000 and 7,919, at once and one after another, with clean stops and a crash: every counter below the mark went exactly one way', async () => {
  const address = await witnesses.fresh();
  const servers: AllocatorServer[] = [];
  const start = async (name: string, rangeSize: number): Promise<AllocatorServer> => {
    const server = new AllocatorServer({
      backend: await witnesses.open(address),
      holder: { serverId: name, host: 'host', processStartMs: servers.length + 1, codec: 'base62' },
      rangeSize,
    });
    servers.push(server);
    server.allocator.start();
    return server;
  };

  // At once: two are stopped and give back what they hold, one is killed.
  const together = await Promise.all(
    SIZES.flatMap((size) => [start(`stops-${size}`, size), start(`crashes-${size}`, size)]),
  );
  await Promise.all(together.map((server, i) => server.issue((SIZES[i >> 1] as number) * 3 + 37)));
  await Promise.all(together.map((server, i) => (i % 2 === 0 ? server.stop() : server.crash())));
  // One after another, each over what the one before has given back: the size of a remainder is nobody's range size.
  for (const size of [1_000, 100, 7_919, 100, 1_000]) {
    const server = await start(`later-${size}`, size);
    await server.issue(size * 2 + 11);
    await server.stop();
  }
  // The last one runs on.
  const running = await start('running', 1_000);
  await running.issue(1);
  running.allocator.stop();
  await running.allocator.settled();

  const claimed = servers.flatMap(({ claimed: ranges, rangeSize }) =>
    ranges.map((range) => Math.sign(range.end - range.start - rangeSize)),
  );
  // Remainders of bigger ranges than the claimer's, and of smaller ones.
  expect(claimed).toEqual(expect.arrayContaining([1, -1]));

  const ledger = await rows();
  ledger.slice(1).forEach((row, i) => {
    expect(row.start).toBeGreaterThanOrEqual((ledger[i] as (typeof ledger)[number]).end);
  });

  const session = await connect(address);
  const mark = Number((await readNode(session, NEXT)).text.split(' ')[0]);
  await session.close();
  const fates = new Map<number, string>();
  const twice: string[] = [];
  const put = (counter: number, fate: string): void => {
    const before = fates.get(counter);
    if (before !== undefined) twice.push(`${counter}: ${before}, ${fate}`);
    fates.set(counter, fate);
  };
  const putAll = (range: { start: number; end: number }, fate: string): void => {
    for (let counter = range.start; counter < range.end; counter += 1) put(counter, fate);
  };
  for (const server of servers) {
    const { serverId } = server.holder;
    for (const counter of server.issued) put(counter, `issued by ${serverId}`);
    for (const range of server.lost) putAll(range, `${range.reason}: ${serverId}`);
  }
  for (const range of running.allocator.held()) putAll(range, 'held');
  for (const row of ledger.filter(({ state }) => state === 'released')) putAll(row, 'released');
  expect(twice).toEqual([]);
  const all = [...fates.keys()];
  expect([all.length, Math.min(...all.slice(0, 1), FIRST_MARK), all.every((each) => each < mark)]).toEqual([
    mark - FIRST_MARK,
    FIRST_MARK,
    true,
  ]);
  // What is said to be lost is lost for the reasons that were made here, and no other.
  const reasons = new Set(servers.flatMap(({ lost }) => lost.map(({ reason }) => reason)));
  expect([...reasons].filter((reason) => reason !== 'tail_too_short')).toEqual(['crashed']);
  await running.stop();
});
