import fc from 'fast-check';
import {
  type ALIAS_RULES,
  type EXPIRY_RULES,
  isPossibleCode,
  isReservedWord,
  reservedWords,
  validateAlias,
  validateExpiry,
} from '../src/index.js';

const NOW_MS = Date.UTC(2026, 8, 30, 12, 0, 0);

function aliasVerdict(input: unknown): string {
  const result = validateAlias(input);
  return 'alias' in result ? `ok ${result.alias}` : result.problem.rule;
}

function expiryVerdict(input: unknown, nowMs = NOW_MS): string | number {
  const result = validateExpiry(input, nowMs);
  return 'expiresAtMs' in result ? result.expiresAtMs : result.problem.rule;
}

describe('an alias', () => {
  test.each([
    'abc',
    'ABC',
    '123',
    'a-b',
    'a_b',
    'a--__b',
    'Spring-Sale_2026',
    'x'.repeat(64),
    'apis',
    'my-api',
    'log-ins',
    'well',
  ])('%s is accepted as it is', (alias) => expect(aliasVerdict(alias)).toBe(`ok ${alias}`));

  test.each<[unknown, string]>([
    [1, 'not_a_string'],
    [{}, 'not_a_string'],
    ['', 'too_short'],
    ['ab', 'too_short'],
    ['x'.repeat(65), 'too_long'],
    ['-abc', 'bad_character'],
    ['abc-', 'bad_character'],
    ['_abc', 'bad_character'],
    ['abc_', 'bad_character'],
    ['a.b', 'bad_character'],
    ['a/b', 'bad_character'],
    ['a b', 'bad_character'],
    ['abc\n', 'bad_character'],
    ['a%2fb', 'bad_character'],
    ['abç', 'bad_character'],
    ['ａｂｃ', 'bad_character'],
    ['api', 'reserved'],
    ['API', 'reserved'],
    ['Www', 'reserved'],
    ['well-known', 'reserved'],
    ['well_known', 'reserved'],
    ['wellknown', 'reserved'],
    ['ad-min', 'reserved'],
    ['log-in', 'reserved'],
    ['LOG_in', 'reserved'],
    ['s-i_g--n_u-p', 'reserved'],
    ['index-html', 'reserved'],
    ['robots_txt', 'reserved'],
  ])('%j: %s', (alias, rule) => expect(aliasVerdict(alias)).toBe(rule));

  test.each<[unknown, keyof typeof ALIAS_RULES, string]>([
    [1, 'not_a_string', 'must be a string'],
    ['ab', 'too_short', 'must have at least 3 characters'],
    ['x'.repeat(65), 'too_long', 'must have at most 64 characters'],
    ['a.b', 'bad_character', 'must be of 0-9, A-Z and a-z, with - and _ only inside'],
    ['api', 'reserved', 'is a reserved word'],
  ])('%p is refused as %s: it %s', (alias, rule, reason) => {
    expect(validateAlias(alias)).toEqual({ problem: { field: 'alias', rule, reason } });
  });

  test('reserved words are lower case, sorted, and could be codes', () => {
    expect(reservedWords()).toEqual([...new Set(reservedWords())].sort());
    for (const word of reservedWords()) {
      expect(word).toBe(word.toLowerCase());
      expect(isPossibleCode(word)).toBe(true);
      expect(isReservedWord(word.toUpperCase())).toBe(true);
    }
    for (const word of ['api', 'www', 'admin']) expect(reservedWords()).toContain(word);
    expect(isReservedWord('Q0u')).toBe(false);
  });

  test('what can be a code at all', () => {
    for (const code of ['0', 'Q0u', 'zzzzzzz', 'a-b', 'x'.repeat(64)]) expect(isPossibleCode(code)).toBe(true);
    for (const text of [
      '',
      'a.b',
      'favicon.ico',
      'a/b',
      '-a',
      'a-',
      'é',
      'a\0',
      'a ',
      'x'.repeat(65),
      'x'.repeat(1e6),
    ]) {
      expect(isPossibleCode(text)).toBe(false);
    }
  });
});

