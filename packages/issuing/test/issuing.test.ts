import { AllocatorSealedError, type MarkStore, WitnessUnavailableError } from '@lakh/id-range';
import { StoreUnavailableError } from '@lakh/links';
import { MemoryLedger } from '@lakh/testkit';
import { SIZE, System } from './support.js';

let system: System;
beforeEach(() => {
  system = new System();
});
afterEach(() => system.dispose());

const never = (): Promise<never> => new Promise(() => {});

describe('a start', () => {
  test('waits for a database that is away, and then leases; the codes are of counters from the first mark on', async () => {
    const recordOnce = jest.fn(() => Promise.reject(new StoreUnavailableError('away')));
    const { issuing, log } = system.server({ facts: { ...system.facts, recordOnce } });
    const started = issuing.start();
    await system.time.advance(60_000);
    expect(issuing.health()).toEqual({ status: 'down', detail: 'starting' });
    expect(issuing.figures().leasing).toBe(false);
    expect(log()).toContain('the database cannot be asked yet');
    // Doubling from a tenth of a second to five: some fifteen times a minute.
    expect(recordOnce.mock.calls.length).toBeLessThan(25);
    recordOnce.mockImplementation(((...args: [string, string]) => system.facts.recordOnce(...args)) as never);
    await system.time.advance(5_000);
    await started;
    await system.time.advance(1_000);
    expect(issuing.health()).toEqual({ status: 'ok', detail: '2000 ids held' });
    expect(await issuing.codes.nextOrWait()).toEqual({ counter: 100_000, code: 'Q0u' });
    const upcoming = [...issuing.codes.upcoming()];
    expect(upcoming.map(({ counter }) => counter)).toEqual(Array.from({ length: 1_999 }, (_, i) => 100_001 + i));
    expect(await issuing.codes.nextOrWait()).toEqual(upcoming[0]);
  });

  test('on a database of other facts rejects, and nothing is ever leased', async () => {
    await system.server().start();
    const mark = await system.node.client().read();
    const other = system.server({ settings: { namespace: 'other' } });
    await expect(other.issuing.start()).rejects.toMatchObject({ code: 'namespace_mismatch' });
    await system.time.advance(60_000);
    expect(other.issuing.figures()).toMatchObject({ state: 'starting', leasedRanges: 0, leasing: false });
    expect(await system.node.client().read()).toMatchObject({ mark: (mark as { mark: unknown }).mark });
  });

  test('that is stopped meanwhile rejects and leases nothing', async () => {
    const recordOnce = () => Promise.reject(new WitnessUnavailableError('away'));
    const { issuing } = system.server({ facts: { ...system.facts, recordOnce } });
    const started = expect(issuing.start()).rejects.toBeInstanceOf(AllocatorSealedError);
    await system.time.advance(1_000);
    await issuing.stop();
    await system.time.advance(5_000);
    await started;
    expect(await system.node.client().read()).toBe('missing');
  });
});

describe('the first attempt of a start', () => {
  /** Whether it has settled. */
  function watched(attempted: Promise<void>): () => boolean {
    let isOver = false;
    void attempted.then(() => {
      isOver = true;
    });
    return () => isOver;
  }

  test('is over when something is held', async () => {
    let grant = (): void => {};
    const gate = new Promise<void>((resolve) => {
      grant = resolve;
    });
    const marks = system.node.client();
    const read = marks.read.bind(marks);
    const { issuing } = system.server({ marks: Object.assign(marks, { read: () => gate.then(read) }) });
    await issuing.start();
    const isOver = watched(issuing.attempted());
    await system.time.advance(1_000);
    expect([isOver(), issuing.health().status]).toEqual([false, 'down']);
    grant();
    await system.time.advance(1_000);
    expect([isOver(), issuing.health().status]).toEqual([true, 'ok']);
  });

  test('is over when it has failed, with the reason, and when the server is stopped', async () => {
    const marks = Object.assign(system.node.client(), {
      read: () => Promise.reject(new WitnessUnavailableError('away')),
    });
    const failing = system.server({ marks }).issuing;
    await failing.start();
    const hasFailed = watched(failing.attempted());
    await system.time.advance(1_000);
    expect([hasFailed(), failing.health().detail]).toEqual([true, 'starting: witness_unavailable: away']);

    const waiting = system.server({ marks: Object.assign(system.node.client(), { read: never }) }).issuing;
    await waiting.start();
    const isOver = watched(waiting.attempted());
    void waiting.stop();
    await system.time.advance(1_000);
    expect(isOver()).toBe(true);
  });
});

