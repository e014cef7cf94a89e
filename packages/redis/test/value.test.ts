import type { Link, StoredLink } from '@lakh/links';
import { jittered } from '../src/ttl.js';
import { decodeLink, encodeLink } from '../src/value.js';

const LIVE: Link = {
  state: 'live',
  domainId: 0,
  code: 'Q0u',
  kind: 'generated',
  counter: 100_000,
  longUrl: 'https://example.com/a|b?c=d#e',
  createdAtMs: 1_790_000_000_123,
  expiresAtMs: null,
  redirectStatus: null,
  version: 1,
};
const LINE = '1|1|G|100000|1790000000123|||https://example.com/a|b?c=d#e';

describe('value format 1', () => {
  test('is pinned: servers of two releases share a cache', () => {
    expect(encodeLink(LIVE)).toBe(LINE);
    expect(encodeLink({ state: 'deleted', domainId: 0, code: 'Q0u', version: 2 })).toBe('1|2|D');
  });

  test.each<[string, StoredLink]>([
    ['generated', LIVE],
    ['alias', { ...LIVE, kind: 'alias', counter: 0, code: 'my-alias' }],
    ['with everything', { ...LIVE, expiresAtMs: 253_402_300_799_999, redirectStatus: 308, version: 77 }],
    ['with the greatest numbers', { ...LIVE, counter: 62 ** 7 - 1, version: 1_000_000_000 }],
    ['tombstone', { state: 'deleted', domainId: 3, code: 'x', version: 9 }],
  ])('%s comes back as it was', (_, link) => {
    expect(decodeLink(link.domainId, link.code, encodeLink(link))).toEqual(link);
  });

  test.each([
    '',
    'https://example.com/',
    '{"version":1}',
    `2${LINE.slice(1)}`,
    LINE.replace('|G|', '|D|'),
    LINE.replace('|G|', '|g|'),
    LINE.replace('1|1|', '1|0|'),
    LINE.replace('1|1|', '1|-1|'),
    LINE.replace('1|1|', '1|9999999999999999|'),
    LINE.replace('1|1|', '1|1000000001|'),
    LINE.replace('https://example.com/a|b?c=d#e', 'javascript:alert(1)'),
    LINE.replace('https://example.com/a|b?c=d#e', 'ftp://example.com/'),
    LINE.replace('https://example.com/a|b?c=d#e', '//example.com/'),
    LINE.replace('https://example.com/a|b?c=d#e', 'https://user@example.com/'),
    LINE.replace('https://example.com/a|b?c=d#e', 'https://'),
    `${LINE}${'x'.repeat(8_192)}`,
    LINE.replace('|100000|', '||'),
    LINE.replace('|||', '||303|'),
    LINE.slice(0, LINE.indexOf('https')),
    `${LINE}\n`,
    `${LINE}\r\nSet-Cookie: a=b`,
    `${LINE}é`,
    '1|2|D|',
    ' 1|2|D',
  ])('%j is no value', (line) => {
    expect(decodeLink(0, 'Q0u', line)).toBeUndefined();
  });
});

test('a time to live is jittered by a tenth either way', () => {
  expect(jittered(3_600_000, 0)).toBe(3_240_000);
  expect(jittered(3_600_000, 0.5)).toBe(3_600_000);
  expect(jittered(3_600_000, 0.999_999_9)).toBe(3_960_000);
  expect(jittered(1, 0)).toBe(1);
});
