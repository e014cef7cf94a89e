import { idempotencyKeyOf } from '../src/idempotency-key.js';

describe('the header Idempotency-Key', () => {
  test.each([
    ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"a"', 'a'],
    ['a', 'a'],
    ['" "', ' '],
    ['"with blanks, commas; and =?"', 'with blanks, commas; and =?'],
    [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    ["!#$%&'*+-.^_`|~:/09azAZ", "!#$%&'*+-.^_`|~:/09azAZ"],
    [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
    [`"${String.raw`\"`.repeat(255)}"`, '"'.repeat(255)],
    ['x'.repeat(255), 'x'.repeat(255)],
  ])('%s is a key', (header, key) => {
    expect(idempotencyKeyOf(header)).toBe(key);
  });

  test('is none where there is none', () => {
    expect(idempotencyKeyOf(undefined)).toBeUndefined();
  });

  test.each([
    '',
    '""',
    '"',
    '"a',
    'a"',
    '"a" "b"',
    '"a", "b"',
    'a, b',
    'a b',
    'a=b',
    '(a)',
    '"a";b=1',
    '"a\\b"',
    '"a\\"',
    '"é"',
    'é',
    '"\t"',
    '?1',
    '@1',
    `"${'x'.repeat(256)}"`,
    'x'.repeat(256),
    `"${'x'.repeat(10_000)}"`,
  ])('%j is refused', (header) => {
    expect(() => idempotencyKeyOf(header)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });
});
