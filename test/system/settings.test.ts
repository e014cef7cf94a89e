import { readProgramConfig } from '@lakh/process';
import { loggableSettings, type Program, type SettingList, SettingsError, type SettingsOf } from '@lakh/settings';
import { tool } from '../../services/lakh/src/config';
import { redirect } from '../../services/redirect/src/config';
import { shorten } from '../../services/shorten/src/config';
import { standalone } from '../../services/standalone/src/config';

// What each server makes of an environment.

const shortenEnv = { LAKH_ZOOKEEPER: 'zk:2181', LAKH_DATABASE: 'mysql://u:hunter2@db:3306/lakh' };
const { LAKH_DATABASE } = shortenEnv;
const behindProxy = { LAKH_PUBLIC_URL: 'http://127.0.0.1:80', LAKH_OPEN: 'true' };
const KEY = '0123456789abcdef'.repeat(4);
const sealedEnv = { LAKH_CODEC: 'sealed', LAKH_SEALED_KEYS: `A:${KEY}:100000` };

function load<L extends SettingList>(program: Program<L>, env: Readonly<Record<string, string>>): SettingsOf<L> {
  return readProgramConfig(program, env).settings;
}

function problemsOf(program: Program, env: Readonly<Record<string, string>>): readonly string[] {
  try {
    load(program, env);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as SettingsError).problems;
  }
  throw new Error('the settings were accepted');
}

describe('settings that are accepted', () => {
  test('an empty environment gives standalone its defaults, parsed and frozen', () => {
    const settings = load(standalone, {});
    expect(settings).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080 },
      adminListen: { host: '127.0.0.1', port: 8081 },
      codec: 'base62',
      rangeSize: 1_000,
      runwayS: 600,
      redirectStatus: 301,
      redirectMaxAgeS: 90,
      l1TtlMs: 5000,
      urlMaxLength: 2048,
      open: false,
      publicUrl: undefined,
    });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  test('a program gets its own settings and no others', () => {
    expect(load(redirect, { LAKH_DATABASE })).not.toHaveProperty('zookeeper');
    expect(load(shorten, shortenEnv)).toMatchObject({
      zookeeper: { servers: [{ host: 'zk', port: 2181 }], chroot: '/lakh' },
      database: [{ host: 'db', port: 3306, user: 'u', password: 'hunter2', database: 'lakh' }],
      l2TtlS: 3600,
    });
    expect(load(tool, {})).toMatchObject({ zookeeper: undefined, database: undefined, restoreSkip: 100_000_000 });
  });

  test.each([
    ['zk:2181/', { servers: [{ host: 'zk', port: 2181 }], chroot: '' }],
    ['zk/', { servers: [{ host: 'zk', port: 2181 }], chroot: '' }],
    [
      '[::1]:2182,zk2/a/b',
      {
        servers: [
          { host: '::1', port: 2182 },
          { host: 'zk2', port: 2181 },
        ],
        chroot: '/a/b',
      },
    ],
  ])('LAKH_ZOOKEEPER=%s', (text, address) => {
    expect(load(shorten, { LAKH_DATABASE, LAKH_ZOOKEEPER: text }).zookeeper).toEqual(address);
  });

  test('variables of other programs and of other people are ignored, even malformed ones', () => {
    expect(() => load(shorten, { LAKH_L1_TTL_MS: 'soon', LAKH_K6: '', PATH: '/bin', ...shortenEnv })).not.toThrow();
  });

  test.each([
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ])('LAKH_LISTEN=%s', (text, address) => {
    const env = { LAKH_LISTEN: text, LAKH_PUBLIC_URL: 'https://lakh.example', LAKH_OPEN: 'true' };
    expect(load(standalone, env).listen).toEqual(address);
  });

  test('lists of proxies are taken as blocks', () => {
    const proxies = { LAKH_TRUSTED_PROXIES: '10.0.0.0/8, 127.0.0.1,::1' };
    const { trustedProxies } = load(standalone, { ...behindProxy, ...proxies });
    expect(trustedProxies).toEqual(['10.0.0.0/8', '127.0.0.1/32', '::1/128']);
  });

  test('a public URL is reduced to its origin', () => {
    const env = { LAKH_PUBLIC_URL: 'HTTPS://Lakh.Example:443/', LAKH_OPEN: 'true' };
    expect(load(standalone, env).publicUrl).toBe('https://lakh.example');
  });

  test('what is logged of them says of a secret only that it is set', () => {
    const logged = JSON.stringify(loggableSettings(shorten.settings, load(shorten, shortenEnv)));
    expect(logged).toContain('"database":"(set)"');
    expect(logged).not.toContain('hunter2');
    expect(logged).not.toContain('redis');
    const withAll = {
      ...shortenEnv,
      LAKH_REDIS: 'redis://:hunter3@r',
      LAKH_ZOOKEEPER_AUTH: 'me:hunter4',
      ...sealedEnv,
    };
    expect(JSON.stringify(loggableSettings(shorten.settings, load(shorten, withAll)))).not.toMatch(
      /hunter|0123456789|"key"/,
    );
  });
});

