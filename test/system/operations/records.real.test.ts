import type { LeaseHolder } from '@lakh/id-range';
import { memberName } from '@lakh/mysql';
import { base62, type Codec, parseSealedKeys, recordOfCodec, sealed, sqids } from '@lakh/short-code';
import { SampleLinks } from '@lakh/testkit';
import { eventually } from '../../../packages/mysql/test/database.js';
import { lakh } from './harness.js';
import {
  AllocatorServer,
  connect,
  NEXT,
  type RealWitnesses,
  readNode,
  removeNode,
  setNode,
  startWitnesses,
} from './real-witnesses.js';

/** What the ledger keeps of every lease, and what the operator's commands make of it. */
jest.setTimeout(60_000);

let witnesses: RealWitnesses;
let address: string;
let env: Record<string, string>;

beforeAll(async () => {
  witnesses = await startWitnesses({ nodes: 1 });
}, 60_000);
afterAll(() => witnesses?.stop());
beforeEach(async () => {
  address = await witnesses.fresh();
  env = { LAKH_ZOOKEEPER: address, LAKH_DATABASE: witnesses.databaseSetting, LAKH_LEASE_ATTEMPT_MS: '100' };
});

const holder = (serverId: string, processStartMs = 1_790_000_000_000): LeaseHolder => ({
  serverId,
  host: `host-of-${serverId}`,
  processStartMs,
  codec: 'base62',
});

async function server(by: LeaseHolder, rangeSize = 1_000): Promise<AllocatorServer> {
  const made = new AllocatorServer({
    backend: await witnesses.open(address),
    holder: by,
    rangeSize,
  });
  made.allocator.start();
  return made;
}

async function addLink(counter: number, code: string): Promise<void> {
  await (await witnesses.open(address)).links.insert(
    new SampleLinks().generated({ code, counter, longUrl: `https://example.com/${counter}`, createdAtMs: Date.now() }),
  );
}

async function recordCodec(codec: Codec): Promise<void> {
  const { facts } = await witnesses.open(address);
  await facts.recordOnce('links_namespace', 'links');
  await facts.recordOnce('codec', recordOfCodec(codec));
}

test('each lease row says namespace, bounds, server, host, process start, lease time, ZooKeeper version, codec and state', async () => {
  const session = await connect(address);
  const one = new AllocatorServer({
    backend: await witnesses.open(address),
    holder: holder('server-1'),
    rangeSize: 1_000,
    // A single lease each time one is asked for, so that the node's version can be read in between.
    allocator: { backoffCapMs: 50 },
  });
  const beforeMs = Date.now();
  one.allocator.start();
  await one.issue(1);
  one.allocator.stop();
  await one.allocator.settled();
  const afterMs = Date.now();
  const node = await readNode(session, NEXT);
  const rows = (await witnesses.database.sql('SELECT * FROM id_leases ORDER BY start_counter')).trim().split('\n');
  expect(rows).toHaveLength(one.leased.length);
  rows.forEach((row, i) => {
    const cells = row.split('\t');
    const [start, leasedAt] = [100_000 + i * 1_000, Number(cells[6])];
    expect(cells).toEqual([
      'links',
      String(start),
      String(start + 1_000),
      'server-1',
      'host-of-server-1',
      '1790000000000',
      String(leasedAt),
      // The node's version after its write: the first lease's is 1, and the last one's is what the node has now.
      String(i + 1),
      'base62',
      'leased',
    ]);
    expect([leasedAt >= beforeMs, leasedAt <= afterMs]).toEqual([true, true]);
  });
  expect(node).toEqual({ text: expect.stringMatching(/^1\d{5} 1\d{5}$/), version: rows.length });
  await one.stop();
});

