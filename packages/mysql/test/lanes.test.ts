import type { SqlSession } from '../src/index.js';
import { rangesByByte, ShardLanes } from '../src/index.js';
import type { PrimaryPool } from '../src/wire/primary-pool.js';

describe('ranges of keyspace ids', () => {
  test('each byte lies in one of them, by its digits', () => {
    const found = rangesByByte(['80-', '-40', '40-80']) as readonly string[];
    expect([0x00, 0x3f, 0x40, 0x7f, 0x80, 0xff].map((byte) => found[byte])).toEqual([
      '-40',
      '-40',
      '40-80',
      '40-80',
      '80-',
      '80-',
    ]);
    expect(new Set(rangesByByte(['-']))).toEqual(new Set(['-']));
    // Shards split more finely than buckets are: the byte alone comes before all that it begins.
    expect(rangesByByte(['-4080', '4080-'])?.slice(0x3f, 0x42)).toEqual(['-4080', '-4080', '4080-']);
  });

  test('what leaves out a byte, or has one twice, is none', () => {
    expect(rangesByByte(['-40', '80-'])).toBeUndefined();
    expect(rangesByByte(['-80', '40-'])).toBeUndefined();
    expect(rangesByByte([])).toBeUndefined();
  });
});

describe('lanes', () => {
  function harness(version = '8.4.6-Vitess') {
    let shards = ['lakh/-80', 'lakh/80-', 'other/-'];
    let isAway = false;
    let tablets: string[][] = [];
    const told: string[] = [];
    const opened: string[] = [];
    const closed: string[] = [];
    const session = {
      facts: { version, fsyncPerCommit: true },
      query: async (sql: string) => ({
        rows: sql === 'SHOW VITESS_TABLETS' ? tablets : shards.map((name) => [name]),
        affectedRows: 0,
      }),
    };
    const replicasServe = (name: string) => (doThey: boolean) => told.push(`${name} ${doThey}`);
    const pool = (name: string) => ({
      name,
      deadlineMs: 5,
      close: () => closed.push(name),
      replicasServe: replicasServe(name),
    });
    const whole = {
      ...pool('whole'),
      read: async (work: (session: SqlSession) => Promise<unknown>) => {
        if (isAway) throw new Error('away');
        return work(session as unknown as SqlSession);
      },
    } as unknown as PrimaryPool;
    const lanes = new ShardLanes({
      whole,
      keyspace: 'lakh',
      open(range, count) {
        opened.push(`${range} of ${count}`);
        return pool(range) as never;
      },
    });
    return {
      lanes,
      opened,
      closed,
      told,
      serve: (next: string[][]) => {
        tablets = next;
      },
      names: () => lanes.all.map(({ name }) => name),
      turnOut: (next: string[]) => {
        shards = next;
      },
      goAway: () => {
        isAway = true;
      },
    };
  }

  test('are one until the shards are known, and one for ever where there are none', async () => {
    const { lanes, names } = harness();
    expect([names(), lanes.of(7).name]).toEqual([['whole'], 'whole']);
    await lanes.ask();
    expect(names()).toEqual(['-80', '80-']);
    expect([lanes.of(0x7f).name, lanes.of(0x80).name]).toEqual(['-80', '80-']);
    lanes.close();
    const plain = harness('10.11.6-MariaDB');
    await plain.lanes.ask();
    expect([plain.names(), plain.opened]).toEqual([['whole'], []]);
  });

  test('follow a split: what is still a shard keeps its lane, and what is none is closed later', async () => {
    const { lanes, names, opened, closed, turnOut } = harness();
    await lanes.ask();
    turnOut(['lakh/-40', 'lakh/40-80', 'lakh/80-']);
    const kept = lanes.of(0xff);
    await lanes.ask();
    expect(names()).toEqual(['-40', '40-80', '80-']);
    expect(lanes.of(0xff)).toBe(kept);
    expect(opened).toEqual(['-80 of 2', '80- of 2', '-40 of 3', '40-80 of 3']);
    expect(closed).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(closed).toEqual(['-80']);
    lanes.close();
    expect(closed.sort()).toEqual(['-40', '-80', '40-80', '80-']);
  });

  test('stay what they were while nobody tells, or what is told leaves out a part', async () => {
    const { lanes, names, turnOut, goAway } = harness();
    await lanes.ask();
    turnOut(['lakh/-40', 'lakh/80-']);
    await lanes.ask();
    expect(names()).toEqual(['-80', '80-']);
    goAway();
    await lanes.ask();
    expect(names()).toEqual(['-80', '80-']);
    lanes.close();
  });

  test.each(['-', '0'])('a keyspace of one shard, %s, has one lane, which may have replicas', async (range) => {
    const { lanes, names, told, turnOut, serve, opened } = harness();
    turnOut([`lakh/${range}`]);
    serve([['zone1', 'lakh', range, 'REPLICA', 'SERVING', 'zone1-102']]);
    await lanes.ask();
    expect([names(), opened, told]).toEqual([[range], [`${range} of 1`], [`${range} true`]]);
    expect([0x00, 0xff].map((byte) => lanes.of(byte).name)).toEqual([range, range]);
    turnOut(['lakh/-80', 'lakh/80-']);
    await lanes.ask();
    expect(names()).toEqual(['-80', '80-']);
    lanes.close();
  });

  test('are told which of their shards have replicas that serve', async () => {
    const { lanes, told, serve } = harness();
    serve([
      ['zone1', 'lakh', '-80', 'PRIMARY', 'SERVING', 'zone1-101'],
      ['zone1', 'lakh', '-80', 'REPLICA', 'SERVING', 'zone1-102'],
      ['zone1', 'lakh', '80-', 'PRIMARY', 'SERVING', 'zone1-103'],
      ['zone1', 'lakh', '80-', 'REPLICA', 'NOT_SERVING', 'zone1-104'],
      ['zone1', 'other', '80-', 'REPLICA', 'SERVING', 'zone1-105'],
    ]);
    await lanes.ask();
    expect(told.splice(0)).toEqual(['-80 true', '80- false']);
    serve([]);
    await lanes.ask();
    expect(told).toEqual(['-80 false', '80- false']);
    lanes.close();
  });
});
