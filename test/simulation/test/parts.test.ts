import { UnknownOutcomeError, WitnessUnavailableError } from '@lakh/id-range';
import { UsageError } from '@lakh/local';
import { SimulatedClock } from '@lakh/testkit';
import { createZookeeperMarkStore } from '@lakh/zookeeper';
import { planStatement } from '../src/database/statements';
import { listChoices, parseCommandLine } from '../src/options';
import { SimulatedProcess } from '../src/process';
import { tasksOf } from '../src/run';
import { Safety } from '../src/safety';
import { Ensemble } from '../src/zookeeper/ensemble';
import { Bench } from './support';

const RANGE = { start: 100_000, end: 100_010 };

describe('the simulated database', () => {
  test.each([
    'SELECT * FROM id_leases',
    'DELETE FROM id_leases',
    "UPDATE id_heads SET head=5 WHERE namespace='links'",
    "SELECT head FROM id_heads WHERE namespace='links'",
    "UPDATE id_leases SET state='leased' WHERE namespace='links'",
    '',
  ])('refuses a statement that it was not taught: %s', (sql) => {
    expect(() => planStatement(sql)).toThrow('does not know this statement');
  });

  test('a transaction is seen by nobody else before it commits, and leaves nothing when its connection breaks', async () => {
    const { time, database } = new Bench();
    database.tables.heads.set('n', { head: 5, clusterId: 'c', revision: 0 });
    const [writer, reader] = [database.open(() => {}), database.open(() => {})];
    const ask = (session: typeof writer, sql: string) => {
      let answer: unknown;
      database.execute(session, sql, false, (result) => {
        answer = result;
      });
      return answer;
    };
    const raise = "UPDATE id_heads SET head=GREATEST(head,9), revision=revision+1 WHERE namespace='n'";
    const look = "SELECT CAST(head AS CHAR), cluster_id, revision FROM id_heads WHERE namespace='n'";
    ask(writer, 'START TRANSACTION');
    ask(writer, raise);
    expect(ask(writer, look)).toMatchObject({ rows: [['9', 'c', 1]] });
    expect(ask(reader, look)).toMatchObject({ rows: [['5', 'c', 0]] });
    // The row is locked: the other writer waits, and gives up when the wait is over.
    let waited: unknown;
    database.execute(reader, raise, true, (result) => {
      waited = result;
    });
    expect(waited).toBeUndefined();
    await time.advance(2_000);
    expect(waited).toMatchObject({ kind: 'refused', errno: 1205 });
    database.close(writer);
    expect(ask(reader, look)).toMatchObject({ rows: [['5', 'c', 0]] });
  });
});

describe('the simulated ensemble', () => {
  test('a follower that lags answers a read from the past, and after a transaction on the same connection it does not', () => {
    const ensemble = new Ensemble();
    ensemble.put('/a', Buffer.from('old'));
    const session = ensemble.openSession('one', () => {});
    ensemble.put('/a', Buffer.from('new'));
    const read = () => `${ensemble.request(session, { op: 'getData', path: '/a' }, true).data}`;
    expect(read()).toBe('old');
    ensemble.request(session, { op: 'transaction', path: '/a', ops: [{ op: 'check', path: '/a' }] }, false);
    expect(read()).toBe('new');
  });

  test('a restored one knows the nodes of the copy, at their versions, and no session', () => {
    const ensemble = new Ensemble();
    let ended = 0;
    ensemble.put('/a', Buffer.from('1'));
    const copy = ensemble.copy();
    const session = ensemble.openSession('one', () => {
      ended += 1;
    });
    ensemble.put('/a', Buffer.from('2'));
    ensemble.restore(copy);
    expect([ended, session.isOpen, `${ensemble.peek('/a')}`]).toEqual([1, false, '1']);
    const write = { op: 'setData', path: '/a', data: Buffer.from('3') } as const;
    const again = ensemble.openSession('one', () => {});
    expect(ensemble.request(again, { ...write, version: 1 }, false).code).toBe(-103);
    expect(ensemble.request(again, { ...write, version: 0 }, false).code).toBe(0);
  });
});

describe('the simulated wires', () => {
  test('a write whose answer does not come in time is of unknown outcome, and ends the connection with it', async () => {
    const bench = new Bench();
    const session = bench.session();
    const store = bench.driven(createZookeeperMarkStore(session, { namespace: 'links', connectWaitMs: 5_000 }));
    await store.read();
    await store.create({ next: 100_000, ledgered: 100_000 }, 'cluster');
    const snapshot = await store.read();
    if (snapshot === 'missing') throw new Error('no mark');
    bench.network.takeAway('ZooKeeper', 'frozen', 5_000);
    const write = store.write(snapshot.version, { next: 200_000, ledgered: 100_000 });
    await expect(write).rejects.toBeInstanceOf(UnknownOutcomeError);
    await expect(store.create({ next: 1, ledgered: 1 }, 'x')).rejects.toBeInstanceOf(WitnessUnavailableError);
    // It thaws, and the write that was given up is there. What was read on the connection from before is stale.
    await bench.time.advance(10_000);
    expect(await store.read()).toMatchObject({ mark: { next: 200_000 } });
    expect(await store.write(snapshot.version, { next: 300_000, ledgered: 100_000 })).toEqual({ outcome: 'stale' });
    expect(bench.coverage.counts.get('a write applied after its caller had given up')).toBe(1);
  });
});

