import { type Link, type StoredLink, TERMS_MAX_LENGTH } from '@lakh/links';
import { FULL_TERMS } from '@lakh/testkit';
import { linkKey } from '../src/copy-keys.js';
import { createSeal } from '../src/seal.js';
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
  terms: null,
  version: 1,
};
const TARGET = 'https://example.com/a|b?c=d#e';
const BODY = `1790003600000|G|100000|1790000000123|||${TARGET}`;
const NOW_MS = 1_790_000_100_000;
const UNTIL_MS = 1_790_003_600_000;
const seal = createSeal(new Uint8Array(32).fill(7));
const Q0U = { domainId: 0, code: 'Q0u' };
const EPOCH = 'e'.repeat(16);
const KEY = `lakh:l:{708}:${EPOCH}:0:Q0u`;
const decode = (line: string, nowMs = NOW_MS) => decodeLink(Q0U, KEY, line, seal, nowMs);
/** As only who has the key can write it. */
const sealed = (body: string, version = '1', key = KEY) => `2|${version}|${seal(`${key}|${version}|${body}`)}|${body}`;

const LONGEST_TERMS = {
  rules: [{ device: 'ios' as const, longUrl: `https://example.com/${'r'.repeat(TERMS_MAX_LENGTH - 80)}` }],
};

