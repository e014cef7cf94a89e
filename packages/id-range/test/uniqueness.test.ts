import { type Clock, type MarkVersion, UnknownOutcomeError } from '@lakh/id-range';
import fc from 'fast-check';
import { Coverage, type Sabotage, type Schedule, type Setting, type SimulatedEvent } from './simulated-schedule.js';
import { Simulation } from './simulation.js';

/** A failure prints it too, with the path to the shrunk schedule: put both into `fc.assert` to replay. */
const seed = Date.now() & 0x7fffffff;

const eventArbitrary: fc.Arbitrary<SimulatedEvent> = fc.record({
  afterMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 10_000 })),
  server: fc.nat(3),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('burst' as const) },
    { weight: 2, arbitrary: fc.constant('wait' as const) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        'crash',
        'crash',
        'shut down',
        'shut down',
        'crash in shutdown',
        'expire sessions',
        'outage',
        'copy',
        'forget',
        'wipe',
      ),
    },
  ),
});

const scheduleArbitrary = (setting: Setting): fc.Arbitrary<Schedule> =>
  fc.record({
    seed: fc.integer(),
    setting: fc.constant(setting),
    servers: fc.integer({ min: 1, max: 4 }),
    rangeSize: fc.integer({ min: 1, max: 8 }),
    faultRate: fc.constantFrom(0, 0.05, 0.2, 0.4),
    faultsAt: fc.constantFrom('every call', 'remainders'),
    events: fc.array(eventArbitrary, { minLength: 5, maxLength: 40 }),
  });

async function check(schedule: Schedule, coverage: Coverage, recovers: boolean, sabotage?: Sabotage): Promise<void> {
  const simulation = new Simulation(schedule, coverage, sabotage);
  const duplicates = await simulation.run();
  const stuck = recovers ? simulation.stuck() : [];
  simulation.stop();
  if (duplicates.length > 0) throw new Error(duplicates.slice(0, 3).join('\n'));
  if (stuck.length > 0) throw new Error(`after everything had healed: ${stuck.join(', ')}`);
}

describe(`no counter is issued twice (fast-check seed ${seed})`, () => {
  const coverage = new Coverage();

  test.each<[Setting, recovers: boolean]>([
    ['both witnesses', true],
    ['ZooKeeper alone', true],
    ['both witnesses, ZooKeeper forgets', false],
    ['both witnesses, the ledger forgets', false],
    ['the ledger alone', false],
  ])(
    '%s',
    async (setting, recovers) => {
      await fc.assert(
        fc.asyncProperty(scheduleArbitrary(setting), (schedule) => check(schedule, coverage, recovers)),
        { seed, numRuns: 250 },
      );
    },
    60_000,
  );

  test('and every fault that this is about did happen', () => {
    const writes = [
      'mark.write',
      'ledger.record',
      'ledger.release',
      'ledger.claim',
      'remainder.publish',
      'remainder.claim',
    ].flatMap((call) =>
      ['slow', 'unavailable', 'unknown, applied', 'unknown, not applied', 'unknown, applied later'].map(
        (fault) => `fault: ${call}, ${fault}`,
      ),
    );
    const reads = ['mark.read', 'ledger.head', 'remainder.list'].flatMap((call) => [
      `fault: ${call}, slow`,
      `fault: ${call}, unavailable`,
    ]);
    const expected = [
      ...writes,
      ...reads,
      'fault: mark.write, stale',
      'fault: mark.create, unknown, applied',
      'fault: ledger.create, unknown, applied',
      'abandoned: mark_write_unknown',
      'abandoned: ledger_record_unknown',
      'abandoned: ledger_record_failed',
      'abandoned: ledger_overlap',
      'refused: zookeeper_forgot',
      'refused: mark_missing',
      'refused: ledger_forgot',
      'refused: ledger_missing',
      'refused: range_overlap',
      'event: crash',
      'event: shut down',
      'event: expire sessions',
      'event: outage',
      'event: ZooKeeper, forget',
      'event: ZooKeeper, wipe',
      'event: the ledger, forget',
      'event: the ledger, wipe',
      'lie',
      'lie about remainders',
      'fault: remainder.claim, stale',
      'published',
      'not published: release_failed',
      'not published: release_unknown',
      'not published: release_refused',
      'not published: publish_failed',
      'not published: publish_unknown',
      'claimed',
      'missed',
      'implausible',
      'unlisted',
      'not claimed: delete_unknown',
      'not claimed: claim_failed',
      'not claimed: claim_unknown',
      'not claimed: claim_refused',
      'died before it heard of mark.write',
      'died before it heard of ledger.record',
      'died before it heard of ledger.release',
      'died before it heard of remainder.publish',
      'died before it heard of remainder.claim',
      'died before it heard of ledger.claim',
      'event: crash in shutdown',
      'waited for a counter',
      'waited in vain: ids_exhausted',
    ];
    const missing = expected.filter((what) => !coverage.counts.has(what));
    if (missing.length > 0) throw new Error(`never happened: ${missing.join('; ')}\nof\n${coverage}`);
  });
});