describe('a simulated process', () => {
  test('hears of nothing while it is paused, of everything when it wakes, and its clock has gone on', async () => {
    const time = new SimulatedClock();
    const process = new SimulatedProcess('one', time);
    const heard: string[] = [];
    process.clock.schedule(10, () => heard.push(`timer at ${process.clock.monotonicMs()}`));
    process.clock.schedule(20, () => heard.push('never'))();
    process.pause();
    await time.advance(50);
    process.deliver(() => heard.push('answer'));
    expect(heard).toEqual([]);
    process.wake(false);
    await time.advance(0);
    expect(heard).toEqual(['timer at 50', 'answer']);
    process.die();
    process.deliver(() => heard.push('too late'));
    process.clock.schedule(1, () => heard.push('too late'));
    await time.advance(50);
    expect(heard).toHaveLength(2);
  });
});

describe('what must never happen', () => {
  const kinds = (safety: Safety) => safety.violations.map(({ kind }) => kind);

  test('a counter that is issued twice is told with its neighbours, both origins and the leases that cover it', () => {
    const safety = new Safety(() => 7);
    const row = { ...RANGE, serverId: 'b', host: '', processStartMs: 0, leasedAtMs: 0, witnessVersion: 0, codec: '' };
    safety.issued('a', 100_004, []);
    safety.issued('a', 100_005, []);
    safety.issued('b', 100_005, [{ ...row, state: 'leased' }]);
    expect(safety.violations).toEqual([
      {
        kind: 'duplicate',
        text: [
          'counter 100005 was issued by a at 7.000 ms and by b at 7.000 ms',
          '  100004: a at 7.000 ms; 100006: nobody',
          '  [100000, 100010) is on record as leased for b',
        ].join('\n'),
      },
    ]);
  });

  test('a range needs both witnesses’ gift, and is one server’s until that one has given it up', () => {
    const safety = new Safety(() => 0);
    safety.gave('zookeeper', 'a', RANGE);
    safety.acquired('a', RANGE, ['zookeeper', 'ledger']);
    expect(kinds(safety)).toEqual(['unacknowledged']);
    const tail = { start: 100_004, end: 100_010 };
    safety.gaveUp('a', tail);
    safety.acquired('b', tail, []);
    expect(kinds(safety)).toEqual(['unacknowledged']);
    safety.acquired('c', { start: 100_003, end: 100_004 }, []);
    expect(kinds(safety)).toEqual(['unacknowledged', 'held twice']);
  });
});

describe('the command line', () => {
  test('has a default for everything, and a seed only when one is given', () => {
    const all = { schedules: 10_000, seed: undefined, setting: undefined, mutant: undefined, workers: 2 };
    expect(parseCommandLine([])).toEqual({ ...all, path: undefined, json: false });
    expect(parseCommandLine(['--help', '--list'])).toBe('help');
    expect(parseCommandLine(['--list'])).toBe('list');
    expect(listChoices()).toContain('publish-retried');
  });

  test.each([
    ['--schedules', '0'],
    ['--seed', '-1'],
    ['--seed', '2147483648'],
    ['--setting', 'none'],
    ['--mutant', 'none'],
    ['--workers', '65'],
    ['--path', '1:2'],
    ['--path', 'x', '--seed', '1', '--setting', 'both'],
    ['--mutant', 'publish-retried', '--setting', 'both'],
    ['--nonsense'],
    ['word'],
  ])('refuses %s %s', (...args) => {
    expect(() => parseCommandLine(args)).toThrow(UsageError);
  });

  test('the work is shared between threads and settings, each share with a seed of its own', () => {
    const options = { schedules: 5_600, seed: 5, workers: 2, progress: () => {} };
    const tasks = tasksOf(options).flat();
    expect(tasks).toHaveLength(16);
    expect(new Set(tasks.map(({ seed }) => seed)).size).toBe(16);
    // A fortieth as many come on top, of the shared copy.
    expect(tasks.reduce((sum, { schedules }) => sum + schedules, 0)).toBe(5_740);
    expect(tasksOf({ ...options, setting: 'both', path: '3:1' })).toEqual([
      [{ setting: 'both', mutant: undefined, seed: 5, schedules: 1, path: '3:1' }],
    ]);
  });
});