test('after a remainder was given back and claimed, the ledger and ranges show name who issued which part', async () => {
  const first = await server(holder('first'));
  await first.issue(301);
  await first.stop();
  const givenBack = first.published.find(({ start }) => start === 100_301);
  expect(givenBack).toEqual({ start: 100_301, end: 101_000 });
  const second = await server(holder('second', 1_790_000_005_000));
  await second.issue(50);
  expect(second.issued[0]).toBe(100_301);
  expect(
    await witnesses.database.sql(
      'SELECT start_counter, end_counter, server_id, host, process_start_ms, state FROM id_leases WHERE start_counter<101000 ORDER BY start_counter',
    ),
  ).toBe(
    [
      '100000\t100301\tfirst\thost-of-first\t1790000000000\tleased',
      '100301\t101000\tsecond\thost-of-second\t1790000005000\tleased\n',
    ].join('\n'),
  );
  expect(
    await witnesses.database.sql(
      'SELECT start_counter, end_counter, server_id, host, process_start_ms FROM id_releases WHERE start_counter<101000',
    ),
  ).toBe('100301\t101000\tfirst\thost-of-first\t1790000000000\n');

  await recordCodec(base62());
  for (const counter of [100_000, 100_300, 100_301, 100_350]) await addLink(counter, base62().encode(counter));
  for (const [counter, name, start, end, issued] of [
    [100_300, 'first', 100_000, 100_301, 301],
    [100_301, 'second', 100_301, 101_000, 50],
  ] as const) {
    const expected = { start, end, server: name, host: `host-of-${name}`, issued, state: 'leased' };
    expect((await lakh(env, 'ranges', 'show', String(counter), '--json')).json()).toMatchObject(expected);
    expect((await lakh(env, 'ranges', 'show', base62().encode(counter), '--json')).json()).toMatchObject(expected);
    expect((await lakh(env, 'ranges', 'show', String(counter))).stdout).toMatch(
      new RegExp(`server +${name}\\nhost +host-of-${name}\\n`),
    );
  }
  await second.stop();
});

const KEYS = `A:${'0123456789abcdef'.repeat(4)}:100000 B:${'fedcba9876543210'.repeat(4)}:101500`;
const CODECS: readonly { what: string; codec: Codec; counter: number; key: { id: string } | null }[] = [
  { what: 'base62', codec: base62(), counter: 101_499, key: null },
  {
    what: 'sqids with an alphabet and a length of its own',
    codec: sqids({ alphabet: 'FxnXM1kBN6cuhsAvjW3Co7l2RePyY8DwaU04Tzt9fHQrqSVKdpimLGIJOgb5ZE', minLength: 8 }),
    counter: 101_499,
    key: null,
  },
  { what: 'sealed, the first key', codec: sealed(parseSealedKeys(KEYS)), counter: 101_499, key: { id: 'A' } },
  { what: 'sealed, the second key', codec: sealed(parseSealedKeys(KEYS)), counter: 101_500, key: { id: 'B' } },
];

test.each(CODECS)(
  'audit, $what: from the code to its counter, range, server, host, lease time, link and row, within a second among 2,000 ranges and 20,000 links',
  async ({ codec, counter, key }) => {
    const one = await server({ ...holder('server-1'), codec: codec.name });
    await one.issue(1_600);
    await recordCodec(codec);
    const code = codec.encode(counter);
    await addLink(counter, code);
    await witnesses.database.sql(`INSERT INTO id_leases SELECT 'links', 200000 + seq * 1000, 201000 + seq * 1000, CONCAT('s', seq % 7), 'h', 1, 1, 1, 'x', 'leased' FROM seq_0_to_1999;
      INSERT INTO links (domain_id, code, kind, counter, insert_id, long_url, created_at_ms) SELECT 0, CONCAT('n-', seq), 1, 200000 + seq * 100, 'x', 'https://example.com/', 1 FROM seq_0_to_19999`);
    const asked = key === null ? env : { ...env, LAKH_SEALED_KEYS: KEYS };
    const startedMs = performance.now();
    const audit = await lakh(asked, 'audit', code, '--json');
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(audit.exitCode).toBe(0);
    const leasedAtMs = Number(
      await witnesses.database.sql('SELECT leased_at_ms FROM id_leases WHERE start_counter=101000'),
    );
    expect(audit.json()).toMatchObject({
      code,
      codec: codec.name,
      key,
      counter,
      range: {
        start: 101_000,
        end: 102_000,
        server: 'server-1',
        host: 'host-of-server-1',
        processStart: new Date(1_790_000_000_000).toISOString(),
        leasedAt: new Date(leasedAtMs).toISOString(),
        codec: codec.name,
        state: 'leased',
      },
      link: {
        state: 'live',
        kind: 'generated',
        longUrl: `https://example.com/${counter}`,
        place: memberName(witnesses.database.app),
      },
      contradictions: [],
      remarks: [],
    });
    const { stdout } = await lakh(asked, 'audit', code);
    if (key !== null) expect(stdout).toMatch(new RegExp(`^key +${key.id} \\(fingerprint [0-9a-f]{16}, `, 'm'));
    expect(stdout).not.toMatch(/0123456789abcdef|fedcba9876543210/);
    await one.stop();
  },
);

