import {
  COUNTER_SPACE_END,
  type Mark,
  TwoWitnessLease,
  UnknownOutcomeError,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { MemoryWitnesses, SimulatedClock } from '@lakh/testkit';
import fc from 'fast-check';
import { createOperations } from '../src/index.js';
import { DAMAGED_STATES } from './states.js';
import { CLUSTER, portsOver, row, used } from './support.js';

const operationsOn = (system: MemoryWitnesses) => createOperations(portsOver(system));

function knownTo(system: MemoryWitnesses): number {
  const { mark, head } = system;
  const marks = typeof mark === 'object' && 'next' in mark ? [mark.next, mark.ledgered] : [];
  return Math.max(
    100_000,
    ...marks,
    typeof head === 'number' ? head : 0,
    ...system.rows.map(({ range }) => range.end),
    ...system.linkCounters.map((counter) => counter + 1),
  );
}

/** A server's lease over the same witnesses; what it gives must be nobody's. */
function serverOf(
  system: MemoryWitnesses,
  ledger: MemoryWitnesses['serverLedger'] = system.serverLedger,
): TwoWitnessLease {
  const refuse = async () => 'refused' as const;
  return new TwoWitnessLease({
    marks: system.markStore,
    ledger: { ...ledger, release: refuse, claim: refuse },
    clock: new SimulatedClock(),
    random: () => 0,
    holder: { serverId: 'after', host: 'h', processStartMs: 1, codec: 'base62' },
    newClusterId: () => CLUSTER,
  });
}

const lease = (system: MemoryWitnesses) => serverOf(system).lease(100_000);

test('a system that is used and whole has nothing to report and nothing to repair', async () => {
  const system = used();
  const operations = operationsOn(system);
  expect(await operations.check()).toEqual({
    ok: true,
    mark: { next: 400_000, ledgered: 300_000 },
    head: 400_000,
    rows: 3,
    highestLeaseEnd: 400_000,
    highestCounter: 200_005,
    findings: [],
  });
  expect(await operations.repair({ apply: true })).toEqual({ applied: true, next: 400_000, steps: [] });
});

describe.each(DAMAGED_STATES)('$what', ({ damage, code, repair }) => {
  test(`is found as ${code}`, async () => {
    const system = used();
    damage(system);
    const { ok, findings } = await operationsOn(system).check();
    expect(ok).toBe(false);
    const problem = findings.find((finding) => finding.code === code);
    expect(problem).toMatchObject({ severity: 'problem' });
    expect(problem?.message).toMatch(/See docs\/runbooks\/[a-z_]+\.md/);
  });

  if (repair === 'refuses') {
    test('is not repaired, and nothing is written', async () => {
      const system = used();
      damage(system);
      const before = JSON.stringify(system);
      const report = await operationsOn(system)
        .repair({ apply: true })
        .catch((error: { code: string }) => error.code);
      // Rows that overlap are no height: there is nothing to raise.
      expect([code, JSON.stringify({ applied: true, next: 400_000, steps: [] })]).toContain(
        typeof report === 'string' ? report : JSON.stringify(report),
      );
      expect(JSON.stringify(system)).toBe(before);
    });
    return;
  }

  test('a dry run changes nothing and says exactly what is done then; it is done once', async () => {
    const system = used();
    damage(system);
    const operations = operationsOn(system);
    const before = JSON.stringify(system);
    const planned = await operations.repair({ apply: false });
    expect(JSON.stringify(system)).toBe(before);
    expect(planned.steps.length).toBeGreaterThan(0);

    const known = knownTo(system);
    const done = await operations.repair({ apply: true });
    expect({ ...done, applied: false }).toEqual(planned);
    expect(done.next).toBeGreaterThanOrEqual(known);
    expect((await operations.check()).findings.filter(({ severity }) => severity === 'problem')).toEqual([]);
    expect((await operations.repair({ apply: true })).steps).toEqual([]);
  });

  test('servers lease again afterwards, above everything', async () => {
    const system = used();
    damage(system);
    const known = knownTo(system);
    await operationsOn(system).repair({ apply: true });
    const range = await lease(system);
    expect(range.start).toBeGreaterThanOrEqual(known);
    const [covered] = await system.ledger.rowsBelow(range.start, 1);
    expect(covered?.range.end).toBe(range.start);
  });
});

describe('a repair', () => {
  test('covers what is below the heights as a hole, and what it skips as skipped', async () => {
    const system = used();
    system.mark = 'missing';
    system.head = 400_001;
    system.rows = [row(150_000, 200_000)];
    await operationsOn(system).repair({ apply: true });
    expect(system.rows.map(({ range, state, holder }) => [range.start, range.end, state, holder.host])).toEqual([
      [150_000, 200_000, 'leased', 'host-1'],
      [100_000, 150_000, 'hole', 'desk'],
      [200_000, 400_001, 'hole', 'desk'],
      [400_001, 1_500_000, 'skipped', 'desk'],
    ]);
    expect(system.mark).toEqual({ next: 1_500_000, ledgered: 1_500_000 });
  });

  test('finishes what one that died half-way began, wherever that was', async () => {
    const whole = used();
    whole.mark = 'missing';
    whole.rows = whole.rows.slice(0, 1);
    whole.head = 350_000;
    await operationsOn(whole).repair({ apply: true });
    // The head, the covers (in one transaction), the mark.
    for (let survived = 0; survived < 3; survived += 1) {
      const system = used();
      system.mark = 'missing';
      system.rows = system.rows.slice(0, 1);
      system.head = 350_000;
      let writes = 0;
      const dying = <A extends unknown[], T>(write: (...args: A) => Promise<T>) => {
        return (...args: A): Promise<T> => {
          writes += 1;
          return writes > survived ? Promise.reject(new WitnessUnavailableError('killed')) : write(...args);
        };
      };
      const ports = portsOver(system, {
        marks: { ...system.marks, put: dying(system.marks.put) },
        ledger: { ...system.ledger, putHead: dying(system.ledger.putHead), add: dying(system.ledger.add) },
      });
      await expect(createOperations(ports).repair({ apply: true })).rejects.toThrow('killed');
      await operationsOn(system).repair({ apply: true });
      expect((system.mark as Mark).next).toBeGreaterThanOrEqual((whole.mark as Mark).next);
      expect((await operationsOn(system).check()).ok).toBe(true);
    }
  });

  test('takes a write without an answer for what it turns out to be', async () => {
    for (const isApplied of [true, false]) {
      const system = used();
      system.mark = 'missing';
      let calls = 0;
      const put: typeof system.marks.put = async (...args) => {
        calls += 1;
        if (calls > 1) return system.marks.put(...args);
        if (isApplied) await system.marks.put(...args);
        throw new UnknownOutcomeError('the answer was lost');
      };
      const ports = portsOver(system, { marks: { ...system.marks, put } });
      await createOperations(ports).repair({ apply: true });
      expect(system.mark).toEqual({ next: 1_400_000, ledgered: 1_400_000 });
    }
  });

  test('is above what a server had taken from the lost mark and never put on record, so that it goes on without a restart', async () => {
    const system = used();
    system.rows = system.rows.map((each) => ({
      ...each,
      range: { start: each.range.start * 10, end: each.range.end * 10 },
    }));
    system.head = 4_000_000;
    system.mark = { next: 4_000_000, ledgered: 4_000_000 };
    const record = () => Promise.reject(new WitnessUnavailableError('the database is away'));
    const living = serverOf(system, { ...system.serverLedger, record });
    for (let i = 0; i < 9; i += 1) await expect(living.lease(1_000_000)).rejects.toThrow('away');
    expect((system.mark as Mark).next).toBe(13_000_000);
    system.mark = 'missing';
    await operationsOn(system).repair({ apply: true });
    await expect(living.lease(1_000_000)).rejects.toThrow('away');
  });

  test('two at once do no harm', async () => {
    const system = used();
    system.mark = 'missing';
    system.head = 250_000;
    const reports = await Promise.all([1, 2, 3].map(() => operationsOn(system).repair({ apply: true })));
    const { next } = system.mark as Mark;
    expect(Math.max(...reports.map((report) => report.next))).toBe(next);
    expect(next).toBeGreaterThanOrEqual(400_000);
    expect((await operationsOn(system).check()).ok).toBe(true);
    const starts = system.rows.map(({ range }) => range.start);
    expect(new Set(starts).size).toBe(starts.length);
  });

  test('leaves a lease alone that is on its way from the mark to its row, and covers it if it never arrives', async () => {
    for (const arrives of [true, false]) {
      const system = used();
      system.mark = { next: 600_000, ledgered: 400_000 };
      system.rows = [...system.rows, row(500_000, 600_000)];
      system.head = 600_000;
      const pause = async () => {
        if (arrives) system.rows = [...system.rows, row(400_000, 500_000, { server: 'slow' })];
      };
      await createOperations(portsOver(system, { pause, settleMs: 1 })).repair({ apply: true });
      const [between] = await system.ledger.rowsBelow(500_000, 1);
      expect(between?.state).toBe(arrives ? 'leased' : 'hole');
      expect(system.mark).toEqual({ next: 600_000, ledgered: 400_000 });
    }
  });

  test('leaves alone what is being leased above the head, and covers it if it is still there a wait later', async () => {
    for (const arrives of [true, false]) {
      const system = used();
      system.mark = { next: 600_000, ledgered: 400_000 };
      let waits = 0;
      const pause = async () => {
        waits += 1;
        // Whoever took the first of the two ranges never puts it on record; the second arrives, or does not either.
        if (arrives && waits === 1) {
          system.rows = [...system.rows, row(500_000, 600_000, { server: 'slow' })];
          system.head = 600_000;
        }
      };
      const { steps } = await createOperations(portsOver(system, { pause, settleMs: 1 })).repair({ apply: true });
      expect(waits).toBe(2);
      expect(steps).toEqual([
        { step: 'cover', range: { start: 400_000, end: arrives ? 500_000 : 600_000 }, state: 'hole' },
      ]);
      expect(system.head).toBe(600_000);
      expect(system.mark).toEqual({ next: 600_000, ledgered: 400_000 });
    }
  });

  test('makes servers lease again before it waits, and sees to what is left behind after', async () => {
    const system = used();
    system.mark = { next: 200_000, ledgered: 100_000 };
    const leased: number[] = [];
    const pause = async () => {
      leased.push((await lease(system)).start);
      // A record from before the loss arrives as late as it can.
      if (leased.length === 1) system.rows = [...system.rows, row(5_000_000, 5_100_000, { server: 'woken' })];
    };
    await createOperations(portsOver(system, { pause, settleMs: 1 })).repair({ apply: true });
    expect(leased).toEqual([1_400_000, 6_100_000]);
    expect((await operationsOn(system).check()).findings).toEqual([]);
  });

  test('retires remainders that only the ledger has, so that an old copy of ZooKeeper cannot offer them again', async () => {
    const system = used();
    system.rows = [...system.rows.slice(0, 2), row(300_000, 350_000), row(350_000, 400_000, { state: 'released' })];
    const { findings } = await operationsOn(system).check();
    expect(findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['note remainders_lost']);
    await operationsOn(system).repair({ apply: true });
    expect((await system.ledger.rowsBelow(400_000, 1))[0]?.state).toBe('retired');
  });

  test('keeps remainders on which both agree', async () => {
    const system = used();
    system.rows = [...system.rows.slice(0, 2), row(300_000, 350_000), row(350_000, 400_000, { state: 'released' })];
    system.entries = [{ start: 350_000, end: 400_000 }];
    expect((await operationsOn(system).repair({ apply: true })).steps).toEqual([]);
    expect(system.entries).toHaveLength(1);
  });

  test('never goes beyond the end of the space', async () => {
    const system = used();
    system.mark = 'missing';
    system.head = COUNTER_SPACE_END - 5;
    expect((await operationsOn(system).repair({ apply: true })).next).toBe(COUNTER_SPACE_END);
    const { findings } = await operationsOn(system).check();
    expect(findings.map(({ code }) => code)).toEqual(['counter_space_ended']);
  });
});

test('whatever is found: a repair lowers nothing, leaves no problem, and has nothing to do again', async () => {
  const lakh = fc.integer({ min: 1, max: 40 }).map((n) => n * 50_000);
  const heights = fc.record({
    mark: fc.option(fc.record({ next: lakh, ledgered: lakh }), { nil: undefined }),
    head: fc.option(lakh, { nil: undefined }),
    rows: fc.uniqueArray(fc.integer({ min: 2, max: 39 }), { maxLength: 12 }),
    links: fc.array(fc.integer({ min: 100_000, max: 2_000_000 }), { maxLength: 5 }),
    restores: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(heights, async ({ mark, head, rows, links, restores }) => {
      fc.pre(mark !== undefined || head !== undefined);
      const system = new MemoryWitnesses();
      system.mark = mark ?? 'missing';
      system.markClusterId = mark === undefined ? 'missing' : CLUSTER;
      system.head = head ?? 'missing';
      system.headClusterId = CLUSTER;
      system.rows = rows.map((n) => row(n * 50_000, (n + 1) * 50_000));
      system.linkCounters = links;
      const known = knownTo(system);
      const operations = operationsOn(system);
      const { next } = restores
        ? await operations.restore({ apply: true, skip: 1_000_000 })
        : await operations.repair({ apply: true });
      expect(next).toBeGreaterThanOrEqual(restores ? known + 1_000_000 : known);
      expect(system.mark).toMatchObject({ next });
      if (head !== undefined) expect(system.head).toBeGreaterThanOrEqual(head);
      expect((await operations.check()).findings.filter(({ severity }) => severity === 'problem')).toEqual([]);
      expect((await operations.repair({ apply: true })).steps).toEqual([]);
      expect((await lease(system)).start).toBe(next);
    }),
    { numRuns: 300 },
  );
});

test('little space is a note and none a problem, by the codec on record and its keys', async () => {
  const system = used();
  const end = 100_000 + 62 ** 6;
  const key = { id: 'A', fingerprint: '0000000000000000', startCounter: 100_000 };
  const recorded = JSON.stringify({ codec: 'sealed', params: {}, keys: [key] });
  const facts = { read: async (): Promise<string | undefined> => recorded };
  const codesAt = async (height: number): Promise<string[]> => {
    system.mark = { next: height, ledgered: height };
    system.head = height;
    const { findings } = await createOperations(portsOver(system, { facts })).check();
    return findings.map(({ code, severity }) => `${severity} ${code}`).filter((text) => text.includes('counter_space'));
  };
  expect(await codesAt(Math.floor(end / 2))).toEqual([]);
  expect(await codesAt(end - 1_000)).toEqual(['note counter_space_low']);
  expect(await codesAt(end)).toEqual(['problem counter_space_ended']);
  expect(await createOperations(portsOver(system, { facts })).summary()).toMatchObject({ left: 0 });
  // Without a record, or with one that nobody can read, counters end where they do for the other codecs.
  for (const text of [undefined, '{}']) {
    const other = { read: async () => text };
    expect(await createOperations(portsOver(system, { facts: other })).summary()).toMatchObject({
      left: 62 ** 7 - end,
    });
  }
});