describe('an expiry', () => {
  test.each<[string, number]>([
    ['2026-10-01T00:00:00Z', Date.UTC(2026, 9, 1)],
    ['2026-10-01t00:00:00z', Date.UTC(2026, 9, 1)],
    ['2026-10-01T00:00:00.1Z', Date.UTC(2026, 9, 1, 0, 0, 0, 100)],
    ['2026-10-01T00:00:00.123999999Z', Date.UTC(2026, 9, 1, 0, 0, 0, 123)],
    ['2026-10-01T05:30:00+05:30', Date.UTC(2026, 9, 1)],
    ['2026-09-30T16:00:00-08:00', Date.UTC(2026, 9, 1)],
    ['2026-10-01T00:00:00-00:00', Date.UTC(2026, 9, 1)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['2027-12-31T23:59:59+23:59', Date.UTC(2027, 11, 31, 0, 0, 59)],
    ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
  ])('%s', (text, expected) => expect(expiryVerdict(text)).toBe(expected));

  test.each<[unknown, keyof typeof EXPIRY_RULES]>([
    [1_790_000_000_000, 'not_a_string'],
    ['', 'not_rfc3339'],
    ['tomorrow', 'not_rfc3339'],
    ['2026-10-01', 'not_rfc3339'],
    ['2026-10-01T00:00:00', 'not_rfc3339'],
    ['2026-10-01 00:00:00Z', 'not_rfc3339'],
    ['2026-10-01T00:00Z', 'not_rfc3339'],
    ['2026-10-01T00:00:00.Z', 'not_rfc3339'],
    ['2026-10-01T00:00:00.1234567890Z', 'not_rfc3339'],
    ['2026-10-01T00:00:00+0100', 'not_rfc3339'],
    ['2026-10-01T00:00:00+01', 'not_rfc3339'],
    ['2026-1-1T00:00:00Z', 'not_rfc3339'],
    ['+02026-10-01T00:00:00Z', 'not_rfc3339'],
    ['2026-10-01T00:00:00Z\n', 'not_rfc3339'],
    [' 2026-10-01T00:00:00Z', 'not_rfc3339'],
    ['２０26-10-01T00:00:00Z', 'not_rfc3339'],
    ['2027-02-29T00:00:00Z', 'impossible_date'],
    ['2100-02-29T00:00:00Z', 'impossible_date'],
    ['2026-11-31T00:00:00Z', 'impossible_date'],
    ['2026-13-01T00:00:00Z', 'impossible_date'],
    ['2026-00-01T00:00:00Z', 'impossible_date'],
    ['2026-10-00T00:00:00Z', 'impossible_date'],
    ['2026-10-01T24:00:00Z', 'impossible_date'],
    ['2026-10-01T00:60:00Z', 'impossible_date'],
    ['2026-10-01T00:00:61Z', 'impossible_date'],
    ['2026-10-01T00:00:00+24:00', 'impossible_date'],
    ['2026-10-01T00:00:00+00:60', 'impossible_date'],
    ['2026-12-31T23:59:60Z', 'leap_second'],
    ['2026-09-30T12:00:00Z', 'not_in_future'],
    ['1999-01-01T00:00:00Z', 'not_in_future'],
    ['0000-01-01T00:00:00Z', 'not_in_future'],
    ['0099-01-01T00:00:00Z', 'not_in_future'],
    ['9999-12-31T23:59:59-00:01', 'too_late'],
  ])('%j: %s', (text, rule) => expect(expiryVerdict(text)).toBe(rule));

  test.each<[unknown, keyof typeof EXPIRY_RULES, string]>([
    [0, 'not_a_string', 'must be a string'],
    ['', 'not_rfc3339', 'must be an RFC 3339 date and time with an offset, such as 2030-01-31T23:59:59Z'],
    ['2027-02-29T00:00:00Z', 'impossible_date', 'is not a date of the calendar or a time of the day'],
    ['2026-12-31T23:59:60Z', 'leap_second', 'must not be in a leap second'],
    ['1999-01-01T00:00:00Z', 'not_in_future', 'must be in the future'],
    ['9999-12-31T23:59:59-00:01', 'too_late', 'must be before the year 10000 in UTC'],
  ])('%p is refused as %s: it %s', (text, rule, reason) => {
    expect(validateExpiry(text, NOW_MS)).toEqual({ problem: { field: 'expires_at', rule, reason } });
  });

  test('must be past this very millisecond', () => {
    expect(expiryVerdict('2026-10-01T00:00:00.001Z', Date.UTC(2026, 9, 1))).toBe(Date.UTC(2026, 9, 1) + 1);
    expect(expiryVerdict('2026-10-01T00:00:00.000Z', Date.UTC(2026, 9, 1))).toBe('not_in_future');
  });

  test('every instant that ISO text can write comes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: NOW_MS + 1, max: 253_402_300_799_999 }), (ms) => {
        expect(expiryVerdict(new Date(ms).toISOString())).toBe(ms);
      }),
    );
  });
});