describe('what leases come to', () => {
  test.each([
    ['abandoned with its counters', new Error('anything'), 'ledger_record_unknown', 'range abandoned'],
    [
      'abandoned, as one that was not tried in time',
      new WitnessUnavailableError('away'),
      'ledger_record_failed',
      'trying again',
    ],
  ])('is told: %s', async (_, error, reason, words) => {
    const ledger = system.ledger.client();
    const record = jest.fn(() => Promise.reject(error) as Promise<never>);
    const { issuing, metric, log } = system.server({ ledger: { ...ledger, record } });
    await issuing.start();
    await system.time.advance(40);
    expect(issuing.health()).toMatchObject({ status: 'down', detail: expect.stringContaining('starting: ') });
    expect(await metric(`lakh_leases_abandoned_total{reason="${reason}"}`)).toBe(record.mock.calls.length);
    expect(await metric(`lakh_ids_lost_total{reason="${reason}"}`)).toBe(SIZE * record.mock.calls.length);
    expect(log()).toContain(words);
    record.mockImplementation(ledger.record as never);
    await system.time.advance(10_000);
    expect(issuing.health()).toEqual({ status: 'ok', detail: '2000 ids held' });
    expect(await metric('lakh_ranges_leased_total')).toBe(2);
    expect(await metric('lakh_lease_duration_seconds_count')).toBe(2);
  });

  test('is told: refused, with the code of why', async () => {
    await system.server().start();
    const { issuing, metric, log, start } = system.server({ ledger: new MemoryLedger().client() });
    await start();
    expect(await metric('lakh_leases_refused_total{code="ledger_missing"}')).toBeGreaterThan(0);
    expect(log()).toContain('lease refused: nothing is leased until this is repaired');
    expect(issuing.health()).toMatchObject({ status: 'down', detail: expect.stringContaining('ledger_missing') });
  });

  test('while something is held still, is a server that goes on and says for what it waits', async () => {
    const marks = system.node.client();
    const read = jest.fn(marks.read);
    const { issuing, start, take } = system.server({ marks: { ...marks, read } });
    await start();
    read.mockImplementation(() => Promise.reject(new WitnessUnavailableError('away')));
    await take(SIZE + 1);
    await system.time.advance(3_000);
    expect(issuing.health()).toEqual({
      status: 'degraded',
      detail: '999 ids held, no further lease: witness_unavailable: away',
    });
    expect(await take(999)).toHaveLength(999);
    expect(issuing.health()).toMatchObject({ status: 'down', detail: expect.stringMatching(/^exhausted: /) });
  });

  test('counters that are skipped are counted', async () => {
    const { issuing, metric } = system.server();
    issuing.codes.reportBurnt(141_590, 'taken');
    expect(await metric('lakh_counters_burnt_total')).toBe(1);
  });
});

