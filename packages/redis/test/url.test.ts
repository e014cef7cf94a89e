import { InvalidRedisUrlError, parseRedisUrl, redisSettings } from '../src/index.js';

test.each([
  ['redis://localhost', { kind: 'single', node: { host: 'localhost', port: 6379 }, database: 0 }],
  ['redis://localhost:7000/2', { kind: 'single', node: { host: 'localhost', port: 7000 }, database: 2 }],
  [
    'rediss://[::1]:7000/',
    { kind: 'single', tls: { mode: 'verify-identity' }, node: { host: '::1', port: 7000 }, database: 0 },
  ],
  [
    'rediss://lakh:p%40ss%3Aw%2Frd@cache.example:6380',
    {
      kind: 'single',
      tls: { mode: 'verify-identity' },
      node: { host: 'cache.example', port: 6380 },
      database: 0,
      username: 'lakh',
      password: 'p@ss:w/rd',
    },
  ],
  ['redis://:secret@h', { kind: 'single', node: { host: 'h', port: 6379 }, database: 0, password: 'secret' }],
  [
    'redis+sentinel://h1,h2:26380,h3/main',
    {
      kind: 'sentinel',
      nodes: [
        { host: 'h1', port: 26379 },
        { host: 'h2', port: 26380 },
        { host: 'h3', port: 26379 },
      ],
      name: 'main',
      database: 0,
    },
  ],
  [
    'redis+sentinel://u:secret@h1/main/3',
    {
      kind: 'sentinel',
      nodes: [{ host: 'h1', port: 26379 }],
      name: 'main',
      database: 3,
      username: 'u',
      password: 'secret',
    },
  ],
  [
    'redis+cluster://:secret@10.0.0.1:7001,10.0.0.2',
    {
      kind: 'cluster',
      nodes: [
        { host: '10.0.0.1', port: 7001 },
        { host: '10.0.0.2', port: 6379 },
      ],
      password: 'secret',
    },
  ],
  ['unix:///run/redis/redis.sock', { kind: 'single', node: { path: '/run/redis/redis.sock' }, database: 0 }],
  [
    'unix://u:s%2Fcret@/run/redis%20a/redis.sock?db=2',
    { kind: 'single', node: { path: '/run/redis a/redis.sock' }, database: 2, username: 'u', password: 's/cret' },
  ],
  [
    'rediss://h/1?ssl-ca=/etc/ca.pem&ssl-cert=/etc/c%26.pem&ssl-key=/etc/c.key',
    {
      kind: 'single',
      node: { host: 'h', port: 6379 },
      database: 1,
      tls: {
        mode: 'verify-identity',
        caFile: '/etc/ca.pem',
        client: { certFile: '/etc/c&.pem', keyFile: '/etc/c.key' },
      },
    },
  ],
  [
    'rediss://h?ssl-mode=required',
    { kind: 'single', node: { host: 'h', port: 6379 }, database: 0, tls: { mode: 'required' } },
  ],
  [
    'rediss+sentinel://u:p@h1/main/3?sentinel-username=s&sentinel-password=a%2Bb+c&ssl-mode=verify-ca',
    {
      kind: 'sentinel',
      nodes: [{ host: 'h1', port: 26379 }],
      name: 'main',
      database: 3,
      username: 'u',
      password: 'p',
      sentinel: { username: 's', password: 'a+b+c' },
      tls: { mode: 'verify-ca' },
    },
  ],
  [
    'redis+sentinel://h1/main?sentinel-password=s',
    {
      kind: 'sentinel',
      nodes: [{ host: 'h1', port: 26379 }],
      name: 'main',
      database: 0,
      sentinel: { password: 's' },
    },
  ],
  [
    'rediss+cluster://h1?ssl-ca=/etc/ca.pem',
    {
      kind: 'cluster',
      nodes: [{ host: 'h1', port: 6379 }],
      tls: { mode: 'verify-identity', caFile: '/etc/ca.pem' },
    },
  ],
])('%s', (url, target) => {
  expect(parseRedisUrl(url)).toEqual(target);
});

