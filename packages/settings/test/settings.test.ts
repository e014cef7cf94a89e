import { CodedError } from '@lakh/base';
import {
  boolean,
  defineProgram,
  describeSettings,
  integer,
  KNOWN_NAMES,
  loadSettings,
  loggableSettings,
  matching,
  oneOf,
  optional,
  type SettingList,
  SettingsError,
  serviceLinks,
  settingsTable,
  text,
  variablesOfAll,
} from '../src/index.js';

const settings = {
  size: { name: 'LAKH_SIZE', parser: integer(1, 100), default: '10', description: 'How many.' },
  colour: { name: 'LAKH_COLOUR', parser: oneOf('red', 'blue'), description: 'Which | one.' },
  doors: { name: 'LAKH_DOORS', parser: oneOf(3, 5), default: '5', description: 'Of the car.' },
  key: { name: 'LAKH_KEY', parser: matching(/^k/, 'a k'), required: true, secret: true, description: 'Opens it.' },
} as const satisfies SettingList;

const car = defineProgram({
  name: 'car',
  settings,
  rules: [
    ({ size, doors }, given) =>
      size === 3 && doors === 3 ? [`LAKH_SIZE=${given.size} and LAKH_DOORS=${given.doors}: keep one`] : [],
  ],
});
const KNOWN = ['LAKH_SIZE', 'LAKH_OTHER', 'LAKH_OTHER_FILE'];

const LAKH_KEY = 'k-hunter2';

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
  test('defaults are parsed, what is not set is undefined, and the whole is frozen', () => {
    const loaded = loadSettings(car, { LAKH_KEY });
    expect(loaded).toStrictEqual({ size: 10, colour: undefined, doors: 5, key: LAKH_KEY });
    expect(Object.isFrozen(loaded)).toBe(true);
  });

  test('variables of other programs and of other people are ignored, even empty ones', () => {
    const env = { LAKH_KEY, LAKH_OTHER: '', LAKH_OTHER_FILE: 'x', PATH: '/bin', LAKHS: '1' };
    expect(() => loadSettings(car, env, { knownNames: KNOWN })).not.toThrow();
  });

  test('what Kubernetes sets for a Service named lakh or lakh-redis is no setting, and told', () => {
    const links = (prefix: string) => ({
      [`${prefix}_SERVICE_HOST`]: '10.96.0.7',
      [`${prefix}_SERVICE_PORT`]: '80',
      [`${prefix}_SERVICE_PORT_HTTP_ADMIN`]: '8081',
      [`${prefix}_PORT`]: 'tcp://10.96.0.7:80',
      [`${prefix}_PORT_80_TCP`]: 'tcp://[fd00::7]:80',
      [`${prefix}_PORT_80_TCP_PROTO`]: 'tcp',
      [`${prefix}_PORT_80_TCP_PORT`]: '80',
      [`${prefix}_PORT_80_TCP_ADDR`]: 'fd00::7',
    });
    const env = { LAKH_KEY, ...links('LAKH'), ...links('LAKH_REDIS'), ...links('OTHER') };
    expect(() => loadSettings(car, env, { knownNames: KNOWN })).not.toThrow();
    const told = Object.keys({ ...links('LAKH'), ...links('LAKH_REDIS') }).sort();
    expect(serviceLinks({ ...env, LAKH_PORT_80_TCP_PORT: undefined })).toEqual(
      told.filter((name) => name !== 'LAKH_PORT_80_TCP_PORT'),
    );
    // Whoever writes such a name by hand meant something else, and hears of it.
    const meant = { LAKH_KEY, LAKH_PORT: '8080', LAKH_SERVICE_HOST: 'lakh.example', LAKH_REDIS_PORT: 'redis' };
    expect(problemsOf(() => loadSettings(car, meant, { knownNames: KNOWN }))).toEqual(
      Object.keys(meant)
        .slice(1)
        .map((name) => expect.stringMatching(new RegExp(`^${name} is unknown`))),
    );
  });

  test('no setting of any program has a name that Kubernetes sets', () => {
    for (const value of ['80', 'tcp', 'tcp://10.96.0.7:80', '10.96.0.7']) {
      expect(serviceLinks(Object.fromEntries(KNOWN_NAMES.map((name) => [name, value])))).toEqual([]);
    }
  });

  test('a secret may come from a file, without its last line end', () => {
    const readSecret = (path: string) => `k from ${path}\n`;
    expect(loadSettings(car, { LAKH_KEY_FILE: '/run/s' }, { readSecret }).key).toBe('k from /run/s');
  });

  test('an optional setting is the same one without the need for it', () => {
    expect(loadSettings({ settings: { key: optional(settings.key) } }, {}).key).toBeUndefined();
  });

  test('what is logged of them says of a secret only that it is set', () => {
    expect(loggableSettings(settings, loadSettings(car, { LAKH_KEY }))).toEqual({ size: 10, doors: 5, key: '(set)' });
  });
});

