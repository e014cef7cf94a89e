import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  configurationReference,
  describeSettings,
  listSettings,
  loadSettings,
  loggableSettings,
  SettingsError,
} from '../src/index.js';

const shortenEnv = { LAKH_ZOOKEEPER: 'zk:2181', LAKH_SHARDS: 'mysql://u:hunter2@db:3306/lakh' };

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as SettingsError).problems;
  }
  throw new Error('the settings were accepted');
}

describe('settings that are accepted', () => {
  test('an empty environment gives standalone its defaults, parsed and frozen', () => {
    const settings = loadSettings({}, 'standalone');
    expect(settings).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080 },
      adminListen: { host: '127.0.0.1', port: 8081 },
      codec: 'base62',
      rangeSize: 100_000,
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
    const { LAKH_SHARDS } = shortenEnv;
    expect(loadSettings({ LAKH_SHARDS }, 'redirect')).not.toHaveProperty('zookeeper');
    expect(loadSettings(shortenEnv, 'shorten')).toMatchObject({ zookeeper: 'zk:2181', l2TtlS: 3600 });
  });

  test('variables of other programs and of other people are ignored, even malformed ones', () => {
    expect(() => loadSettings({ LAKH_L1_TTL_MS: 'soon', PATH: '/bin', ...shortenEnv }, 'shorten')).not.toThrow();
  });

  test.each([
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ])('LAKH_LISTEN=%s', (text, address) => {
    const env = { LAKH_LISTEN: text, LAKH_PUBLIC_URL: 'https://lakh.example', LAKH_OPEN: 'true' };
    expect(loadSettings(env, 'standalone').listen).toEqual(address);
  });

  test('lists of proxies are taken as blocks', () => {
    const { trustedProxies } = loadSettings({ LAKH_TRUSTED_PROXIES: '10.0.0.0/8, 127.0.0.1,::1' }, 'standalone');
    expect(trustedProxies).toEqual(['10.0.0.0/8', '127.0.0.1/32', '::1/128']);
  });

  test('a public URL is reduced to its origin', () => {
    expect(loadSettings({ LAKH_PUBLIC_URL: 'HTTPS://Lakh.Example:443/' }, 'standalone').publicUrl).toBe(
      'https://lakh.example',
    );
  });

  test('a secret may come from a file, without its last line end', () => {
    const { LAKH_ZOOKEEPER } = shortenEnv;
    const read = (path: string) => `mysql://from${path}\n`;
    const settings = loadSettings({ LAKH_ZOOKEEPER, LAKH_SHARDS_FILE: '/run/s' }, 'shorten', read);
    expect(settings.shards).toBe('mysql://from/run/s');
  });

  test('what is logged of them says of a secret only that it is set', () => {
    const logged = JSON.stringify(loggableSettings(loadSettings(shortenEnv, 'shorten')));
    expect(logged).toContain('"shards":"(set)"');
    expect(logged).not.toContain('hunter2');
    expect(logged).not.toContain('redis');
  });
});

