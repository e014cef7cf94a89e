import type { InspectedLink } from '@lakh/links';
import { base62, parseSealedKeys, recordOfCodec, sealed, sqids } from '@lakh/short-code';
import { MemoryWitnesses } from '@lakh/testkit';
import {
  createOperations,
  type LedgerFileHead,
  LedgerFileReader,
  type LedgerFileRow,
  type OperationsPorts,
} from '../src/index.js';
import { CLUSTER, NOW_MS, portsOver, row, used } from './support.js';

const KEYS = parseSealedKeys(`A:${'0123456789abcdef'.repeat(4)}:100000`);

const link = (more: Partial<InspectedLink>): InspectedLink => ({
  domainId: 0,
  code: 'Q0u',
  kind: 'generated',
  counter: 100_000,
  longUrl: 'https://example.com/',
  createdAtMs: NOW_MS - 1000,
  expiresAtMs: null,
  redirectStatus: null,
  version: 1,
  owner: 'ci',
  place: 'db/lakh',
  ...more,
});

function withLinks(
  links: readonly InspectedLink[],
  codec = recordOfCodec(base62()),
  more: Partial<OperationsPorts> = {},
) {
  return createOperations(
    portsOver(used(), {
      links: {
        record: async (_domain, code) => links.find((each) => each.code === code),
      },
      facts: { read: async (name) => (name === 'codec' ? codec : undefined) },
      ...more,
    }),
  );
}