describe('settings that stop the start', () => {
  test('every problem is told at once', () => {
    const env = { LAKH_SIZ: '5', LAKH_SIZE: '0', LAKH_COLOUR: '', LAKH_DOORS: '4' };
    expect(problemsOf(() => loadSettings(car, env, { knownNames: KNOWN }))).toEqual([
      'LAKH_SIZ is unknown: did you mean LAKH_SIZE?',
      'LAKH_SIZE: expected an integer from 1 to 100, got "0"',
      'LAKH_COLOUR is set but empty: give it a value or unset it',
      'LAKH_DOORS: expected one of 3, 5, got "4"',
      'LAKH_KEY is required: a k',
    ]);
  });

  test('what contradicts another is told with both values as they were written', () => {
    expect(problemsOf(() => loadSettings(car, { LAKH_KEY, LAKH_SIZE: '3', LAKH_DOORS: '3' }))).toEqual([
      'LAKH_SIZE=3 and LAKH_DOORS=3: keep one',
    ]);
  });

  test('a malformed secret is not echoed', () => {
    expect(problemsOf(() => loadSettings(car, { LAKH_KEY: 'hunter3' }))).toEqual([
      'LAKH_KEY: expected a k, got something else (not shown: it is a secret)',
    ]);
  });

  test('a parser may say what is wrong with a value; what else it throws is a mistake of its own', () => {
    class BadDoorError extends CodedError {
      readonly code = 'bad_door';
    }
    const door = (error: Error, secret?: true) => ({
      settings: {
        door: {
          name: 'LAKH_DOOR',
          parser: {
            expected: 'a door',
            parse() {
              throw error;
            },
          },
          description: 'In.',
          ...(secret && { secret }),
        },
      } as const satisfies SettingList,
    });
    const env = { LAKH_DOOR: 'wall' };
    expect(problemsOf(() => loadSettings(door(new BadDoorError('it has no hinge')), env))).toEqual([
      'LAKH_DOOR: expected a door, got "wall": it has no hinge',
    ]);
    expect(problemsOf(() => loadSettings(door(new BadDoorError('no hinge'), true), env))).toEqual([
      'LAKH_DOOR: expected a door, got something else (not shown: it is a secret): no hinge',
    ]);
    expect(() => loadSettings(door(new TypeError('oops')), env)).toThrow(TypeError);
  });

  test('a secret given twice names both variables and not its value', () => {
    expect(problemsOf(() => loadSettings(car, { LAKH_KEY, LAKH_KEY_FILE: '/run/s' }))).toEqual([
      'LAKH_KEY and LAKH_KEY_FILE are both set (the latter to "/run/s"): keep one',
    ]);
  });

  test('a secret’s file that is missing, unreadable or empty is named with the reason', () => {
    const env = { LAKH_KEY_FILE: '/run/s' };
    const reading = (readSecret: () => string) => problemsOf(() => loadSettings(car, env, { readSecret }))[0];
    expect(
      reading(() => {
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      }),
    ).toBe('LAKH_KEY_FILE: cannot read "/run/s" (ENOENT)');
    expect(reading(() => '\n')).toBe('LAKH_KEY_FILE: the file "/run/s" is empty');
    expect(problemsOf(() => loadSettings(car, { LAKH_KEY_FILE: '' }))).toEqual([
      'LAKH_KEY_FILE is set but empty: give it a value or unset it',
    ]);
  });

  test('only a secret can be given as a file', () => {
    expect(problemsOf(() => loadSettings(car, { LAKH_KEY, LAKH_SIZE_FILE: '/x' }, { knownNames: KNOWN }))).toEqual([
      'LAKH_SIZE_FILE is unknown: only a secret can be given as a file',
    ]);
  });

  test('a name that is like none has no suggestion, and without known names none is judged', () => {
    const env = { LAKH_KEY, LAKH_WINGS_AND_TAIL: '2' };
    expect(problemsOf(() => loadSettings(car, env, { knownNames: KNOWN }))).toEqual(['LAKH_WINGS_AND_TAIL is unknown']);
    expect(() => loadSettings(car, env)).not.toThrow();
  });

  test('a variable of an earlier release is told what it is called now', () => {
    const env = { LAKH_KEY, LAKH_SHARDS: 'x', LAKH_SHARDS_FILE: '/x' };
    expect(problemsOf(() => loadSettings(car, env, { knownNames: KNOWN }))).toEqual([
      'LAKH_SHARDS is now LAKH_DATABASE',
      'LAKH_SHARDS_FILE is now LAKH_DATABASE_FILE',
    ]);
  });
});