describe('settings that stop the start', () => {
  test('every problem is told at once', () => {
    const env = { LAKH_LISTEN: '8080', LAKH_CODEC: 'hex', LAKH_RNAGE_SIZE: '5', LAKH_ZOOKEEPER: 'zk', LAKH_REDIS: '' };
    const problems = problemsOf(() => loadSettings(env, 'shorten'));
    expect(problems).toEqual([
      'LAKH_RNAGE_SIZE is unknown: did you mean LAKH_RANGE_SIZE?',
      'LAKH_LISTEN: expected host:port (an IPv6 address in brackets; port 0 takes any free port), got "8080"',
      'LAKH_CODEC: expected one of base62, sqids, sealed, got "hex"',
      'LAKH_ZOOKEEPER: expected host:port,host:port,… and optionally /chroot, got "zk"',
      expect.stringMatching(/^LAKH_SHARDS is required: /),
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
    ['LAKH_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['LAKH_TRUSTED_PROXIES', '10.0.0.1,'],
    ['LAKH_SERVER_ID', 'a b'],
    ['LAKH_WORKERS', '2'],
  ])('%s=%s is malformed', (name, value) => {
    const problems = problemsOf(() => loadSettings({ [name]: value }, 'standalone'));
    expect(problems).toEqual([expect.stringContaining(`${name}: expected`)]);
    expect(problems[0]).toContain(JSON.stringify(value));
  });

  test.each(['zk:0', 'zk:2181,', 'zk:2181/', 'zk:2181//a', '/lakh'])('LAKH_ZOOKEEPER=%s is malformed', (value) => {
    const problems = problemsOf(() => loadSettings({ ...shortenEnv, LAKH_ZOOKEEPER: value }, 'shorten'));
    expect(problems).toEqual([expect.stringContaining('LAKH_ZOOKEEPER')]);
  });

  test('a malformed secret is not echoed', () => {
    const env = { ...shortenEnv, LAKH_REDIS: 'http://:hunter3@redis' };
    const [problem, ...rest] = problemsOf(() => loadSettings(env, 'shorten'));
    expect(rest).toEqual([]);
    expect(problem).toContain('LAKH_REDIS: expected a redis://');
    expect(problem).not.toContain('hunter3');
  });

  test('a secret given twice names both variables and not its value', () => {
    const [problem] = problemsOf(() => loadSettings({ ...shortenEnv, LAKH_SHARDS_FILE: '/run/s' }, 'shorten'));
    expect(problem).toBe('LAKH_SHARDS and LAKH_SHARDS_FILE are both set (the latter to "/run/s"): keep one');
  });

  test('a secret’s file that is missing or empty is named with the reason', () => {
    const { LAKH_ZOOKEEPER } = shortenEnv;
    const env = { LAKH_ZOOKEEPER, LAKH_SHARDS_FILE: '/nonexistent/shards' };
    expect(problemsOf(() => loadSettings(env, 'shorten'))[0]).toBe(
      'LAKH_SHARDS_FILE: cannot read "/nonexistent/shards" (ENOENT)',
    );
    expect(problemsOf(() => loadSettings(env, 'shorten', () => '\n'))[0]).toContain('is empty');
  });

  test('only a secret can be given as a file', () => {
    expect(problemsOf(() => loadSettings({ LAKH_LISTEN_FILE: '/x' }, 'standalone'))).toEqual([
      'LAKH_LISTEN_FILE is unknown: only a secret can be given as a file',
    ]);
  });

  test('a name that is like none has no suggestion', () => {
    expect(problemsOf(() => loadSettings({ LAKH_COLOUR_OF_LOGO: 'red' }, 'standalone'))).toEqual([
      'LAKH_COLOUR_OF_LOGO is unknown',
    ]);
  });

  test('both listeners on one address conflict, except on port 0', () => {
    const env = (port: number) => ({ LAKH_LISTEN: `127.0.0.1:${port}`, LAKH_ADMIN_LISTEN: `127.0.0.1:${port}` });
    expect(problemsOf(() => loadSettings(env(80), 'standalone'))).toEqual([
      'LAKH_LISTEN=127.0.0.1:80 and LAKH_ADMIN_LISTEN=127.0.0.1:80 are the same address',
    ]);
    expect(() => loadSettings(env(0), 'standalone')).not.toThrow();
  });

  test.each(['0.0.0.0:80', '[::]:80', '192.0.2.1:80', 'web.internal:80'])(
    'LAKH_LISTEN=%s, beyond loopback, needs a public URL, and tokens or LAKH_OPEN=true',
    (listen) => {
      const problems = problemsOf(() => loadSettings({ LAKH_LISTEN: listen }, 'standalone'));
      expect(problems).toHaveLength(2);
      expect(problems[0]).toContain('LAKH_PUBLIC_URL');
      expect(problems[1]).toContain('LAKH_OPEN=true');
      const withUrl = { LAKH_LISTEN: listen, LAKH_PUBLIC_URL: 'https://lakh.example' };
      expect(() => loadSettings({ ...withUrl, LAKH_OPEN: 'true' }, 'standalone')).not.toThrow();
      expect(() => loadSettings({ ...withUrl, LAKH_API_TOKENS_FILE: 'tokens' }, 'standalone')).not.toThrow();
    },
  );

  test('redirect creates nothing and may listen anywhere', () => {
    const { LAKH_SHARDS } = shortenEnv;
    expect(() => loadSettings({ LAKH_SHARDS, LAKH_LISTEN: '0.0.0.0:80' }, 'redirect')).not.toThrow();
  });

  test.each(['127.9.9.9:80', '[::1]:80', '[::ffff:127.0.0.1]:80', 'LOCALHOST:80'])('%s is loopback', (listen) => {
    expect(() => loadSettings({ LAKH_LISTEN: listen }, 'standalone')).not.toThrow();
  });

  test('open and with tokens is a contradiction', () => {
    const problems = problemsOf(() => loadSettings({ LAKH_OPEN: '1', LAKH_API_TOKENS_FILE: 't' }, 'standalone'));
    expect(problems).toEqual(['LAKH_OPEN=1 lets anyone create links and LAKH_API_TOKENS_FILE=t does not: keep one']);
  });

  test('parameters of a codec belong to it', () => {
    expect(problemsOf(() => loadSettings({ LAKH_CODEC: 'sealed' }, 'standalone'))).toEqual([
      'LAKH_CODEC=sealed needs LAKH_SEALED_KEYS, which is not set or not usable',
    ]);
    expect(
      problemsOf(() => loadSettings({ LAKH_SEALED_KEYS: 'hunter4', LAKH_SQIDS_MIN_LENGTH: '6' }, 'standalone')),
    ).toEqual([
      'LAKH_SEALED_KEYS (secret) has no effect with LAKH_CODEC=base62: unset it, or set LAKH_CODEC=sealed',
      'LAKH_SQIDS_MIN_LENGTH=6 has no effect with LAKH_CODEC=base62: unset it, or set LAKH_CODEC=sqids',
    ]);
  });
});

describe('the registry', () => {
  test('a key is its variable’s name in camel case', () => {
    for (const { key, name } of listSettings()) {
      const words = name.slice('LAKH_'.length).toLowerCase();
      expect(key).toBe(words.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
    }
  });

  test('every default is what its own parser accepts, and no name ends in _FILE twice over', () => {
    const names = listSettings().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const definition of listSettings()) {
      if (definition.default !== undefined) expect(definition.parser.parse(definition.default)).toBeDefined();
      if (definition.secret) expect(names).not.toContain(`${definition.name}_FILE`);
    }
  });

  test('--help names every setting that applies and none that does not', () => {
    expect(describeSettings('redirect')).toContain('LAKH_L1_TTL_MS');
    expect(describeSettings('redirect')).toContain('LAKH_SHARDS_FILE');
    expect(describeSettings('redirect')).not.toContain('LAKH_ZOOKEEPER');
  });

  test('docs/reference/configuration.md is what the registry says (node scripts/write-reference.mjs)', () => {
    const file = join(__dirname, '..', '..', '..', 'docs', 'reference', 'configuration.md');
    expect(readFileSync(file, 'utf8')).toBe(configurationReference());
  });
});