describe('settings that stop the start', () => {
  test('every problem is told at once', () => {
    const env = { LAKH_LISTEN: '8080', LAKH_CODEC: 'hex', LAKH_RNAGE_SIZE: '5', LAKH_ZOOKEEPER: 'zk:', LAKH_REDIS: '' };
    expect(problemsOf(shorten, env)).toEqual([
      'LAKH_RNAGE_SIZE is unknown: did you mean LAKH_RANGE_SIZE?',
      'LAKH_LISTEN: expected host:port (an IPv6 address in brackets; port 0 takes any free port), got "8080"',
      'LAKH_CODEC: expected one of base62, sqids, sealed, got "hex"',
      'LAKH_ZOOKEEPER: expected host:port,host:port,… and optionally /chroot (/ for the root itself), got "zk:": "zk:" is not host or host:port (an IPv6 address in brackets, a port of 1–65535)',
      expect.stringMatching(/^LAKH_DATABASE is required: /),
      'LAKH_REDIS is set but empty: give it a value or unset it',
    ]);
  });

  test.each([
    ['LAKH_LISTEN', ':8080'],
    ['LAKH_LISTEN', '::1:8080'],
    ['LAKH_LISTEN', '[127.0.0.1]:80'],
    ['LAKH_LISTEN', '127.0.0.1:65536'],
    ['LAKH_LISTEN', '127.0.0.1:080'],
    ['LAKH_RANGE_SIZE', '0'],
    ['LAKH_RANGE_SIZE', '1e5'],
    ['LAKH_RANGE_SIZE', ' 5'],
    ['LAKH_RANGE_SIZE', '99999999999999999999'],
    ['LAKH_REDIRECT_STATUS', '303'],
    ['LAKH_OPEN', 'yes'],
    ['LAKH_PUBLIC_URL', 'lakh.example'],
    ['LAKH_PUBLIC_URL', 'ftp://lakh.example'],
    ['LAKH_PUBLIC_URL', 'https://lakh.example/go'],
    ['LAKH_PUBLIC_URL', 'https://me@lakh.example'],
    ['LAKH_PUBLIC_URL', 'https://lakh.example/?'],
    ['LAKH_HOSTS', 'a b'],
    ['LAKH_HOSTS', 'lakh,'],
    ['LAKH_HOSTS', 'lakh:80'],
    ['LAKH_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['LAKH_TRUSTED_PROXIES', '10.0.0.1,'],
    ['LAKH_SERVER_ID', 'a b'],
    ['LAKH_SERVER_ID', '-web'],
    ['LAKH_SERVER_ID', '_1'],
    ['LAKH_SERVER_ID', '.a'],
    ['LAKH_WORKERS', '0'],
    ['LAKH_WORKERS', 'all'],
    ['LAKH_WORKERS', '257'],
    ['LAKH_SQIDS_ALPHABET', '0123456789abcde'],
    ['LAKH_SQIDS_ALPHABET', '0123456789abcdea'],
  ])('%s=%s is malformed', (name, value) => {
    const problems = problemsOf(standalone, { [name]: value });
    expect(problems).toEqual([expect.stringContaining(`${name}: expected`)]);
    expect(problems[0]).toContain(JSON.stringify(value));
  });

  test.each([
    ['zk:0', '"zk:0" is not host or host:port'],
    ['zk:2181,', '"" is not host or host:port'],
    ['zk:2181//a', '"//a" is not a chroot'],
    ['/lakh', 'no server is named'],
    ['zk:2181,ZK:2181', 'zk:2181 is named twice'],
    ['zk,zk:2181/lakh', 'zk:2181 is named twice'],
  ])('LAKH_ZOOKEEPER=%s is malformed', (value, why) => {
    for (const program of [shorten, tool]) {
      const [problem, ...rest] = problemsOf(program, { ...shortenEnv, LAKH_ZOOKEEPER: value });
      expect(problem).toContain(`LAKH_ZOOKEEPER: expected host:port,`);
      expect(problem).toContain(`got ${JSON.stringify(value)}: ${why}`);
      expect(rest).toEqual([]);
    }
  });

  test.each([
    ['mysql://:hunter2@db/lakh', 'member 1: has no user'],
    ['postgres://u:hunter2@db/lakh', 'member 1: does not start with mysql://'],
    ['mysql://u:hunter2@db', 'member 1: has no database'],
    ['mysql://u:hunter2@db/lakh,hunter2', 'member 2: is not a URL'],
    ['mysql://u:hunter2@db/lakh mysql://u:hunter2@db2/lakh', 'member 1: has white space in it'],
    ['mysql://u:hunter2@db/lakh,mysql://v:hunter2@db:3306/lakh', 'members 1 and 2 are the same server'],
    [
      'mysql://u:hunter2@db/lakh?ssl-ca=/nonexistent/ca.pem',
      'member 1: ssl-ca: cannot read /nonexistent/ca.pem (ENOENT)',
    ],
  ])('malformed members (%#) are refused by their place and not echoed', (value, why) => {
    for (const program of [shorten, redirect, tool]) {
      const [problem, ...rest] = problemsOf(program, { ...shortenEnv, LAKH_DATABASE: value });
      expect(problem).toMatch(/^LAKH_DATABASE: expected members by commas/);
      expect(problem).toContain(`(not shown: it is a secret): ${why}`);
      expect(problem).not.toContain('hunter2');
      expect(rest).toEqual([]);
    }
  });

  test.each([
    ['http://:hunter3@redis', 'unknown kind of address'],
    ['redis://:hunter3@a,b', 'several hosts need redis+sentinel:// or redis+cluster://'],
    ['redis+sentinel://:hunter3@a,b', 'a Sentinel address ends with the name of the master'],
    ['redis+cluster://:hunter3@a,b/0', 'a Cluster has one database'],
    ['redis://hunter3@a', 'there is a user but no password'],
    ['redis://:hunter3@a:0', 'host 1 is not host or host:port'],
    ['hunter3', 'not an address of Redis'],
  ])('a malformed LAKH_REDIS (%#) is refused with the reason and not echoed', (value, why) => {
    for (const program of [shorten, redirect]) {
      const [problem, ...rest] = problemsOf(program, { ...shortenEnv, LAKH_REDIS: value });
      expect(problem).toMatch(/^LAKH_REDIS: expected a redis:\/\//);
      expect(problem).toContain(`(not shown: it is a secret): ${why}`);
      expect(problem).not.toContain('hunter3');
      expect(rest).toEqual([]);
    }
  });

  test.each([
    ['hunter4', /sealed key 1 of 1 is not/],
    [`A:${KEY}:100001`, /key A starts at 100001, but counters are issued from 100000 on/],
    [`A:${KEY}:100000 B:${KEY}:200000`, /keys A and B are the same key/],
    ['A:0123abcd:100000', /sealed key 1 of 1 has 8 hexadecimal digits instead of 32, 48 or 64/],
  ])('keys of the sealed codec that make no sense (%#) are not echoed', (keys, why) => {
    const env = { LAKH_CODEC: 'sealed', LAKH_SEALED_KEYS: keys };
    const [problem, ...rest] = problemsOf(standalone, env);
    expect(problem).toMatch(/^LAKH_SEALED_KEYS: expected keys apart by white space/);
    expect(problem).toMatch(why);
    expect(problem).not.toMatch(/hunter4|[0-9a-f]{8}/);
    expect(rest).toEqual(['LAKH_CODEC=sealed needs LAKH_SEALED_KEYS, which is not set or not usable']);
    expect(problemsOf(tool, { LAKH_SEALED_KEYS: keys })).toEqual([problem]);
  });

  test('a secret’s file that is missing is named with the reason', () => {
    const { LAKH_ZOOKEEPER } = shortenEnv;
    expect(problemsOf(shorten, { LAKH_ZOOKEEPER, LAKH_DATABASE_FILE: '/nonexistent/database' })).toEqual([
      'LAKH_DATABASE_FILE: cannot read "/nonexistent/database" (ENOENT)',
    ]);
  });

  test('workers of a program that is one process, or whose supervisor would stay root', () => {
    expect(problemsOf(standalone, { LAKH_WORKERS: '2' })).toEqual([
      expect.stringMatching(/^LAKH_WORKERS=2: this program is one process/),
    ]);
    expect(problemsOf(redirect, { LAKH_DATABASE, LAKH_WORKERS: '2', LAKH_RUN_AS: '7:8' })).toEqual([
      expect.stringMatching(/^LAKH_WORKERS=2 and LAKH_RUN_AS=7:8 do not go together/),
    ]);
    expect(load(redirect, { LAKH_DATABASE }).workers).toBe('auto');
    expect(load(standalone, {}).workers).toBe(1);
  });

  test('both listeners on one address conflict, except on port 0', () => {
    const env = (port: number) => ({ LAKH_LISTEN: `127.0.0.1:${port}`, LAKH_ADMIN_LISTEN: `127.0.0.1:${port}` });
    expect(problemsOf(standalone, env(80))).toEqual([
      'LAKH_LISTEN=127.0.0.1:80 and LAKH_ADMIN_LISTEN=127.0.0.1:80 are the same address',
    ]);
    expect(() => load(standalone, env(0))).not.toThrow();
  });

  test.each(['0.0.0.0:80', '[::]:80', '192.0.2.1:80', 'web.internal:80'])(
    'LAKH_LISTEN=%s, beyond loopback, needs a public URL, and tokens or LAKH_OPEN=true',
    (listen) => {
      const problems = problemsOf(standalone, { LAKH_LISTEN: listen });
      expect(problems).toHaveLength(2);
      expect(problems[0]).toContain('LAKH_PUBLIC_URL');
      expect(problems[1]).toContain('LAKH_OPEN=true');
      const withUrl = { LAKH_LISTEN: listen, LAKH_PUBLIC_URL: 'https://lakh.example' };
      expect(() => load(standalone, { ...withUrl, LAKH_OPEN: 'true' })).not.toThrow();
      expect(() => load(standalone, { ...withUrl, LAKH_API_TOKENS_FILE: 'tokens' })).not.toThrow();
    },
  );

  test.each([
    { LAKH_PUBLIC_URL: 'https://lakh.example' },
    { LAKH_PUBLIC_URL: 'http://[2001:db8::1]' },
    { LAKH_TRUSTED_PROXIES: '127.0.0.1', LAKH_PUBLIC_URL: 'http://127.0.0.1' },
    { LAKH_HOSTS: 'localhost,lakh.svc', LAKH_PUBLIC_URL: 'http://[::1]:80' },
  ])('%j on a loopback listener says that others come: tokens or LAKH_OPEN=true', (env) => {
    const [problem, ...rest] = problemsOf(standalone, env);
    const [name, value] = Object.entries(env)[0] as [string, string];
    expect([problem, rest]).toEqual([expect.stringContaining(`${name}=${value}`), []]);
    expect(problem).toContain('LAKH_API_TOKENS_FILE');
    for (const access of [{ LAKH_OPEN: 'true' }, { LAKH_API_TOKENS_FILE: 'tokens' }]) {
      expect(() => load(standalone, { ...env, ...access })).not.toThrow();
    }
  });

  test('a proxy that is believed has a name, which links begin with', () => {
    expect(problemsOf(standalone, { LAKH_TRUSTED_PROXIES: '10.0.0.0/8', LAKH_OPEN: 'true' })).toEqual([
      'LAKH_TRUSTED_PROXIES=10.0.0.0/8 lets others in: LAKH_PUBLIC_URL (not set or not usable) must say what short URLs begin with',
    ]);
    expect(problemsOf(standalone, { LAKH_HOSTS: 'lakh.svc', LAKH_OPEN: 'true' })).toHaveLength(1);
  });

  test('redirect creates nothing and may listen anywhere, if it is told what it is called there', () => {
    const env = { LAKH_DATABASE, LAKH_LISTEN: '0.0.0.0:80' };
    expect(() => load(redirect, { ...env, LAKH_PUBLIC_URL: 'https://lakh.example' })).not.toThrow();
    expect(problemsOf(redirect, env)).toEqual([
      'LAKH_LISTEN=0.0.0.0:80 is beyond loopback: LAKH_PUBLIC_URL (not set or not usable) must say what short URLs begin with',
    ]);
  });

  test.each(['127.9.9.9:80', '[::1]:80', '[::ffff:127.0.0.1]:80', 'LOCALHOST:80'])('%s is loopback', (listen) => {
    expect(() => load(standalone, { LAKH_LISTEN: listen })).not.toThrow();
  });

  test('open with tokens, which only deletes need, is possible', () => {
    expect(() => load(standalone, { LAKH_OPEN: '1', LAKH_API_TOKENS_FILE: 't' })).not.toThrow();
  });

  test('parameters of a codec belong to it', () => {
    expect(problemsOf(standalone, { LAKH_CODEC: 'sealed' })).toEqual([
      'LAKH_CODEC=sealed needs LAKH_SEALED_KEYS, which is not set or not usable',
    ]);
    expect(problemsOf(standalone, { LAKH_SEALED_KEYS: `A:${KEY}:100000`, LAKH_SQIDS_MIN_LENGTH: '6' })).toEqual([
      'LAKH_SEALED_KEYS (secret) has no effect with LAKH_CODEC=base62: unset it, or set LAKH_CODEC=sealed',
      'LAKH_SQIDS_MIN_LENGTH=6 has no effect with LAKH_CODEC=base62: unset it, or set LAKH_CODEC=sqids',
    ]);
  });
});