test('a summary says mark, leased, issued and remaining, and every counter below the mark that nobody issues, by reason and by server', async () => {
  const [one, two] = [await server(holder('one')), await server(holder('two'))];
  await one.issue(10);
  await two.issue(20);
  // Each has leased its range to spare, so that what they give back is more than one remainder.
  await eventually(() => one.leased.length >= 2 && two.leased.length >= 2);
  await recordCodec(base62());
  for (const counter of [...one.issued, ...two.issued]) await addLink(counter, base62().encode(counter));
  await one.stop();
  await two.crash();
  const session = await connect(address);
  // A remainder whose entry is lost, which a repair retires; rows that are lost, which it covers; and a mark that is lost, which it skips.
  const [retired] = one.published;
  await removeNode(session, `/ranges/links/released/${retired?.start}-${retired?.end}`);
  const mark = Number((await readNode(session, NEXT)).text.split(' ')[0]);
  await setNode(session, NEXT, `${mark + 3_000} ${mark}`);
  expect((await lakh(env, 'ranges', 'repair', '--apply')).exitCode).toBe(0);
  await removeNode(session, NEXT);
  expect((await lakh(env, 'ranges', 'repair', '--apply')).exitCode).toBe(0);
  // And leases that were taken from the mark and never recorded: since the last row, and before the first.
  const raised = Number((await readNode(session, NEXT)).text.split(' ')[0]);
  await setNode(session, NEXT, `${raised + 7_000} ${raised}`);
  await session.close();

  const { stdout } = await lakh(env, 'ranges', 'summary');
  const summary = (await lakh(env, 'ranges', 'summary', '--json')).json<{
    mark: number;
    issued: number;
    held: number;
    notIssued: Record<string, number>;
    servers: { server: string; notIssued: Record<string, number> }[];
  }>();
  const size = ({ start, end }: { start: number; end: number }): number => end - start;
  const total = (ranges: readonly { start: number; end: number }[]): number =>
    ranges.reduce((sum, range) => sum + size(range), 0);
  expect(summary).toMatchObject({
    mark: raised + 7_000,
    issued: 30,
    notIssued: {
      released: total(one.published.slice(1)),
      retired: size(retired as { start: number; end: number }),
      hole: 3_000,
      skipped: raised - mark - 3_000,
      unrecorded: 7_000,
    },
  });
  const lost = Object.values(summary.notIssued).reduce((sum, count) => sum + count, 0);
  expect(100_000 + summary.issued + summary.held + lost).toBe(summary.mark);
  const byServer = Object.fromEntries(summary.servers.map((each) => [each.server, each]));
  expect(byServer).toMatchObject({
    one: { leased: 10, issued: 10, remaining: 0, running: false },
    // It is registered nowhere, so that what it has left counts as lost.
    two: {
      leased: total(two.leased),
      issued: 20,
      remaining: total(two.leased) - 20,
      notIssued: { not_running: total(two.leased) - 20 },
    },
  });
  const { released = 0, retired: retiredOfOne = 0 } = byServer.one?.notIssued ?? {};
  expect(released + retiredOfOne).toBe(total(one.published));
  for (const reason of ['released', 'retired', 'hole', 'skipped', 'unrecorded', 'not_running']) {
    expect(stdout).toMatch(new RegExp(`^not issued: ${reason} +[\\d,]+`, 'm'));
  }
});

test('a summary counts what was taken from the mark before the first row, too', async () => {
  const one = await server(holder('one'));
  await one.issue(1_500);
  await one.stop();
  await witnesses.database.sql('DELETE FROM id_leases WHERE start_counter<101000; DELETE FROM id_releases');
  const summary = (await lakh(env, 'ranges', 'summary', '--json')).json<{
    mark: number;
    notIssued: Record<string, number>;
    issued: number;
    held: number;
  }>();
  const lost = Object.values(summary.notIssued).reduce((sum, count) => sum + count, 0);
  expect(100_000 + summary.issued + summary.held + lost).toBe(summary.mark);
  expect(summary.notIssued.unrecorded).toBe(1_000);
});
