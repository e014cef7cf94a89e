import {
  type Clock,
  COUNTER_SPACE_END,
  FIRST_MARK,
  type MarkSnapshot,
  plausibleLead,
  type TwoWitnessLeaseOptions,
  UnknownOutcomeError,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { handClock, hastyClock, override, witnesses } from './support.js';

const code = (error: unknown) => (error as { code?: string }).code;
const failure = (promise: Promise<unknown>) =>
  promise.then(
    (value) => `leased ${JSON.stringify(value)}`,
    (error: unknown) => code(error) ?? String(error),
  );

describe('the first bootstrap', () => {
  test.each([1, 1000, 100_000])('starts at 100,000 with ranges of %d', async (size) => {
    const { server } = witnesses();
    expect(await server().lease(size)).toEqual({ start: FIRST_MARK, end: FIRST_MARK + size });
  });

  test('writes one cluster id into both witnesses', async () => {
    const { server, ledger, node } = witnesses();
    await server().lease(10);
    const mark = (await node.client().read()) as MarkSnapshot;
    expect(await ledger.client().head()).toMatchObject({ clusterId: mark.clusterId });
  });

  test('a crash between the two writes is finished by the next server, with the cluster id of the ledger', async () => {
    const { server, ledger, node } = witnesses();
    await ledger.client().create(FIRST_MARK, 'cluster-of-the-crashed');
    expect(await server().lease(10)).toEqual({ start: 100_000, end: 100_010 });
    expect(await node.client().read()).toMatchObject({ clusterId: 'cluster-of-the-crashed' });
  });

  test('that fails between the two writes is finished by the same process', async () => {
    const { server, node } = witnesses();
    const client = node.client();
    let down = true;
    const create: typeof client.create = async (mark, clusterId) => {
      if (down) throw new WitnessUnavailableError('down');
      return client.create(mark, clusterId);
    };
    const one = server({ marks: override(client, { create }) });
    for (let i = 0; i < 3; i += 1) expect(await failure(one.lease(10))).toBe('witness_unavailable');
    down = false;
    expect(await one.lease(10)).toEqual({ start: 100_000, end: 100_010 });
  });

  test('by several servers at once gives each its own range', async () => {
    const { server } = witnesses();
    const ranges = await Promise.all(Array.from({ length: 8 }, () => server().lease(10)));
    expect(ranges.map((range) => range.start).sort()).toEqual(Array.from({ length: 8 }, (_, i) => 100_000 + 10 * i));
  });

  test('another server that bootstraps and leases between the two reads is no reason to refuse', async () => {
    const { server, node, ledger } = witnesses();
    const slow = override(ledger.client(), {
      head: async () => {
        if (ledger.leases.length === 0) await server().lease(10);
        return ledger.client().head();
      },
    });
    expect(await server({ ledger: slow, marks: node.client() }).lease(10)).toEqual({ start: 100_010, end: 100_020 });
  });
});

describe('a lease', () => {
  test('follows the one before it, in the mark and in the ledger', async () => {
    const { server, ledger, node, log } = witnesses();
    const one = server();
    await one.lease(100);
    await server().lease(50);
    expect(await one.lease(100)).toEqual({ start: 100_150, end: 100_250 });
    expect(node.peek()).toEqual({ next: 100_250, ledgered: 100_150 });
    expect(await ledger.client().head()).toMatchObject({ head: 100_250 });
    expect(log.ranges).toHaveLength(3);
  });

  test('records who leased, when, and the version of the mark', async () => {
    const { server, ledger } = witnesses();
    const holder = { serverId: 's-7', host: 'h-7', processStartMs: 5, codec: 'sqids' };
    await server({ holder }).lease(10);
    expect(ledger.leases).toEqual([
      { range: { start: 100_000, end: 100_010 }, holder, leasedAtMs: 0, witnessVersion: 1, state: 'leased' },
    ]);
  });

  test.each([0, -1, 1.5, Number.NaN])('of %p counters is a mistake of the caller', async (size) => {
    await expect(witnesses().server().lease(size)).rejects.toThrow(
      new RangeError(`a range has at least one counter, not ${size}`),
    );
  });

  test('of one counter is the smallest', async () => {
    expect(await witnesses().server().lease(1)).toEqual({ start: 100_000, end: 100_001 });
  });

  test('tells how long it took', async () => {
    const { server, ledger } = witnesses();
    const { clock, hands } = handClock();
    hands.monotonicMs = 5000;
    const client = ledger.client();
    const record: typeof client.record = (lease) => {
      hands.monotonicMs += 7;
      return client.record(lease);
    };
    const leased = jest.fn();
    const observer = { leased, abandoned: () => {}, refused: () => {} };
    await server({ clock, observer, ledger: override(client, { record }) }).lease(10);
    expect(leased).toHaveBeenCalledWith({ start: 100_000, end: 100_010 }, 7);
  });

  test('works with nobody watching, also where it fails', async () => {
    const { server, node, ledger } = witnesses();
    const silence = () => Promise.reject(new UnknownOutcomeError('silence'));
    const overlap = async () => 'overlap' as const;
    const unwatched = (options: Partial<TwoWitnessLeaseOptions> = {}) => server({ ...options, observer: undefined! });
    await unwatched().lease(10);
    const failing: [Partial<TwoWitnessLeaseOptions>, string][] = [
      [{ marks: override(node.client(), { write: silence }) }, 'unknown_outcome'],
      [{ ledger: override(ledger.client(), { record: silence }) }, 'unknown_outcome'],
      [{ ledger: override(ledger.client(), { record: overlap }) }, 'range_overlap'],
    ];
    for (const [options, expected] of failing) expect(await failure(unwatched(options).lease(10))).toBe(expected);
    const { clock, hands } = handClock();
    const client = node.client();
    const write: typeof client.write = async (version, mark) => {
      hands.monotonicMs += 501;
      return client.write(version, mark);
    };
    const slow = unwatched({ clock, attemptLimitMs: 500, marks: override(client, { write }) });
    expect(await failure(slow.lease(10))).toBe('lease_too_old');
  });

  test('gives up after a bounded number of stale versions, and abandons nothing', async () => {
    const { server, node, log } = witnesses();
    let writes = 0;
    const write = async () => {
      writes += 1;
      return { outcome: 'stale' as const };
    };
    const lease = server({ marks: override(node.client(), { write }), maxAttempts: 10 }).lease(10);
    expect(await failure(lease)).toBe('lease_contention');
    // Two of the attempts went into the bootstrap.
    expect(writes).toBe(8);
    expect(log.lost).toEqual([]);
    expect(log.refusals).toEqual([]);
  });

  test('waits after each stale version, twice as long as before up to a quarter of a second, by the luck of the draw', async () => {
    const { server, node } = witnesses();
    await server().lease(10);
    const write = async () => ({ outcome: 'stale' as const });
    const pausesMs: number[] = [];
    const clock: Clock = {
      ...hastyClock,
      schedule: (delayMs, run) => {
        pausesMs.push(delayMs);
        return hastyClock.schedule(delayMs, run);
      },
    };
    const unlucky = { clock, marks: override(node.client(), { write }), maxAttempts: 7 };
    expect(await failure(server({ ...unlucky, random: () => 1 }).lease(10))).toBe('lease_contention');
    expect(pausesMs.splice(0)).toEqual([10, 20, 40, 80, 160, 250, 250]);
    expect(await failure(server({ ...unlucky, random: () => 0.5 }).lease(10))).toBe('lease_contention');
    expect(pausesMs).toEqual([5, 10, 20, 40, 80, 125, 125]);
  });

  test('is tried 50 times, unless told otherwise', async () => {
    const { server, node } = witnesses();
    await server().lease(10);
    const write = jest.fn(async () => ({ outcome: 'stale' as const }));
    await expect(server({ marks: override(node.client(), { write }) }).lease(10)).rejects.toThrow(
      'other servers moved the mark 50 times in a row before this one could; nothing was leased',
    );
    expect(write).toHaveBeenCalledTimes(50);
    const once = server({ marks: override(node.client(), { write }), maxAttempts: 1 });
    await expect(once.lease(10)).rejects.toThrow('moved the mark 1 times');
  });

  test.each([0, -1, 1.5, Number.NaN])('cannot be tried %p times', (maxAttempts) => {
    expect(() => witnesses().server({ maxAttempts })).toThrow(
      new RangeError(`maxAttempts must be a positive integer, not ${maxAttempts}`),
    );
  });

  test.each([
    ['has no answer', new UnknownOutcomeError('no answer')],
    ['fails in a way nobody named', new TypeError('a bug')],
  ])('whose mark was written but %s is abandoned, and the next one begins behind it', async (_how, error) => {
    const { server, node, log } = witnesses();
    await server().lease(10);
    const client = node.client();
    let broken = true;
    const write: typeof client.write = async (version, mark) => {
      const answer = await client.write(version, mark);
      if (!broken) return answer;
      broken = false;
      throw error;
    };
    const one = server({ marks: override(client, { write }) });
    const told: unknown = await one.lease(10).catch((reason: unknown) => reason);
    expect(told).toBeInstanceOf(UnknownOutcomeError);
    if (error instanceof UnknownOutcomeError) expect(told).toBe(error);
    else {
      expect(told).toEqual(
        new UnknownOutcomeError(
          "the mark's write of [100010, 100020) failed in a way that does not say whether it was applied",
        ),
      );
      expect((told as Error).cause).toBe(error);
    }
    expect(log.lost).toEqual([{ reason: 'mark_write_unknown', range: { start: 100_010, end: 100_020 } }]);
    expect(await one.lease(10)).toEqual({ start: 100_020, end: 100_030 });
  });

  test('whose mark could not be written at all loses nothing', async () => {
    const { server, node, log } = witnesses();
    await server().lease(10);
    const write = () => Promise.reject(new WitnessUnavailableError('down'));
    expect(await failure(server({ marks: override(node.client(), { write }) }).lease(10))).toBe('witness_unavailable');
    expect(log.lost).toEqual([]);
    expect(await server().lease(10)).toEqual({ start: 100_010, end: 100_020 });
  });

  test.each([
    ['could not be asked', new WitnessUnavailableError('down'), 'witness_unavailable', 'ledger_record_failed'],
    ['has not answered', new UnknownOutcomeError('silence'), 'unknown_outcome', 'ledger_record_unknown'],
    ['failed in a way nobody named', new TypeError('a bug'), 'unknown_outcome', 'ledger_record_unknown'],
  ])('that the ledger %s about is abandoned', async (_how, error, errorCode, reason) => {
    const { server, ledger, log } = witnesses();
    await server().lease(10);
    const record = () => Promise.reject(error);
    const told: unknown = await server({ ledger: override(ledger.client(), { record }) })
      .lease(10)
      .catch((reason: unknown) => reason);
    expect(code(told)).toBe(errorCode);
    if (code(error) === errorCode) expect(told).toBe(error);
    else {
      expect((told as Error).message).toBe(
        "the ledger's record of [100010, 100020) failed in a way that does not say whether it was applied",
      );
      expect((told as Error).cause).toBe(error);
    }
    expect(log.lost).toEqual([{ reason, range: { start: 100_010, end: 100_020 } }]);
    expect(await server().lease(10)).toEqual({ start: 100_020, end: 100_030 });
  });

  test('that the ledger refuses for an overlap is abandoned and says so', async () => {
    const { server, ledger, log } = witnesses();
    await server().lease(10);
    const record = async () => 'overlap' as const;
    const refused = server({ ledger: override(ledger.client(), { record }) });
    expect(await failure(refused.lease(10))).toBe('range_overlap');
    expect(log.lost).toEqual([{ reason: 'ledger_overlap', range: { start: 100_010, end: 100_020 } }]);
    expect(log.refusals).toEqual(['range_overlap']);
  });

  describe('whose first read of the mark lags', () => {
    /** A server whose reads that may lag answer `old`, and how often it read each way. */
    const lagging = (old: MarkSnapshot | 'missing', { server, node }: ReturnType<typeof witnesses>) => {
      const client = node.client();
      const reads = { lagging: 0, current: 0 };
      const read: typeof client.read = async (options) => {
        reads[options?.mayLag === true ? 'lagging' : 'current'] += 1;
        const now = await client.read();
        if (options?.mayLag !== true || now === 'missing') return now;
        // The version is of the state that it shows, on the same session.
        return old === 'missing' ? old : { ...now, mark: old.mark, version: old.version };
      };
      return { reads, lease: server({ marks: override(client, { read }) }) };
    };

    test('behind the ledger’s head: reads again before it concludes anything', async () => {
      const all = witnesses();
      await all.server().lease(10);
      const old = (await all.node.client().read()) as MarkSnapshot;
      await all.server().lease(10);
      const { reads, lease } = lagging(old, all);
      expect(await lease.lease(10)).toEqual({ start: 100_020, end: 100_030 });
      expect(reads).toEqual({ lagging: 1, current: 1 });
    });

    test('and shows no mark at all: reads again, and bootstraps nothing', async () => {
      const all = witnesses();
      await all.server().lease(10);
      const { reads, lease } = lagging('missing', all);
      expect(await lease.lease(10)).toEqual({ start: 100_010, end: 100_020 });
      expect(reads).toEqual({ lagging: 1, current: 1 });
    });

    test('for ever, so that each write is stale: reads it as it stands after a few attempts', async () => {
      const all = witnesses();
      await all.server().lease(10);
      const old = (await all.node.client().read()) as MarkSnapshot;
      const { reads, lease } = lagging(old, all);
      expect(await lease.lease(10)).toEqual({ start: 100_010, end: 100_020 });
      expect(reads).toEqual({ lagging: 3, current: 1 });
    });

    test('and shows less than this process has seen: reads again, and refuses only what is really lower', async () => {
      const all = witnesses();
      await all.server().lease(10);
      const old = (await all.node.client().read()) as MarkSnapshot;
      const copy = all.node.copy();
      const { reads, lease } = lagging(old, all);
      expect(await lease.lease(10)).toEqual({ start: 100_010, end: 100_020 });
      expect(await lease.lease(10)).toEqual({ start: 100_020, end: 100_030 });
      expect(reads.current).toBeGreaterThan(0);
      all.node.restore(copy);
      expect(await failure(lease.lease(10))).toBe('zookeeper_forgot');
    });

    test('not at all: that read is all that a lease asks of ZooKeeper before it writes', async () => {
      const { server, node } = witnesses();
      await server().lease(10);
      const client = node.client();
      const reads: unknown[] = [];
      const read: typeof client.read = (options) => {
        reads.push(options);
        return client.read(options);
      };
      await server({ marks: override(client, { read }) }).lease(10);
      expect(reads).toEqual([{ mayLag: true }]);
    });
  });

  describe.each(['monotonicMs', 'wallMs'] as const)('that took too long, by %s,', (hand) => {
    const LIMIT_MS = 500;

    test('before it writes the mark reads everything again: an old head is not written into a mark', async () => {
      const { server, ledger, node } = witnesses();
      await server().lease(10);
      const { clock, hands } = handClock();
      const client = ledger.client();
      let reads = 0;
      const head = async () => {
        const answer = await client.head();
        reads += 1;
        if (reads === 1) {
          await server().lease(10);
          hands[hand] += LIMIT_MS + 1;
        }
        return answer;
      };
      const slow = server({ ledger: override(client, { head }), clock, attemptLimitMs: LIMIT_MS });
      expect(await slow.lease(10)).toEqual({ start: 100_020, end: 100_030 });
      expect([reads, node.peek()]).toEqual([2, { next: 100_030, ledgered: 100_020 }]);
    });

    test.each([
      [LIMIT_MS, 1],
      [LIMIT_MS + 1, 2],
    ])('before it writes the mark: %d ms after its first question, it has read %d times', async (tookMs, expected) => {
      const { server, ledger } = witnesses();
      await server().lease(10);
      const { clock, hands } = handClock();
      const client = ledger.client();
      let reads = 0;
      const head = async () => {
        reads += 1;
        if (reads === 1) hands[hand] += tookMs;
        return client.head();
      };
      const slow = server({ ledger: override(client, { head }), clock, attemptLimitMs: LIMIT_MS });
      expect(await slow.lease(10)).toEqual({ start: 100_010, end: 100_020 });
      expect(reads).toBe(expected);
    });

    test('is given up before it is recorded', async () => {
      const { server, node, ledger, log } = witnesses();
      await server().lease(10);
      const { clock, hands } = handClock();
      const client = node.client();
      const write: typeof client.write = async (version, mark) => {
        hands[hand] += LIMIT_MS + 1;
        return client.write(version, mark);
      };
      const slow = server({ marks: override(client, { write }), clock, attemptLimitMs: LIMIT_MS });
      expect(await failure(slow.lease(10))).toBe('lease_too_old');
      expect(log.lost).toEqual([{ reason: 'attempt_too_old', range: { start: 100_010, end: 100_020 } }]);
      expect(ledger.leases).toHaveLength(1);
    });

    test('is given up although both witnesses have acknowledged it', async () => {
      const { server, ledger, log } = witnesses();
      await server().lease(10);
      const { clock, hands } = handClock();
      const client = ledger.client();
      const record: typeof client.record = async (lease) => {
        const answer = await client.record(lease);
        hands[hand] += LIMIT_MS + 1;
        return answer;
      };
      const slow = server({ ledger: override(client, { record }), clock, attemptLimitMs: LIMIT_MS });
      expect(await failure(slow.lease(10))).toBe('lease_too_old');
      expect(log.lost).toEqual([{ reason: 'attempt_too_old', range: { start: 100_010, end: 100_020 } }]);
      expect(await server().lease(10)).toEqual({ start: 100_020, end: 100_030 });
    });

    test('by no more than the limit is good, and each attempt of a lease has its own time', async () => {
      const { server, node } = witnesses();
      await server().lease(10);
      const { clock, hands } = handClock();
      const client = node.client();
      let attempts = 0;
      const write: typeof client.write = async (version, mark) => {
        hands[hand] += LIMIT_MS;
        attempts += 1;
        return attempts < 3 ? { outcome: 'stale' } : client.write(version, mark);
      };
      const slow = server({ marks: override(client, { write }), clock, attemptLimitMs: LIMIT_MS });
      expect(await slow.lease(10)).toEqual({ start: 100_010, end: 100_020 });
    });
  });

  test('whose clock is set back is no older for it', async () => {
    const { server, node } = witnesses();
    const { clock, hands } = handClock();
    const client = node.client();
    const write: typeof client.write = async (version, mark) => {
      hands.wallMs -= 3_600_000;
      return client.write(version, mark);
    };
    expect(await server({ marks: override(client, { write }), clock }).lease(10)).toEqual({
      start: 100_000,
      end: 100_010,
    });
  });

  test('never lowers the height of the ledger that the mark remembers', async () => {
    const { server, node, ledger } = witnesses();
    const other = server();
    await other.lease(10);
    const client = ledger.client();
    let raced = false;
    // The head is read, then two more leases pass before the mark is read again.
    const head = async () => {
      if (raced) return client.head();
      raced = true;
      await other.lease(10);
      const early = await client.head();
      await other.lease(10);
      await other.lease(10);
      return early;
    };
    await server({ ledger: override(client, { head }) }).lease(10);
    expect(node.peek()).toEqual({ next: 100_050, ledgered: 100_030 });
  });
});

describe('the mark that both witnesses agree on', () => {
  test('is undefined before the first lease, and where the last one ended after it', async () => {
    const { server, node } = witnesses();
    expect(await server().mark()).toBeUndefined();
    await server().lease(10);
    const client = node.client();
    const read = jest.fn(client.read);
    expect(await server({ marks: override(client, { read }) }).mark()).toBe(100_010);
    expect(read.mock.calls).toEqual([[{ mayLag: true }]]);
  });

  test('is refused as a lease is', async () => {
    const { server, node } = witnesses();
    await server().lease(10);
    node.wipe();
    expect(await failure(server().mark())).toBe('mark_missing');
  });
});

describe('a witness that forgot is refused', () => {
  test('ZooKeeper restored from an old copy', async () => {
    const { server, node, log } = witnesses();
    await server().lease(10);
    const old = node.copy();
    await server().lease(10);
    node.restore(old);
    await expect(server().lease(10)).rejects.toThrow(
      'the mark is 100010, but the ledger knows that it was at least 100020',
    );
    expect(log.refusals).toEqual(['zookeeper_forgot']);
    expect(log.lost).toEqual([]);
  });

  test('ZooKeeper wiped', async () => {
    const { server, node } = witnesses();
    const running = server();
    await running.lease(10);
    node.wipe();
    expect(await failure(running.lease(10))).toBe('mark_missing');
    expect(await failure(server().lease(10))).toBe('mark_missing');
    expect(node.peek()).toBeUndefined();
  });

  test('ZooKeeper wiped, with links in the store and an empty ledger', async () => {
    const { server, ledger } = witnesses();
    await ledger.client().create(FIRST_MARK, 'cluster');
    ledger.addGeneratedLink();
    expect(await failure(server().lease(10))).toBe('mark_missing');
  });

  test('a mark below one that this process has seen, which no ledger knows of', async () => {
    const { server, node, ledger } = witnesses();
    await server().lease(10);
    const old = node.copy();
    const record = () => Promise.reject(new WitnessUnavailableError('down'));
    const running = server({ ledger: override(ledger.client(), { record }) });
    await failure(running.lease(10));
    node.restore(old);
    await expect(running.lease(10)).rejects.toThrow(
      'the mark is 100010, but this process knows that it was at least 100020',
    );
  });

  test('a mark that is wiped before anything was leased, by the process that saw it', async () => {
    const { server, node, ledger } = witnesses();
    const record = () => Promise.reject(new WitnessUnavailableError('down'));
    const running = server({ ledger: override(ledger.client(), { record }) });
    await failure(running.lease(10));
    node.wipe();
    expect(await failure(running.lease(10))).toBe('mark_missing');
  });

  test('the ledger restored from an old copy', async () => {
    const { server, ledger } = witnesses();
    await server().lease(10);
    const old = ledger.copy();
    await server().lease(10);
    await server().lease(10);
    ledger.restore(old);
    await expect(server().lease(10)).rejects.toThrow(
      "the ledger's head is 100010, but the mark knows that it was at least 100020",
    );
  });

  test('a head below one that this process has seen, though the mark does not remember it', async () => {
    const { server, ledger } = witnesses();
    const running = server();
    await running.lease(10);
    const old = ledger.copy();
    await running.lease(10);
    ledger.restore(old);
    await expect(running.lease(10)).rejects.toThrow(
      "the ledger's head is 100010, but this process knows that it was at least 100020",
    );
  });

  test('the ledger wiped', async () => {
    const { server, ledger } = witnesses();
    const running = server();
    await running.lease(10);
    ledger.wipe();
    expect(await failure(running.lease(10))).toBe('ledger_missing');
    expect(await failure(server().lease(10))).toBe('ledger_missing');
    expect(await ledger.client().head()).toBe('missing');
  });

  test('both gone under a running process', async () => {
    const { server, ledger, node } = witnesses();
    const running = server();
    await running.lease(10);
    ledger.wipe();
    node.wipe();
    expect(await failure(running.lease(10))).toBe('ledger_missing');
  });

  test('both gone under a process that has seen no more than the mark', async () => {
    const { server, ledger, node } = witnesses();
    await server().lease(10);
    const running = server();
    ledger.wipe();
    expect(await failure(running.lease(10))).toBe('ledger_missing');
    node.wipe();
    expect(await failure(running.lease(10))).toBe('ledger_missing');
    expect(await ledger.client().head()).toBe('missing');
  });

  test('both gone under a process that has seen no more than the ledger', async () => {
    const { server, ledger, node } = witnesses();
    await server().lease(10);
    const running = server();
    node.wipe();
    expect(await failure(running.lease(10))).toBe('mark_missing');
    ledger.wipe();
    expect(await failure(running.lease(10))).toBe('ledger_missing');
    expect(await ledger.client().head()).toBe('missing');
  });

  test.each([
    ['is gone', 'missing' as const, 'mark_missing'],
    ['is of another cluster', { clusterId: 'another' }, 'cluster_mismatch'],
    ['is as low as before', {}, 'zookeeper_forgot'],
  ])('a mark below the head that, when it is read again, %s', async (_, again, expected) => {
    const { server, ledger, node } = witnesses();
    await server().lease(10);
    const old = (await node.client().read()) as MarkSnapshot;
    await ledger.client().record({
      range: { start: 100_010, end: 100_020 },
      holder: { serverId: 's', host: 'h', processStartMs: 0, codec: 'base62' },
      leasedAtMs: 0,
      witnessVersion: 2,
    });
    const answers = [old, again === 'missing' ? again : { ...old, ...again }];
    const read = async () => answers.shift()!;
    expect(await failure(server({ marks: override(node.client(), { read }) }).lease(10))).toBe(expected);
    expect(answers).toEqual([]);
  });

  test('the ledger without its head row, and no mark', async () => {
    const { server, ledger, node } = witnesses();
    await server().lease(10);
    ledger.dropHead();
    node.wipe();
    expect(await failure(server().lease(10))).toBe('ledger_not_empty');
  });

  test('the witnesses of two systems', async () => {
    const [a, b] = [witnesses(), witnesses()];
    await a.server().lease(10);
    await b.server().lease(10);
    expect(await failure(a.server({ ledger: b.ledger.client() }).lease(10))).toBe('cluster_mismatch');
  });

  test('until it is repaired: then the same process leases again', async () => {
    const { server, node } = witnesses();
    const running = server();
    await running.lease(10);
    const old = node.copy();
    await running.lease(10);
    node.restore(old);
    expect(await failure(running.lease(10))).toBe('zookeeper_forgot');
    const repairer = node.client();
    const { version } = (await repairer.read()) as MarkSnapshot;
    await repairer.write(version, { next: 100_020, ledgered: 100_020 });
    expect(await running.lease(10)).toEqual({ start: 100_020, end: 100_030 });
  });

  test('but a head above the mark is not, if it is only that others leased meanwhile', async () => {
    const { server, ledger } = witnesses();
    const other = server();
    await other.lease(10);
    const client = ledger.client();
    const head = async () => {
      await other.lease(10);
      return client.head();
    };
    expect(await server({ ledger: override(client, { head }) }).lease(10)).toEqual({ start: 100_020, end: 100_030 });
  });
});

describe('a mark or a head that cannot be is refused', () => {
  const marks = [
    { next: -1, ledgered: 0 },
    { next: 0, ledgered: 0 },
    { next: FIRST_MARK - 1, ledgered: 0 },
    { next: FIRST_MARK + 0.5, ledgered: 0 },
    { next: Number.NaN, ledgered: 0 },
    { next: Number.POSITIVE_INFINITY, ledgered: 0 },
    { next: COUNTER_SPACE_END + 1, ledgered: FIRST_MARK },
    { next: 200_000, ledgered: -1 },
    { next: 200_000, ledgered: 200_001 },
    { next: 200_000, ledgered: Number.NaN },
  ];
  test.each(marks)('mark %p', async (mark) => {
    const { server, node, log } = witnesses();
    await server().lease(10);
    const read = async () => ({ ...((await node.client().read()) as MarkSnapshot), mark });
    await expect(server({ marks: override(node.client(), { read }) }).lease(10)).rejects.toThrow(
      `the mark is next ${mark.next}, ledgered ${mark.ledgered}, which no server of Lakh writes: `,
    );
    expect(log.refusals).toEqual(['witness_corrupt']);
  });

  test.each([-1, 0, FIRST_MARK - 1, 100_000.5, Number.NaN, COUNTER_SPACE_END + 1])('head %p', async (value) => {
    const { server, ledger } = witnesses();
    await server().lease(10);
    const head = async () => ({ head: value, clusterId: 'any', virgin: false });
    await expect(server({ ledger: override(ledger.client(), { head }) }).lease(10)).rejects.toThrow(
      `the ledger's head is ${value}, which no server of Lakh writes: `,
    );
  });

  test('each message says what was found and names the runbook', async () => {
    const { server, node } = witnesses();
    await server().lease(10);
    node.wipe();
    await expect(server().lease(10)).rejects.toThrow(
      /there is no mark.*head is 100010.*docs\/runbooks\/mark_missing\.md/,
    );
  });
});

describe('a mark far above the ledger', () => {
  /** Somebody writes the mark alone. */
  async function raised(by: number) {
    const { server, node, ledger, log } = witnesses();
    const one = server();
    await one.lease(100_000);
    const somebody = node.client();
    const { version, mark } = (await somebody.read()) as MarkSnapshot;
    await somebody.write(version, { ...mark, next: mark.next + by });
    return { one, server, node, ledger, log, next: mark.next + by };
  }

  test('is what servers that give up ranges leave: 50,000 of them, of a lakh at least', async () => {
    expect([1, 100_000, 100_001].map(plausibleLead)).toEqual([5_000_000_000, 5_000_000_000, 5_000_050_000]);
    const { one, next } = await raised(5_000_000_000);
    expect(await one.lease(10)).toEqual({ start: next, end: next + 10 });
  });

  test('by more is refused before anything is taken from it, until the ledger has it on record', async () => {
    const { one, server, node, ledger, log, next } = await raised(5_000_000_001);
    for (const each of [one, server()]) expect(await failure(each.lease(10))).toBe('mark_implausible');
    expect(node.peek()).toMatchObject({ next });
    expect([log.lost, log.refusals]).toEqual([[], ['mark_implausible', 'mark_implausible']]);
    // Ranges so large leave as much after fewer attempts.
    expect(await failure(server().lease(100_001))).toMatch(/^leased /);
    expect(await one.lease(10)).toEqual({ start: next + 100_001, end: next + 100_011 });
    expect(await ledger.client().head()).toMatchObject({ head: next + 100_011 });
  });
});

describe('the end of the space', () => {
  test('the last range is shorter, and after it leasing ends with a named error and the mark stays', async () => {
    const { server, node, log } = witnesses();
    const last = server({ spaceEnd: 100_025 });
    const ends = [];
    for (let i = 0; i < 3; i += 1) ends.push(await last.lease(10));
    expect(ends.at(-1)).toEqual({ start: 100_020, end: 100_025 });
    for (let i = 0; i < 3; i += 1) expect(await failure(last.lease(10))).toBe('counter_space_ended');
    expect(node.peek()?.next).toBe(100_025);
    expect(log.refusals).toEqual(Array(3).fill('counter_space_ended'));
  });

  test('a server whose space is smaller than that of others has ended, not broken', async () => {
    const { server } = witnesses();
    await server().lease(100);
    expect(await failure(server({ spaceEnd: 100_050 }).lease(10))).toBe('counter_space_ended');
  });

  test('the last counter of 62^7 is leased exactly once', async () => {
    const { server, node, ledger } = witnesses();
    const one = server();
    await one.lease(10);
    const client = node.client();
    const { version } = (await client.read()) as MarkSnapshot;
    const end = COUNTER_SPACE_END - 5;
    await client.write(version, { next: end, ledgered: 100_010 });
    const holder = { serverId: 'lakh', host: 'h', processStartMs: 0, codec: 'base62' };
    const lease = { range: { start: 100_010, end }, holder, leasedAtMs: 0, witnessVersion: 2 };
    expect(await ledger.client().record(lease)).toBe('recorded');
    expect(await one.lease(100_000)).toEqual({ start: COUNTER_SPACE_END - 5, end: COUNTER_SPACE_END });
    expect(await failure(one.lease(100_000))).toBe('counter_space_ended');
  });

  test('a server that is told of an earlier end stops there and says why; a later one changes nothing', async () => {
    const { server, node } = witnesses();
    const told = server();
    expect(told.spaceLeft).toBeUndefined();
    expect(await told.lease(10)).toEqual({ start: 100_000, end: 100_010 });
    expect(told.spaceLeft).toBe(COUNTER_SPACE_END - 100_010);
    told.endAt(100_015, 'because');
    told.endAt(100_015, 'heard already');
    told.endAt(100_020, 'too late to matter');
    expect(told.spaceLeft).toBe(5);
    expect(await told.lease(10)).toEqual({ start: 100_010, end: 100_015 });
    await expect(told.lease(10)).rejects.toThrow('the mark is 100015 and counters end at 100015: because');
    expect(told.spaceLeft).toBe(0);
    expect(await server().lease(10)).toEqual({ start: 100_015, end: 100_025 });
    expect(await failure(told.lease(10))).toBe('counter_space_ended');
    expect(told.spaceLeft).toBe(0);
    expect(node.peek()?.next).toBe(100_025);
  });

  test.each([0, FIRST_MARK, 100_000.5, COUNTER_SPACE_END + 1])('cannot be %p', (spaceEnd) => {
    expect(() => witnesses().server({ spaceEnd })).toThrow(
      new RangeError(`spaceEnd must lie in (100000, 3521614606208], not ${spaceEnd}`),
    );
  });

  test('can be right behind the first counter, and at the end of seven characters', async () => {
    expect(
      await witnesses()
        .server({ spaceEnd: FIRST_MARK + 1 })
        .lease(10),
    ).toEqual({ start: 100_000, end: 100_001 });
    expect(await witnesses().server({ spaceEnd: COUNTER_SPACE_END }).lease(1)).toEqual({
      start: 100_000,
      end: 100_001,
    });
  });

  test('is said to be that of all counters where nothing else is known', async () => {
    const ended = witnesses();
    await ended.server().lease(10);
    await expect(ended.server({ spaceEnd: 100_010 }).lease(1)).rejects.toThrow(
      'the mark is 100010 and counters end at 100010: every counter has been leased',
    );
  });
});