test.each([
  ['', 'expected redis://'],
  ['localhost:6379', 'expected redis://'],
  ['http://hunter2@localhost', 'unknown kind'],
  ['constructor://:hunter2@localhost', 'unknown kind'],
  ['redis+sentinel://:hunter2@h1,h2', 'name of the master'],
  ['redis+sentinel://:hunter2@h1/main/x', 'database is not a number'],
  ['redis+sentinel://:hunter2@h1/main/0/more', 'name of the master'],
  ['redis+sentinel://h1/main?sentinel-username=hunter2', 'no sentinel-password'],
  ['redis+sentinel://h1/main?sentinel-password=', 'sentinel-password has no value'],
  ['redis+sentinel://h1/main?sentinel-password=hunter2&sentinel-password=b', 'given twice'],
  ['redis+sentinel://h1/main?password=hunter2', 'known are sentinel-username, sentinel-password'],
  ['redis+sentinel://h1/main?hunter2', 'known are sentinel-username, sentinel-password'],
  ['redis+cluster://:hunter2@h1,h2/0', 'one database'],
  ['redis://:hunter2@h1,h2', 'several hosts'],
  ['redis://:hunter2@h1:0', 'host 1 is not'],
  ['redis://:hunter2@h1:70000', 'host 1 is not'],
  ['redis://:hunter2@h1:port', 'host 1 is not'],
  ['redis://:hunter2@/0', 'host 1 is not'],
  ['redis://:hunter2@h1/one', 'database is not a number'],
  ['redis://:hunter2@h1?tls=no', 'nothing may come there'],
  ['redis://:hunter2@h1?foo=1', 'an option "foo" behind the ? is unknown for this kind of address: nothing may come'],
  ['redis://:h/x?hunter2=y@h1', 'an option behind the ? is unknown'],
  ['rediss://:hunter2@h1?sslmode=required', 'an option "sslmode" (did you mean ssl-mode?) behind the ?'],
  ['redis://:hunter2@h1?ssl-ca=/ca.pem', 'need rediss'],
  ['redis://:hunter2%@h1', 'two hexadecimal digits'],
  ['redis://hunter2@h1', 'no password'],
  ['redis://:hunter2@h1,,h2', 'host 2 is not'],
  ['redis+cluster://:hunter2@h1,', 'host 2 is not'],
  ['REDIS://:hunter2@h1', 'expected redis://'],
  ['rediss://:hunter2@h1?ssl-cert=/c.pem', 'without the other'],
  ['rediss://:hunter2@h1?ssl-mode=hunter2', 'ssl-mode is none of verify-identity, verify-ca, required'],
  ['rediss://:hunter2@h1?ssl-mode=off', 'ssl-mode is none of'],
  ['rediss://:hunter2@h1?ssl-mode=required&ssl-ca=/ca.pem', 'checks nothing'],
  ['unix://run/redis.sock', 'absolute path'],
  ['unix://:hunter2@', 'absolute path'],
  ['unix:///run/redis.sock?db=hunter2', 'database is not a number'],
  ['unix:///run/redis.sock?ssl-mode=required', 'known are db'],
  ['unixs:///run/hunter2.sock', 'unknown kind'],
])('refuses %j, says why and shows nothing of it', (url, why) => {
  const refused = (() => {
    try {
      return parseRedisUrl(url);
    } catch (error) {
      return error;
    }
  })();
  expect(refused).toBeInstanceOf(InvalidRedisUrlError);
  expect(refused).toMatchObject({ code: 'invalid_redis_url', message: expect.stringContaining(why) });
  expect((refused as Error).message).not.toContain('hunter2');
});

test('the files of TLS are looked at with the setting, and named where they cannot be used', () => {
  const { parse } = redisSettings.redis.parser;
  expect(() => parse('rediss://h?ssl-ca=/nowhere/ca.pem')).toThrow('ssl-ca: cannot read /nowhere/ca.pem (ENOENT)');
  const none = __filename;
  expect(() => parse(`rediss://h?ssl-cert=${none}&ssl-key=${none}`)).toThrow(
    `TLS cannot be made with ${none}, ${none}:`,
  );
  expect(() => parse(`rediss://h?ssl-ca=${none}`)).toThrow(`ssl-ca: ${none} holds no certificate in PEM`);
  expect(() => parse('rediss://h?ssl-ca=/dev/null')).toThrow('ssl-ca: /dev/null is empty');
  expect(() => parse('rediss://h?ssl-cert=/dev/null&ssl-key=/dev/null')).toThrow('ssl-cert: /dev/null is empty');
  expect(parse('rediss://h')).toMatchObject({ tls: { mode: 'verify-identity' } });
});