describe('a stop', () => {
  test('gives back what is left; the next server takes it and leases nothing', async () => {
    const first = system.server();
    await first.start();
    await first.take(1);
    await first.issuing.stop();
    expect(system.node.released).toEqual(['100001-101000', '101000-102000']);
    expect(await first.metric('lakh_remainders_published_total')).toBe(2);
    await expect(first.issuing.codes.nextOrWait()).rejects.toBeInstanceOf(AllocatorSealedError);

    const second = system.server();
    await second.start();
    expect(second.issuing.figures().heldIds).toBe(2 * SIZE - 1);
    expect(await second.take(1)).toEqual([100_001]);
    expect(await second.metric('lakh_remainders_claimed_total{outcome="claimed"}')).toBe(2);
    expect(await second.metric('lakh_ranges_leased_total')).toBe(0);
  });

  test('waits for the lease in flight, and gives that back too', async () => {
    const marks = system.node.client();
    const slowly: MarkStore['write'] = async (...args) => {
      const write = await marks.write(...args);
      await new Promise<void>((resolve) => void system.time.schedule(2_000, resolve));
      return write;
    };
    const { issuing } = system.server({ marks: { ...marks, write: slowly } });
    await issuing.start();
    await system.time.advance(100);
    expect(issuing.figures()).toMatchObject({ leasing: true, heldIds: 0 });
    const stopped = issuing.stop();
    await system.time.advance(2_000);
    await stopped;
    expect(system.node.released).toEqual(['100000-101000']);
  });

  test.each([
    [10_000, 2_500],
    [0, 500],
  ])(
    'of a drain of %d ms waits %d ms for a lease that does not end; what that one brings later is lost',
    async (drainTimeoutMs, deadlineMs) => {
      const marks = system.node.client();
      let arrive = () => {};
      const late: MarkStore['write'] = async (...args) => {
        const write = await marks.write(...args);
        await new Promise<void>((resolve) => {
          arrive = resolve;
        });
        return write;
      };
      const { issuing, metric } = system.server({ marks: { ...marks, write: late }, settings: { drainTimeoutMs } });
      await issuing.start();
      await system.time.advance(100);
      let isStopped = false;
      const stopped = issuing.stop().then(() => {
        isStopped = true;
      });
      await system.time.advance(deadlineMs - 1);
      expect(isStopped).toBe(false);
      await system.time.advance(1);
      await stopped;
      arrive();
      await system.time.advance(0);
      expect(system.node.released).toEqual([]);
      expect(await metric('lakh_ids_lost_total{reason="leased_too_late"}')).toBe(SIZE);
    },
  );

  test('begins with no tail past its deadline', async () => {
    const ledger = system.ledger.client();
    const slowly = async (...args: Parameters<typeof ledger.release>) => {
      await new Promise<void>((resolve) => void system.time.schedule(2_500, resolve));
      return ledger.release(...args);
    };
    const { issuing, metric, start } = system.server({ ledger: { ...ledger, release: slowly } });
    await start();
    const stopped = issuing.stop();
    await system.time.advance(2_500);
    await stopped;
    expect(system.node.released).toEqual(['100000-101000']);
    expect(await metric('lakh_ids_lost_total{reason="no_time"}')).toBe(SIZE);
  });

  test.each([
    ['release_failed', { release: () => Promise.reject(new WitnessUnavailableError('away')) }, {}],
    ['release_unknown', { release: () => Promise.reject(new Error('anything')) }, {}],
    ['publish_unknown', {}, { publish: () => Promise.reject(new Error('anything')) }],
  ])('never rejects: %s is told of as lost', async (reason, ledger, remainders) => {
    const { issuing, metric, log, start } = system.server({
      ledger: { ...system.ledger.client(), ...ledger },
      remainders: { ...system.node.remainders(), ...remainders },
    });
    await start();
    await expect(issuing.stop()).resolves.toBeUndefined();
    expect(await metric(`lakh_ids_lost_total{reason="${reason}"}`)).toBe(2 * SIZE);
    expect(log()).toContain('leased counters given up at shutdown');
  });

  test('before a start, or while nothing answers, ends by itself', async () => {
    await system.server().issuing.stop();
    const { issuing, start } = system.server({ marks: { ...system.node.client(), read: never } });
    await start();
    const stopped = issuing.stop();
    await system.time.advance(2_500);
    await stopped;
    expect(issuing.health()).toMatchObject({ status: 'down' });
  });

  test('after a duplicate gives nothing back', async () => {
    const { issuing, metric, start, take } = system.server();
    await start();
    const [counter] = (await take(1)) as [number];
    issuing.codes.reportDuplicate(counter);
    await issuing.stop();
    expect(system.node.released).toEqual([]);
    expect(await metric('lakh_ids_lost_total{reason="broken"}')).toBe(2 * SIZE - 1);
    expect(await metric('lakh_counters_duplicate_total')).toBe(1);
    expect(issuing.health()).toMatchObject({ status: 'down', detail: expect.stringContaining('broken_invariant') });
  });

  test('tells of short tails as lost', async () => {
    const { issuing, metric, log, start, take } = system.server({ settings: { rangesMaxHeld: 2 } });
    await start();
    await take(SIZE - 5);
    await issuing.stop();
    expect(await metric('lakh_ids_lost_total{reason="tail_too_short"}')).toBe(5);
    expect(log()).toContain('leased counters given up at shutdown');
  });
});