describe('value format 2', () => {
  test('is pinned: servers of two releases share a cache', () => {
    expect(encodeLink(LIVE, KEY, seal, UNTIL_MS)).toBe(`2|1|dm2E1eK6FVvkMRTl5xJLos|${BODY}`);
    expect(encodeLink(LIVE, KEY, seal, UNTIL_MS)).toBe(sealed(BODY));
    expect(encodeLink({ ...Q0U, state: 'deleted', version: 2 }, KEY, seal, UNTIL_MS)).toBe(
      sealed(`${UNTIL_MS}|D`, '2'),
    );
  });

  test.each<[string, StoredLink]>([
    ['generated', LIVE],
    ['alias', { ...LIVE, kind: 'alias', counter: 0, code: 'my-alias' }],
    ['with everything', { ...LIVE, expiresAtMs: 253_402_300_799_999, redirectStatus: 308, version: 77 }],
    ['with the greatest numbers', { ...LIVE, counter: 62 ** 7 - 1, version: 1_000_000_000 }],
    ['with terms', { ...LIVE, terms: FULL_TERMS }],
    ['with terms, the longest', { ...LIVE, terms: LONGEST_TERMS, longUrl: `https://example.com/${'u'.repeat(8_172)}` }],
    ['tombstone', { state: 'deleted', domainId: 3, code: 'x', version: 9 }],
  ])('%s comes back as it was', (_, link) => {
    const key = linkKey(link, EPOCH);
    expect(decodeLink(link, key, encodeLink(link, key, seal, UNTIL_MS), seal, NOW_MS)).toEqual(link);
  });

  test('of a link with terms is another, and neither is taken for the other', () => {
    const link = { ...LIVE, terms: { maxClicks: 3 } };
    const line = encodeLink(link, KEY, seal, UNTIL_MS);
    expect(line).toBe(`3${sealed(BODY.replace(TARGET, `15|{"maxClicks":3}${TARGET}`)).slice(1)}`);
    for (const other of [`2${line.slice(1)}`, `3${sealed(BODY).slice(1)}`, `3${sealed(`${UNTIL_MS}|D`).slice(1)}`]) {
      expect(decodeLink(link, KEY, other, seal, NOW_MS)).toBe('bad-value');
    }
    const unknown = [
      '{"unheardOf":1}',
      '{"rules":[{"unheardOf":1,"longUrl":"https://a/"}]}',
      '{}',
      '[]',
      'null',
      '{"a',
    ];
    const unsafe = ['{"expiredUrl":"javascript:1"}', '{"rules":[{"device":"ios","longUrl":"//a/"}]}'];
    for (const terms of [...unknown, ...unsafe]) {
      const body = BODY.replace(TARGET, `${terms.length}|${terms}${TARGET}`);
      expect([terms, decodeLink(link, KEY, `3${sealed(body).slice(1)}`, seal, NOW_MS)]).toEqual([terms, 'bad-value']);
    }
  });

  test.each([
    '',
    'https://example.com/',
    '{"version":1}',
    `1|1|G|100000|1790000000123|||${TARGET}`,
    '1|2|D',
    `3${sealed(BODY).slice(1)}`,
    sealed(BODY.replace('|G|', '|D|')),
    sealed(BODY.replace('|G|', '|g|')),
    sealed(BODY, '0'),
    sealed(BODY, '-1'),
    sealed(BODY, '9999999999999999'),
    sealed(BODY, '1000000001'),
    ...['javascript:alert(1)', 'ftp://example.com/', '//example.com/', 'https://', 'https:///'].map((target) =>
      sealed(BODY.replace(TARGET, target)),
    ),
    ...['https://user@example.com/', 'https://user:secret@example.com', 'https://a\\@example.com/'].map((target) =>
      sealed(BODY.replace(TARGET, target)),
    ),
    sealed(`${BODY}${'x'.repeat(8_192)}`),
    sealed(BODY.replace('|100000|', '||')),
    sealed(BODY.replace('|||', '||303|')),
    sealed(BODY.slice(0, BODY.indexOf('https'))),
    sealed(BODY.slice(BODY.indexOf('|') + 1)),
    sealed(`${BODY}\n`),
    sealed(`${BODY}\r\nSet-Cookie: a=b`),
    sealed(`${BODY}é`),
    sealed(`${UNTIL_MS}|D|`, '2'),
    ` ${sealed(`${UNTIL_MS}|D`, '2')}`,
  ])('%j is no value, sealed or not', (line) => {
    expect(decode(line)).toBe('bad-value');
  });

  test('a value that anybody could write, or that was written for another key, version, life or target, is none', () => {
    const [ours, other] = [sealed(BODY), createSeal(new Uint8Array(32))];
    const forgeries = [
      `2|1|${'A'.repeat(22)}|${BODY}`,
      `2|1|${other(`${KEY}|1|${BODY}`)}|${BODY}`,
      ours.replace('2|1|', '2|7|'),
      ours.replace(TARGET, 'https://evil.example/'),
      ours.replace('|G|', '|A|'),
      ours.replace('1790003600000', '1890003600000'),
      ours.replace('|||', '|1|302|'),
      sealed(BODY, '1', KEY.replace('Q0u', 'Q0v')),
      sealed(BODY, '1', KEY.replace(':0:', ':1:')),
      sealed(BODY, '1', KEY.replace('e', 'f')),
      `2|9|${ours.split('|')[2]}|${UNTIL_MS}|D`,
    ];
    expect(forgeries.map((line) => decode(line))).toEqual(forgeries.map(() => 'bad-seal'));
    expect(decode(ours)).toEqual(LIVE);
  });

  test('without the key only the form is judged, and more of the target', () => {
    const judge = (target: string) => {
      const line = `2|1|${'A'.repeat(22)}|${UNTIL_MS}|G|100000|1|||${target}`;
      return [decodeLink(Q0U, KEY, line, undefined, NOW_MS), decodeLink(Q0U, KEY, line, seal, NOW_MS)];
    };
    expect(judge('https://example.com/')).toEqual([
      expect.objectContaining({ state: 'live', code: 'Q0u' }),
      'bad-seal',
    ]);
    for (const target of [
      'javascript:alert(1)',
      'https://[/',
      'http://a b/',
      'https://user@example.com/',
      'https://',
    ]) {
      expect(judge(target)[0]).toBe('bad-value');
    }
    const late = `2|1|${'A'.repeat(22)}|${NOW_MS - 400_000}|D`;
    expect(decodeLink(Q0U, KEY, late, undefined, NOW_MS)).toBe('lapsed');
  });

  test('every letter of it is covered', () => {
    const line = sealed(BODY);
    for (let at = 0; at < line.length; at += 1) {
      const changed = `${line.slice(0, at)}${line[at] === '3' ? '4' : '3'}${line.slice(at + 1)}`;
      expect(typeof decode(changed)).toBe('string');
    }
  });

  test('one that somebody kept is true no longer than its life, and five minutes for clocks that differ', () => {
    const line = encodeLink(LIVE, KEY, seal, UNTIL_MS);
    expect(decode(line, UNTIL_MS + 300_000)).toEqual(LIVE);
    expect(decode(line, UNTIL_MS + 300_001)).toBe('lapsed');
    expect(decode(line, UNTIL_MS - 3_600_000 * 24)).toEqual(LIVE);
  });
});

test('a time to live is jittered by a tenth either way', () => {
  expect(jittered(3_600_000, 0)).toBe(3_240_000);
  expect(jittered(3_600_000, 0.5)).toBe(3_600_000);
  expect(jittered(3_600_000, 0.999_999_9)).toBe(3_960_000);
  expect(jittered(1, 0)).toBe(1);
});
