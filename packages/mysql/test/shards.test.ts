import { BUCKETS, bucketOf, openShards, parseShards } from '../src/index.js';

const MEMBER = { host: 'db1', port: 3306, user: 'lakh', password: 'secret', database: 'lakh' };

describe('LAKH_SHARDS', () => {
  test('one shard of one member', () => {
    expect(parseShards(' mysql://lakh:secret@db1:3306/lakh\n')).toEqual([[MEMBER]]);
    expect(parseShards('mysql://lakh:secret@db1/lakh')).toEqual([[MEMBER]]);
  });

  test('shards apart by white space, members by commas', () => {
    const text =
      'mysql://lakh:secret@db1/lakh,mysql://lakh:secret@db2:3307/lakh\n\tmysql://lakh:secret@[::1]:3308/lakh_2';
    expect(parseShards(text)).toEqual([
      [MEMBER, { ...MEMBER, host: 'db2', port: 3307 }],
      [{ ...MEMBER, host: '::1', port: 3308, database: 'lakh_2' }],
    ]);
  });

  test('user and password are percent-decoded, also what separates members and shards', () => {
    const password = "p@ss:w/o,r d?#%'é";
    const [[member] = []] = parseShards(`mysql://us%40er:${encodeURIComponent(password)}@db1/lakh`);
    expect(member).toEqual({ ...MEMBER, user: 'us@er', password });
    expect(parseShards('mysql://lakh@db1/lakh')).toEqual([[{ ...MEMBER, password: '' }]]);
  });

  test.each([
    ['nothing', ' \n ', 'no shard'],
    ['another protocol', 'postgres://lakh:hunter2@db1/lakh', 'shard 1, member 1: does not start with mysql://'],
    ['no URL', 'db1:3306', 'shard 1, member 1'],
    ['an empty member', 'mysql://lakh:hunter2@db1/lakh,', 'shard 1, member 2: is not a URL'],
    ['no user', 'mysql://db1/lakh', 'has no user'],
    ['no database', 'mysql://lakh:hunter2@db1', 'has no database'],
    ['a path', 'mysql://lakh:hunter2@db1/lakh/more', 'has no database'],
    ['options', 'mysql://lakh:hunter2@db1/lakh?ssl=1', 'has a query'],
    ['a bad escape', 'mysql://lakh:hunter2%zz@db1/lakh', 'has a password that is not percent-encoded'],
    ['a port out of range', 'mysql://lakh:hunter2@db1:99999/lakh', 'is not a URL'],
    ['port 0', 'mysql://lakh:hunter2@db1:0/lakh', 'port 0'],
    ['no host', 'mysql://lakh:hunter2@/lakh', 'shard 1, member 1'],
    ['a second shard', 'mysql://lakh:hunter2@db1/lakh mysql:/hunter2', 'shard 2, member 1'],
  ])('%s is refused, by its place and without its password', (_what, text, message) => {
    const refusal = (): Error => {
      try {
        parseShards(text);
      } catch (error) {
        return error as Error;
      }
      throw new Error('was accepted');
    };
    expect(refusal()).toMatchObject({ code: 'invalid_shards', message: expect.stringContaining(message) });
    expect(`${refusal().stack} ${JSON.stringify(refusal())}`).not.toContain('hunter2');
  });

  test('more than one shard or member is refused until it is built', () => {
    expect(() => openShards([[MEMBER], [MEMBER]])).toThrow('2 shards are given');
    expect(() => openShards([[MEMBER, MEMBER]])).toThrow('a shard of 2 members');
    expect(() => openShards([])).toThrow('no shard');
    const shards = openShards([[MEMBER]]);
    expect(shards.of(0, 'Q0u')).toBe(shards.first);
    expect(shards.first.name).toBe('db1:3306/lakh');
    shards.first.close();
  });
});

describe('buckets', () => {
  test('a code keeps its bucket for ever', () => {
    const known: Record<string, number> = { Q0u: 537, Q0v: 514, 'my-alias': 592 };
    for (const [code, bucket] of Object.entries(known)) expect(bucketOf(0, code)).toBe(bucket);
    expect(bucketOf(1, 'Q0u')).not.toBe(bucketOf(0, 'Q0u'));
  });

  test('codes that follow one another spread evenly', () => {
    const counts = new Array<number>(BUCKETS).fill(0);
    const codes = 200_000;
    for (let i = 0; i < codes; i += 1) {
      const bucket = bucketOf(0, (100_000 + i).toString(36));
      counts[bucket] = (counts[bucket] as number) + 1;
    }
    const expected = codes / BUCKETS;
    expect(Math.min(...counts)).toBeGreaterThan(expected * 0.6);
    expect(Math.max(...counts)).toBeLessThan(expected * 1.4);
    const half = counts.slice(0, BUCKETS / 2).reduce((sum, count) => sum + count, 0);
    expect(Math.abs(half / codes - 0.5)).toBeLessThan(0.01);
  });
});