describe(`a guard that is taken out is missed (fast-check seed ${seed})`, () => {
  const finds = async (setting: Setting, sabotage: Sabotage, faults: Partial<Schedule> = {}) => {
    const result = await fc.check(
      fc.asyncProperty(scheduleArbitrary(setting), (schedule) =>
        check({ ...schedule, ...faults }, new Coverage(), false, sabotage),
      ),
      { seed, numRuns: 5000, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
    expect(String(result.errorInstance)).toMatch(/counter \d+ was issued by .* and by /);
  };

  test(
    'the version check, where the ledger refuses nothing',
    () =>
      finds('ZooKeeper alone', {
        marks: (inner) => ({
          ...inner,
          write: async (_version: MarkVersion, mark) => {
            const fresh = await inner.read();
            return fresh === 'missing' ? { outcome: 'stale' } : inner.write(fresh.version, mark);
          },
        }),
      }),
    60_000,
  );

  test(
    'an unknown outcome taken for success, where the ledger refuses nothing',
    () =>
      finds('ZooKeeper alone', {
        marks: (inner) => ({
          ...inner,
          write: async (version, mark) => {
            const write = await inner.write(version, mark);
            return write.outcome === 'written' ? write : { outcome: 'written', witnessVersion: 1 };
          },
        }),
      }),
    60_000,
  );

  test(
    'the refusal of an overlap, where ZooKeeper answers anything',
    () =>
      finds('the ledger alone', {
        ledger: (inner) => ({
          ...inner,
          record: async (lease) => {
            await inner.record(lease);
            return 'recorded';
          },
        }),
      }),
    60_000,
  );

  test(
    'the ledger’s part in a claim, where ZooKeeper answers anything',
    () =>
      finds('the ledger alone', {
        ledger: (inner) => ({
          ...inner,
          claim: async (range, holder, atMs) => {
            await inner.claim(range, holder, atMs);
            return 'claimed';
          },
        }),
      }),
    60_000,
  );

  test(
    'the one attempt to publish, where the ledger refuses nothing',
    () =>
      finds(
        'ZooKeeper alone',
        {
          remainders: (faulty, clock) => ({
            ...faulty,
            publish: async (range) => {
              try {
                return await faulty.publish(range);
              } catch (error) {
                if (!(error instanceof UnknownOutcomeError)) throw error;
                await pause(clock, 5000);
                return faulty.publish(range);
              }
            },
          }),
        },
        { faultRate: 0.3, faultsAt: 'remainders' },
      ),
    60_000,
  );

  test(
    'the deletion that a claim waits for, where the ledger refuses nothing',
    () =>
      finds('ZooKeeper alone', {
        remainders: (faulty) => ({
          ...faulty,
          claim: async (remainder) => {
            await faulty.claim(remainder);
            return 'claimed';
          },
        }),
      }),
    60_000,
  );

  test('the seal before a tail is given back', () => finds('both witnesses', { issuesAfterRelease: true }), 60_000);
});

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(ms, resolve);
  });
}
