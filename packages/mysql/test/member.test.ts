import { memberName, mysqlSettings, onlyMember, Pool, parseDatabase } from '../src/index.js';

const MEMBER = { host: 'db1', port: 3306, user: 'lakh', password: 'secret', database: 'lakh' };

const only = (text: string) => onlyMember(parseDatabase(text));

describe('LAKH_DATABASE', () => {
  test('one member', () => {
    expect(parseDatabase(' mysql://lakh:secret@db1:3306/lakh\n')).toEqual([MEMBER]);
    expect(parseDatabase('mariadb://lakh:secret@db1/lakh')).toEqual([MEMBER]);
    expect(only('mysql://lakh:secret@[::1]:3308/lakh_2')).toEqual({
      ...MEMBER,
      host: '::1',
      port: 3308,
      database: 'lakh_2',
    });
  });

  test('user and password are percent-decoded, also what separates members', () => {
    const password = "p@ss:w/o,r d?#%'é";
    const member = only(`mysql://us%40er:${encodeURIComponent(password)}@db1/lakh`);
    expect(member).toEqual({ ...MEMBER, user: 'us@er', password });
    expect(only('mysql://lakh@db1/lakh')).toEqual({ ...MEMBER, password: '' });
  });

  test.each([
    ['nothing', ' \n ', 'no member'],
    ['another protocol', 'postgres://lakh:hunter2@db1/lakh', 'member 1: does not start with mysql://'],
    ['no URL', 'db1:3306', 'member 1'],
    ['an empty member', 'mysql://lakh:hunter2@db1/lakh,', 'member 2: is not a URL'],
    ['no user', 'mysql://db1/lakh', 'has no user'],
    ['no database', 'mysql://lakh:hunter2@db1', 'has no database'],
    ['a path', 'mysql://lakh:hunter2@db1/lakh/more', 'has no database'],
    ['an unknown option', 'mysql://lakh:hunter2@db1/lakh?ssl=1', 'none of socket, ssl-mode'],
    [
      'an option of another program',
      'mysql://lakh:hunter2@db1/lakh?foo=1',
      'an option "foo" behind its ? that is none of',
    ],
    [
      'a misspelt option',
      'mysql://lakh:hunter2@db1/lakh?ssl_mode=off',
      'an option "ssl_mode" (did you mean ssl-mode?)',
    ],
    ['a ?, a = and letters alone in the password', 'mysql://lakh:x@y?hunter2=@db1/lakh', 'an option behind its ?'],
    ['a ?, a = and a comma in it', 'mysql://lakh:x@y?hunter2=,z@db1/lakh', 'member 2: is not a URL'],
    [
      'other names of the database',
      'mysql://lakh@a/lakh,mysql://lakh@b/lakh,mysql://lakh@c/lahk',
      'members 1 and 3 name different databases',
    ],
    ['a ? in the password', 'mysql://lakh:x@y?hunter2@db1/lakh', 'none of socket, ssl-mode'],
    ['an option without a value', 'mysql://lakh:hunter2@db1/lakh?ssl-mode', 'has ssl-mode without a value'],
    ['an option twice', 'mysql://lakh:hunter2@db1/lakh?ssl-mode=off&ssl-mode=required', 'has ssl-mode twice'],
    [
      'another mode',
      'mysql://lakh:hunter2@db1/lakh?ssl-mode=preferred',
      'none of off, required, verify-ca, verify-identity',
    ],
    ['files without TLS', 'mysql://lakh:hunter2@db1/lakh?ssl-mode=off&ssl-ca=/ca.pem', 'ssl-mode=off and files'],
    [
      'a CA that nothing is checked with',
      'mysql://lakh:hunter2@db1/lakh?ssl-mode=required&ssl-ca=/ca.pem',
      'which checks nothing',
    ],
    [
      'a certificate without its key',
      'mysql://lakh:hunter2@db1/lakh?ssl-cert=/cert.pem',
      'one of ssl-cert and ssl-key',
    ],
    ['a socket elsewhere', 'mysql://lakh:hunter2@db1/lakh?socket=/run/db.sock', 'another host than localhost'],
    ['a socket without its folder', 'mysql://lakh:hunter2@localhost/lakh?socket=db.sock', 'no absolute path'],
    ['TLS over a socket', 'mysql://lakh:hunter2@localhost/lakh?socket=/db.sock&ssl-mode=required', 'needs no ssl-mode'],
    ['a fragment', 'mysql://lakh:hunter2@db1/lakh#x', 'has a fragment'],
    ['a blank in between', 'mysql://lakh:hunter2@db1/lakh mysql://db2', 'has white space in it'],
    ['a bad escape', 'mysql://lakh:hunter2%zz@db1/lakh', 'has a password that is not percent-encoded'],
    ['a port out of range', 'mysql://lakh:hunter2@db1:99999/lakh', 'is not a URL'],
    ['port 0', 'mysql://lakh:hunter2@db1:0/lakh', 'port 0'],
    ['no host', 'mysql://lakh:hunter2@/lakh', 'member 1'],
    ['a bad second one', 'mysql://lakh:hunter2@db1/lakh,mysql:/hunter2', 'member 2'],
    [
      'one server twice',
      'mysql://lakh:hunter2@db1/lakh,mysql://other:hunter2@db1:3306/lakh',
      'members 1 and 2 are the same',
    ],
  ])('%s is refused, by its place and without its password', (_what, text, message) => {
    const refusal = (): Error => {
      try {
        parseDatabase(text);
      } catch (error) {
        return error as Error;
      }
      throw new Error('was accepted');
    };
    expect(refusal()).toMatchObject({ code: 'invalid_database', message: expect.stringContaining(message) });
    expect(`${refusal().stack} ${JSON.stringify(refusal())}`).not.toContain('hunter2');
  });

  test('several, each with its own options', () => {
    const text =
      'mysql://lakh:secret@db1/lakh , mysql://me:secret@db2:3307/lakh?ssl-mode=required,\nmysql://lakh:secret@localhost/lakh?socket=/s\n';
    expect(parseDatabase(text).map(memberName)).toEqual(['db1:3306/lakh', 'db2:3307/lakh', 'unix:/s/lakh']);
    expect(parseDatabase(text).map(({ user, tls }) => [user, tls?.mode])).toEqual([
      ['lakh', undefined],
      ['me', 'required'],
      ['lakh', undefined],
    ]);
    expect(() => onlyMember(parseDatabase(text))).toThrow('3 members are given; this uses one');
  });

  test('a unix socket', () => {
    const member = only('mysql://lakh:secret@localhost/lakh?socket=/run/my%2Csqld.sock');
    expect(member).toEqual({ ...MEMBER, host: 'localhost', socketPath: '/run/my,sqld.sock' });
    expect(memberName(member)).toBe('unix:/run/my,sqld.sock/lakh');
  });

  test.each([
    ['', undefined],
    ['?ssl-mode=off', undefined],
    ['?ssl-mode=DISABLED', undefined],
    ['?ssl-mode=required', { mode: 'required' }],
    ['?ssl-mode=VERIFY_CA', { mode: 'verify-ca' }],
    ['?ssl-ca=/ca.pem', { mode: 'verify-identity', caFile: '/ca.pem' }],
    [
      '?ssl-mode=required&ssl-cert=/cert.pem&ssl-key=/key.pem',
      { mode: 'required', client: { certFile: '/cert.pem', keyFile: '/key.pem' } },
    ],
  ])('TLS: %s', (options, tls) => {
    expect(only(`mysql://lakh:secret@db1/lakh${options}`).tls).toEqual(tls);
  });

  test.each([
    [`ssl-ca=${__filename}`, `member 1: ssl-ca: ${__filename} holds no certificate in PEM`],
    ['ssl-ca=/dev/null', 'member 1: ssl-ca: /dev/null is empty'],
    ['ssl-cert=/dev/null&ssl-key=/dev/null', 'member 1: ssl-cert: /dev/null is empty'],
  ])('files of TLS that say nothing: %s', (options, why) => {
    expect(() => mysqlSettings.database.parser.parse(`mysql://lakh:secret@db1/lakh?${options}`)).toThrow(why);
  });

  test('a pool is named by what people may see', () => {
    const pool = new Pool(MEMBER);
    expect(pool.name).toBe('db1:3306/lakh');
    pool.close();
  });
});