describe('parsers', () => {
  test.each(['0', '101', '1e1', ' 5', '05', '+5', '5.0', '99999999999999999999'])(
    '%j is no integer of 1 to 100',
    (value) => {
      expect(integer(1, 100).parse(value)).toBeUndefined();
    },
  );

  test('a truth is a word or a digit', () => {
    expect(['true', '1', 'false', '0'].map((word) => boolean.parse(word))).toEqual([true, true, false, false]);
    expect(['yes', 'TRUE', 'no', ''].map((word) => boolean.parse(word))).toEqual(Array(4).fill(undefined));
  });
});

describe('settings in words', () => {
  const boat = defineProgram({
    name: 'boat',
    settings: {
      size: settings.size,
      sail: { name: 'LAKH_SAIL', parser: text('cloth'), description: 'Of the boat.' },
      key: optional(settings.key),
    },
  });

  test('--help has a paragraph for each', () => {
    expect(describeSettings({ size: settings.size, key: settings.key })).toBe(
      [
        '  LAKH_SIZE=<an integer from 1 to 100>',
        '      How many. [10]',
        '  LAKH_KEY=<a k> (secret: also LAKH_KEY_FILE)',
        '      Opens it. [required]',
      ].join('\n'),
    );
  });

  test('the table has the settings of all programs, each once, beside its neighbours', () => {
    expect(settingsTable([car, boat]).split('\n')).toEqual([
      '| variable | default | expected | programs | meaning |',
      '|---|---|---|---|---|',
      '| `LAKH_SIZE` | `10` | an integer from 1 to 100 | car, boat | How many. |',
      '| `LAKH_SAIL` | not set | cloth | boat | Of the boat. |',
      '| `LAKH_COLOUR` | not set | one of red, blue | car | Which \\| one. |',
      '| `LAKH_DOORS` | `5` | one of 3, 5 | car | Of the car. |',
      '| `LAKH_KEY` \\* | required | a k | car, boat | Opens it. |',
    ]);
    expect(variablesOfAll([car, boat])).toEqual([
      'LAKH_COLOUR',
      'LAKH_DOORS',
      'LAKH_KEY',
      'LAKH_KEY_FILE',
      'LAKH_SAIL',
      'LAKH_SIZE',
    ]);
  });

  test('one name has one meaning', () => {
    const plane = defineProgram({ name: 'plane', settings: { size: { ...settings.size, parser: integer(1, 9) } } });
    expect(() => settingsTable([car, boat, plane])).toThrow('plane and car, boat mean different things by LAKH_SIZE');
  });
});
