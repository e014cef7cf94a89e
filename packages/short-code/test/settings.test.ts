import { describeSettings, loadSettings, type SettingsError } from '@lakh/settings';
import { codecRule, codecSettings } from '../src/index.js';

const KEY = '0123456789abcdef'.repeat(4);
const OTHER_KEY = 'fedcba9876543210'.repeat(4);
const ALPHABET = 'zyxwvutsrqponmlkjihgfedcba';

const load = (env: Readonly<Record<string, string>>) =>
  loadSettings({ settings: codecSettings, rules: [codecRule] }, env);

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    load(env);
  } catch (error) {
    return (error as SettingsError).problems;
  }
  throw new Error('the settings were accepted');
}

test('the codec is base62 where nothing else is said', () => {
  expect(load({})).toStrictEqual({
    codec: 'base62',
    sealedKeys: undefined,
    sqidsAlphabet: undefined,
    sqidsMinLength: undefined,
  });
});

test('sealed has its keys, which are parsed', () => {
  const { codec, sealedKeys } = load({
    LAKH_CODEC: 'sealed',
    LAKH_SEALED_KEYS: `A:${KEY}:100000 B:${OTHER_KEY}:200000`,
  });
  expect(codec).toBe('sealed');
  expect(sealedKeys?.map(({ id, key, startCounter }) => [id, Buffer.from(key).toString('hex'), startCounter])).toEqual([
    ['A', KEY, 100_000],
    ['B', OTHER_KEY, 200_000],
  ]);
});

test('sqids has its parameters', () => {
  const env = { LAKH_CODEC: 'sqids', LAKH_SQIDS_ALPHABET: ALPHABET, LAKH_SQIDS_MIN_LENGTH: '32' };
  expect(load(env)).toMatchObject({ codec: 'sqids', sqidsAlphabet: ALPHABET, sqidsMinLength: 32 });
});

test('keys of which no codec can be made are malformed', () => {
  const sealed = 'LAKH_CODEC=sealed needs LAKH_SEALED_KEYS, which is not set or not usable';
  const expected =
    'LAKH_SEALED_KEYS: expected keys apart by white space, each id:hexadecimal key:first counter, got something else (not shown: it is a secret)';
  expect(problemsOf({ LAKH_CODEC: 'sealed', LAKH_SEALED_KEYS: 'hunter2' })).toEqual([
    `${expected}: sealed key 1 of 1 is not <id>:<hexadecimal key>:<start counter>`,
    sealed,
  ]);
  expect(problemsOf({ LAKH_CODEC: 'sealed', LAKH_SEALED_KEYS: `A:${KEY}:100000 B:${KEY}:200000` })).toEqual([
    `${expected}: keys A and B are the same key`,
    sealed,
  ]);
  expect(problemsOf({ LAKH_CODEC: 'sealed' })).toEqual([sealed]);
});

test('an alphabet of which no codec can be made is malformed', () => {
  const expected = 'LAKH_SQIDS_ALPHABET: expected 16 to 62 different characters of 0-9A-Za-z, got';
  expect(problemsOf({ LAKH_CODEC: 'sqids', LAKH_SQIDS_ALPHABET: 'abc' })).toEqual([
    `${expected} "abc": the sqids alphabet must be 16 or more different characters`,
  ]);
  expect(problemsOf({ LAKH_CODEC: 'sqids', LAKH_SQIDS_ALPHABET: `${ALPHABET}-` })).toEqual([
    `${expected} "${ALPHABET}-": the sqids alphabet must be of 0-9A-Za-z`,
  ]);
  expect(problemsOf({ LAKH_CODEC: 'sqids', LAKH_SQIDS_MIN_LENGTH: '33' })).toEqual([
    'LAKH_SQIDS_MIN_LENGTH: expected an integer from 0 to 32, got "33"',
  ]);
});

test('parameters of another codec have no effect, and are said to', () => {
  const parameters = { LAKH_SEALED_KEYS: `A:${KEY}:100000`, LAKH_SQIDS_ALPHABET: ALPHABET, LAKH_SQIDS_MIN_LENGTH: '6' };
  const keys = (codec: string) =>
    `LAKH_SEALED_KEYS (secret) has no effect with LAKH_CODEC=${codec}: unset it, or set LAKH_CODEC=sealed`;
  const sqids = (codec: string) => [
    `LAKH_SQIDS_ALPHABET=${ALPHABET} has no effect with LAKH_CODEC=${codec}: unset it, or set LAKH_CODEC=sqids`,
    `LAKH_SQIDS_MIN_LENGTH=6 has no effect with LAKH_CODEC=${codec}: unset it, or set LAKH_CODEC=sqids`,
  ];
  expect(problemsOf(parameters)).toEqual([keys('base62'), ...sqids('base62')]);
  expect(problemsOf({ ...parameters, LAKH_CODEC: 'sqids' })).toEqual([keys('sqids')]);
  expect(problemsOf({ ...parameters, LAKH_CODEC: 'sealed' })).toEqual(sqids('sealed'));
});

test('a codec that is none has no parameters to judge', () => {
  expect(problemsOf({ LAKH_CODEC: 'hex', LAKH_SQIDS_MIN_LENGTH: '6' })).toEqual([
    'LAKH_CODEC: expected one of base62, sqids, sealed, got "hex"',
  ]);
});

test('--help says what each is', () => {
  expect(describeSettings(codecSettings).split('\n')).toEqual([
    '  LAKH_CODEC=<one of base62, sqids, sealed>',
    '      How counters become codes; fixed for a database at its first start. [base62]',
    '  LAKH_SEALED_KEYS=<keys apart by white space, each id:hexadecimal key:first counter> (secret: also LAKH_SEALED_KEYS_FILE)',
    '      Keys of the sealed codec; required by LAKH_CODEC=sealed. [not set]',
    '  LAKH_SQIDS_ALPHABET=<16 to 62 different characters of 0-9A-Za-z>',
    '      Alphabet of the sqids codec, shuffled for this database. [not set]',
    '  LAKH_SQIDS_MIN_LENGTH=<an integer from 0 to 32>',
    '      Shortest code of the sqids codec, in characters. [not set]',
  ]);
});
