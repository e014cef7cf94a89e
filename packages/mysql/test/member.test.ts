import { Pool, parseDatabase } from '../src/index.js';

const MEMBER = { host: 'db1', port: 3306, user: 'lakh', password: 'secret', database: 'lakh' };

describe('LAKH_SHARDS', () => {
  test('one shard of one member', () => {
    expect(parseDatabase(' mysql://lakh:secret@db1:3306/lakh\n')).toEqual(MEMBER);
    expect(parseDatabase('mysql://lakh:secret@db1/lakh')).toEqual(MEMBER);
    expect(parseDatabase('mysql://lakh:secret@[::1]:3308/lakh_2')).toEqual({
      ...MEMBER,
      host: '::1',
      port: 3308,
      database: 'lakh_2',
    });
  });

  test('user and password are percent-decoded, also what separates members and shards', () => {
    const password = "p@ss:w/o,r d?#%'é";
    const member = parseDatabase(`mysql://us%40er:${encodeURIComponent(password)}@db1/lakh`);
    expect(member).toEqual({ ...MEMBER, user: 'us@er', password });
    expect(parseDatabase('mysql://lakh@db1/lakh')).toEqual({ ...MEMBER, password: '' });
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
        parseDatabase(text);
      } catch (error) {
        return error as Error;
      }
      throw new Error('was accepted');
    };
    expect(refusal()).toMatchObject({ code: 'invalid_shards', message: expect.stringContaining(message) });
    expect(`${refusal().stack} ${JSON.stringify(refusal())}`).not.toContain('hunter2');
  });

  test('more than one shard or member is refused until it is built', () => {
    const second = 'mysql://lakh:secret@db2:3307/lakh';
    expect(() => parseDatabase(`mysql://lakh@db1/lakh,${second}\n\t${second}`)).toThrow('2 shards are given');
    expect(() => parseDatabase(`mysql://lakh@db1/lakh,${second}`)).toThrow('a shard of 2 members');
  });

  test('a pool is named by what people may see', () => {
    const pool = new Pool(MEMBER);
    expect(pool.name).toBe('db1:3306/lakh');
    pool.close();
  });
});