describe('audit', () => {
  test('follows a code to its counter, range, server and row', async () => {
    expect(await withLinks([link({})]).audit({ code: 'Q0u' })).toMatchObject({
      codec: 'base62',
      key: null,
      counter: 100_000,
      link: { state: 'live', kind: 'generated', longUrl: 'https://example.com/', place: 'db/lakh' },
      range: { start: 100_000, end: 200_000, server: 'server-1', host: 'host-1', issued: 2, remaining: 99_998 },
      contradictions: [],
      remarks: [],
    });
  });

  test('knows aliases, expired and deleted links', async () => {
    const operations = withLinks([
      link({ code: 'my-alias', kind: 'alias', counter: 0 }),
      link({ code: 'Q0v', counter: 100_001, kind: 'deleted', longUrl: '' }),
      link({ code: 'gone-alias', counter: 0, kind: 'deleted', longUrl: '', owner: '' }),
      link({ code: 'Q0u', expiresAtMs: NOW_MS }),
    ]);
    const alias = await operations.audit({ code: 'my-alias' });
    const byWhom = 'by which server it was claimed is said by «alias claimed» in the servers’ logs';
    expect(alias).toMatchObject({ counter: null, range: null, link: { state: 'live', kind: 'alias', owner: 'ci' } });
    expect(alias.remarks).toContain(byWhom);
    expect(await operations.audit({ code: 'Q0v' })).toMatchObject({
      counter: 100_001,
      link: { state: 'deleted', kind: 'generated', longUrl: null },
      range: { start: 100_000 },
    });
    expect(await operations.audit({ code: 'gone-alias' })).toMatchObject({
      link: { state: 'deleted', kind: 'alias', owner: null },
      remarks: ['it was an alias', byWhom],
    });
    expect((await operations.audit({ code: 'Q0u' })).link?.state).toBe('expired');
  });

  test('decodes a code that no link has', async () => {
    expect(await withLinks([]).audit({ code: 'Q0w' })).toMatchObject({
      counter: 100_002,
      link: null,
      range: { server: 'server-1' },
      remarks: ['no link has this code'],
    });
    expect(await withLinks([]).audit({ code: 'not-a-code' })).toMatchObject({ counter: null, range: null });
    await expect(withLinks([]).audit({ code: 'a b' })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  test('rebuilds sqids from what is recorded, and sealed from the keys', async () => {
    const shuffled = sqids({
      alphabet: 'FxnXM1kBN6cuhsAvjW3Co7l2RePyY8DwaU04Tzt9fHQrqSVKdpimLGIJOgb5ZE',
      minLength: 8,
    });
    const sqidsCode = shuffled.encode(100_003);
    expect(await withLinks([], recordOfCodec(shuffled)).audit({ code: sqidsCode })).toMatchObject({ counter: 100_003 });

    const codec = sealed(KEYS);
    const code = codec.encode(300_000);
    const key = { id: 'A', startCounter: 100_000 };
    expect(await withLinks([], recordOfCodec(codec), { sealedKeys: KEYS }).audit({ code })).toMatchObject({
      codec: 'sealed',
      key,
      counter: 300_000,
    });
    // Without the keys a link's row still tells; a code without a link does not.
    expect(await withLinks([link({ code, counter: 300_000 })], recordOfCodec(codec)).audit({ code })).toMatchObject({
      key,
      counter: 300_000,
      range: { start: 300_000 },
    });
    const blind = await withLinks([], recordOfCodec(codec)).audit({ code });
    expect(blind.counter).toBeNull();
    expect(blind.remarks.join()).toContain('LAKH_SEALED_KEYS');
    const wrongKeys = parseSealedKeys(`A:${'f'.repeat(64)}:100000`);
    const wrong = await withLinks([], recordOfCodec(codec), { sealedKeys: wrongKeys }).audit({ code });
    expect(wrong.remarks.join()).toContain('key A was changed');
  });

  test('says what contradicts itself', async () => {
    const another = await withLinks([link({ counter: 100_001 })]).audit({ code: 'Q0u' });
    expect(another.contradictions).toEqual([expect.stringContaining('counter 100000')]);
    const nowhere = await withLinks([link({ code: 'zzzz', counter: 14_776_335 })]).audit({ code: 'zzzz' });
    expect(nowhere.contradictions).toEqual(['no row of the ledger covers counter 14776335']);
  });
});

describe('figures', () => {
  test('a list is the newest first, with what is known to be used, and can be paged', async () => {
    const operations = createOperations(portsOver(used()));
    const rows = await operations.list({ limit: 2 });
    expect(rows.map(({ start, issued, remaining }) => [start, issued, remaining])).toEqual([
      [300_000, 0, 100_000],
      [200_000, 6, 99_994],
    ]);
    expect((await operations.list({ before: 200_000 })).map(({ start }) => start)).toEqual([100_000]);
    await expect(operations.list({ limit: 0 })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  test('a counter or a code is shown with its range', async () => {
    const operations = withLinks([]);
    expect(await operations.show({ counter: 299_999 })).toMatchObject({ start: 200_000, server: 'server-2' });
    expect(await operations.show({ code: 'Q0u' })).toMatchObject({ start: 100_000 });
    expect(await operations.show({ counter: 400_000 })).toBeNull();
    expect(await operations.show({ counter: 5 })).toBeNull();
  });

  test('a summary accounts for every counter below the mark', async () => {
    const system = used();
    system.rows = [
      row(100_000, 200_000),
      row(200_000, 250_000, { server: 'server-2' }),
      row(250_000, 280_000, { state: 'released' }),
      row(280_000, 300_000, { state: 'retired', server: 'server-3' }),
      row(350_000, 390_000, { state: 'skipped', server: 'lakh' }),
    ];
    const runs = { serverId: 'server-2', processStartMs: 1_700_000_000_000 };
    // Of the name of the one that leased, and started since.
    const follows = { serverId: 'server-1', processStartMs: 1_800_000_000_000 };
    const runningServers = async () => [runs, follows];
    const summary = await createOperations(portsOver(system, { runningServers })).summary();
    expect(summary).toMatchObject({
      mark: 400_000,
      head: 400_000,
      ranges: 5,
      leased: 150_000,
      issued: 8,
      remaining: 149_992,
      held: 49_994,
      notIssued: { not_running: 99_998, released: 30_000, retired: 20_000, unrecorded: 60_000, skipped: 40_000 },
      highestCounter: 200_005,
      serversLeftOut: 0,
    });
    const accounted =
      summary.issued + summary.held + Object.values(summary.notIssued).reduce((sum, count) => sum + count, 0);
    expect(100_000 + accounted).toBe(400_000);
    expect(
      summary.servers.map(({ server, running, issued, notIssued }) => [server, running, issued, notIssued]),
    ).toEqual([
      ['server-1', false, 2, { not_running: 99_998, released: 30_000 }],
      ['server-2', true, 6, {}],
      ['server-3', false, 0, { retired: 20_000 }],
    ]);
    // Abandoned before the first row, as well as between two and since the last one.
    system.rows = system.rows.slice(1);
    expect((await createOperations(portsOver(system)).summary()).notIssued.unrecorded).toBe(160_000);
  });
});

describe('bootstrap', () => {
  test('makes both witnesses, finishes an interrupted one, and has nothing to do again', async () => {
    const system = new MemoryWitnesses();
    const operations = createOperations(portsOver(system));
    const made = { outcome: 'bootstrapped', clusterId: CLUSTER, next: 100_000 };
    expect(await operations.bootstrap({ adopt: false, skip: 0 })).toEqual(made);
    expect([system.mark, system.head]).toEqual([{ next: 100_000, ledgered: 100_000 }, 100_000]);
    expect(await operations.bootstrap({ adopt: false, skip: 0 })).toEqual({ ...made, outcome: 'already' });
    system.mark = 'missing';
    system.markClusterId = 'missing';
    expect(await operations.bootstrap({ adopt: false, skip: 0 })).toEqual(made);
  });

  test('begins above links that are there only when told to', async () => {
    const system = new MemoryWitnesses();
    system.linkCounters = [123_456];
    const operations = createOperations(portsOver(system));
    await expect(operations.bootstrap({ adopt: false, skip: 0 })).rejects.toMatchObject({ code: 'ledger_not_empty' });
    expect(system.head).toBe('missing');
    expect(await operations.bootstrap({ adopt: true, skip: 1_000_000 })).toEqual({
      outcome: 'adopted',
      clusterId: CLUSTER,
      next: 1_200_000,
    });
    expect(system.rows.map(({ range, state }) => [range.start, range.end, state])).toEqual([
      [100_000, 123_457, 'adopted'],
      [123_457, 1_200_000, 'skipped'],
    ]);
    expect((await operations.check()).ok).toBe(true);
  });

  test('takes the cluster id of another who adopts at the same time, instead of putting a second one beside it', async () => {
    const system = new MemoryWitnesses();
    system.linkCounters = [123_456];
    const late = portsOver(system, {
      // Asked for between this one's first look and its second: by then the other has made the head.
      newClusterId: () => {
        system.head = 1_200_000;
        system.headClusterId = CLUSTER;
        return '00000000-0000-4000-8000-00000000000f';
      },
    });
    await createOperations(late).bootstrap({ adopt: true, skip: 1_000_000 });
    expect([system.markClusterId, system.headClusterId]).toEqual([CLUSTER, CLUSTER]);
    expect((await createOperations(late).check()).ok).toBe(true);
  });

  test('is no way around a refusal', async () => {
    const system = used();
    system.mark = 'missing';
    for (const adopt of [false, true]) {
      const outcome = createOperations(portsOver(system)).bootstrap({ adopt, skip: 0 });
      await expect(outcome).rejects.toMatchObject({ code: 'already_bootstrapped' });
    }
    expect(system.mark).toBe('missing');
  });
});

describe('restore', () => {
  test('skips above everything each time, also where the copy looks whole, and offers no old remainder', async () => {
    const system = used();
    system.rows = [...system.rows.slice(0, 2), row(300_000, 350_000), row(350_000, 400_000, { state: 'released' })];
    system.entries = [{ start: 350_000, end: 400_000 }];
    const operations = createOperations(portsOver(system));
    const planned = await operations.restore({ apply: false, skip: 1_000_000 });
    expect(system.mark).toEqual({ next: 400_000, ledgered: 300_000 });
    const done = await operations.restore({ apply: true, skip: 1_000_000 });
    expect({ ...done, applied: false }).toEqual(planned);
    expect(system.mark).toEqual({ next: 1_400_000, ledgered: 1_400_000 });
    expect(system.entries).toEqual([]);
    expect(system.rows.some(({ state }) => state === 'released')).toBe(false);
    expect((await operations.restore({ apply: true, skip: 1_000_000 })).next).toBe(2_400_000);
    await expect(operations.restore({ apply: true, skip: 1_000_000_001 })).rejects.toMatchObject({
      code: 'skip_too_large',
      message: expect.stringContaining('--force'),
    });
    expect((await operations.restore({ apply: false, skip: 1_000_000_001 })).applied).toBe(false);
    await expect(operations.restore({ apply: true, skip: -1 })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  test('refuses a skip that is not twice what was leased since, at the rate on record, unless it is forced', async () => {
    const system = used();
    const dayMs = 86_400_000;
    const leasedAt = (daysAgo: number) => ({ leasedAtMs: NOW_MS - daysAgo * dayMs });
    // 200,000 in the half day before the newest lease, ten days ago; what is older says nothing of the rate.
    system.rows = [
      row(100_000, 200_000, leasedAt(40)),
      row(200_000, 300_000, leasedAt(10.5)),
      row(300_000, 400_000, leasedAt(10)),
      row(400_000, 900_000, { ...leasedAt(0), state: 'hole' }),
    ];
    const operations = createOperations(portsOver(system));
    const leasedSince = { newestLeaseMs: NOW_MS - 10 * dayMs, countersADay: 400_000, counters: 4_000_000 };
    expect(await operations.restore({ apply: false, skip: 7_999_999 })).toMatchObject({ leasedSince });
    await expect(operations.restore({ apply: true, skip: 7_999_999 })).rejects.toMatchObject({
      code: 'skip_too_small',
      message: expect.stringContaining('set LAKH_RESTORE_SKIP to 8000000 or more'),
    });
    expect(system.mark).toEqual({ next: 400_000, ledgered: 300_000 });
    expect(await operations.restore({ apply: true, skip: 8_000_000 })).toMatchObject({ applied: true, leasedSince });
    expect(await operations.restore({ apply: true, skip: 100_000, force: true })).toMatchObject({ applied: true });
  });

  test('skips above the first mark where the copy looks empty, and again when it is run again', async () => {
    const system = new MemoryWitnesses();
    const operations = createOperations(portsOver(system));
    const planned = await operations.restore({ apply: false, skip: 1_000_000 });
    expect([planned.next, system.mark, system.head]).toEqual([1_100_000, 'missing', 'missing']);
    expect(await operations.restore({ apply: true, skip: 1_000_000 })).toEqual({ ...planned, applied: true });
    expect([system.mark, system.head]).toEqual([{ next: 1_100_000, ledgered: 1_100_000 }, 1_100_000]);
    expect((await operations.check()).ok).toBe(true);
    expect((await operations.restore({ apply: true, skip: 1_000_000 })).next).toBe(2_100_000);
  });

  test('refuses links whose witnesses are both missing: nothing says what was issued', async () => {
    const system = new MemoryWitnesses();
    system.linkCounters = [100_000];
    const outcome = createOperations(portsOver(system)).restore({ apply: true, skip: 1_000_000 });
    await expect(outcome).rejects.toMatchObject({ code: 'ledger_not_empty' });
  });

  test('says that the data may be used again once it was carried out, and not before', async () => {
    const restored = jest.fn(async () => {});
    const operations = createOperations(portsOver(used(), { restored }));
    await operations.restore({ apply: false, skip: 1_000_000 });
    expect(restored).not.toHaveBeenCalled();
    await operations.restore({ apply: true, skip: 1_000_000 });
    expect(restored).toHaveBeenCalledTimes(1);
  });
});

describe('a ledger that was set back by its last lease alone', () => {
  const setBack = () => {
    const system = used();
    system.rows = system.rows.slice(0, 2);
    system.head = 300_000;
    return system;
  };

  test('has healthy heights, and a repair puts what it forgot on record all the same', async () => {
    const system = setBack();
    expect(system.mark).toEqual({ next: 400_000, ledgered: 300_000 });
    const operations = createOperations(portsOver(system));
    const { ok, findings } = await operations.check();
    expect([ok, findings.map(({ code }) => code)]).toEqual([true, ['holes']]);
    const { steps, next } = await operations.repair({ apply: true });
    expect(steps).toEqual([{ step: 'cover', range: { start: 300_000, end: 400_000 }, state: 'hole' }]);
    expect([next, system.head]).toEqual([400_000, 400_000]);
    // When ZooKeeper is set back next, the ledger knows of the lease that it had forgotten.
    system.mark = { next: 300_000, ledgered: 200_000 };
    expect((await operations.check()).findings.map(({ code }) => code)).toContain('zookeeper_forgot');
  });
});

describe('the ledger as lines', () => {
  async function linesOf(system: MemoryWitnesses): Promise<{ head: LedgerFileHead; rows: readonly LedgerFileRow[] }> {
    const operations = createOperations(portsOver(system));
    return { head: await operations.exportHead(), rows: (await operations.exportPage({ from: 0 })).rows };
  }

  test('both witnesses can be made again from an export alone', async () => {
    const system = used();
    const file = await linesOf(system);
    const lost = new MemoryWitnesses();
    const operations = createOperations(portsOver(lost));
    expect(await operations.importRows(file)).toEqual({ added: 3, present: 0, head: 400_000 });
    expect(await operations.importRows(file)).toEqual({ added: 0, present: 3, head: 400_000 });
    await operations.repair({ apply: true });
    expect(lost.rows.slice(0, 3)).toEqual(system.rows);
    expect([lost.mark, lost.markClusterId, lost.head]).toEqual([
      { next: 1_400_000, ledgered: 1_400_000 },
      CLUSTER,
      1_400_000,
    ]);
  });

  test('an import adds what is missing below a newer ledger, and lowers nothing', async () => {
    const file = await linesOf(used());
    const newer = used();
    // Since the export one row was lost, and one was cut in two when its tail was given back.
    newer.rows = [row(100_000, 140_000), row(140_000, 200_000, { state: 'released' }), row(400_000, 500_000)];
    newer.head = 500_000;
    const operations = createOperations(portsOver(newer));
    expect(await operations.importRows(file)).toEqual({ added: 2, present: 1, head: 500_000 });
    expect(newer.rows).toHaveLength(5);
  });

  test('an export of another system, or one that contradicts, is refused', async () => {
    const { head, rows } = await linesOf(used());
    const operations = createOperations(portsOver(used()));
    const refusals = [
      { head: { ...head, clusterId: 'another' }, rows },
      { head: { ...head, namespace: 'other' }, rows },
      { head, rows: [{ ...(rows[0] as LedgerFileRow), end: 150_000 }] },
      { head, rows: [...rows].reverse() },
      { head, rows: [{ ...(rows[0] as LedgerFileRow), start: -1 }] },
      { head: { ...head, head: 1 }, rows },
      { head: {} as LedgerFileHead, rows },
    ];
    for (const refused of refusals) {
      await expect(operations.importRows(refused)).rejects.toMatchObject({ code: 'ledger_file_invalid' });
    }
  });

  test('a line that is no good is named', () => {
    const head = JSON.stringify({ type: 'lakh-ledger', version: 1, namespace: 'links', clusterId: 'c', head: 300_000 });
    const reader = new LedgerFileReader();
    expect(() => new LedgerFileReader().read('{}')).toThrow(/line 1 is not the head/);
    reader.read(head);
    expect(() => reader.read('{"start":')).toThrow(/line 2 is not JSON/);
    expect(() => reader.read('{"start":1}')).toThrow(/line 3 is not a row/);
    expect(reader.read('')).toBeUndefined();
  });
});

test('restore says how long codes get, where the codec on record has longer ones', async () => {
  const lengths = async (codec: string, skip: number) =>
    (await withLinks([], codec).restore({ apply: false, skip })).codeLengths;
  expect(await lengths(recordOfCodec(base62()), 100_000_000)).toEqual({ before: 4, after: 5 });
  expect(await lengths(recordOfCodec(base62()), 1)).toEqual({ before: 4, after: 4 });
  expect(await lengths(recordOfCodec(sqids({ minLength: 8 })), 100_000_000)).toEqual({ before: 8, after: 8 });
  expect(await lengths(recordOfCodec(sealed(KEYS)), 100_000_000)).toBeNull();
});
