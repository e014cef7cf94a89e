import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { LONG_URL_MAX_LENGTH, LONG_URL_RULES, OwnHosts, validateLongUrl } from '../src/index.js';

const SAMPLE: { input: string; href?: string; rule?: string }[] = JSON.parse(
  readFileSync(join(__dirname, 'fixtures', 'long-urls.json'), 'utf8'),
);
const DATA = join(__dirname, '..', '..', '..', '..', 'shared', 'data');

/** The href, or the rule that was broken. */
function verdictOf(input: unknown, policy = {}): string {
  const result = validateLongUrl(input, policy);
  return 'href' in result ? result.href : result.problem.rule;
}

describe('a long URL', () => {
  test.each([
    [
      'spaces before and after it are dropped, those inside are not',
      '   https://e.example/a  b ',
      'https://e.example/a%20%20b',
    ],
    ['a scheme further in is not its own', '//e.example/?u=https://e.example/', 'not_absolute'],
    ['nor one behind a host', 'e.example/http://e.example/', 'not_absolute'],
    ['slashes further in are not those of its scheme', 'http:e.example//', 'not_absolute'],
    ['a scheme begins with a letter', '1http://e.example/', 'not_absolute'],
  ])('%s: %j → %s', (_, input, expected) => expect(verdictOf(input)).toBe(expected));

  test.each(SAMPLE.map(({ input, href, rule }) => [input, href ?? rule]))('%j → %s', (input, expected) => {
    expect(verdictOf(input)).toBe(expected);
  });

  test.each([undefined, null, 1, true, {}, ['https://example.com/'], new String('https://example.com/')])(
    '%p is not a string',
    (input) => expect(verdictOf(input)).toBe('not_a_string'),
  );

  test('every control character is refused anywhere, every other character of Latin-1 is not for being one', () => {
    for (let unit = 0; unit < 0x100; unit++) {
      const isControl = unit < 0x20 || (unit >= 0x7f && unit <= 0x9f);
      const character = String.fromCharCode(unit);
      for (const input of [
        `${character}https://e.example/`,
        `https://e.example/${character}`,
        `https://e.example/?a${character}b`,
      ]) {
        expect(verdictOf(input) === 'control_character').toBe(isControl);
      }
    }
  });

  test('may have 2,048 characters as sent and as serialised, not one more', () => {
    const base = 'https://example.com/';
    const room = LONG_URL_MAX_LENGTH - base.length;
    expect(verdictOf(base + 'a'.repeat(room))).toHaveLength(LONG_URL_MAX_LENGTH);
    expect(verdictOf(base + 'a'.repeat(room + 1))).toBe('too_long');
    expect(verdictOf(`${base + 'a'.repeat(room)} `)).toBe('too_long');
    expect(verdictOf(base + 'ü'.repeat(Math.floor(room / 6)))).toMatch(/^https/);
    expect(verdictOf(base + 'ü'.repeat(Math.floor(room / 6) + 1))).toBe('too_long');
    expect(verdictOf(`${base}ab`, { maxLength: base.length + 1 })).toBe('too_long');
    expect(verdictOf('x'.repeat(10_000_000))).toBe('too_long');
  });

  test.each<[unknown, keyof typeof LONG_URL_RULES, string]>([
    [7, 'not_a_string', 'must be a string'],
    ['', 'empty', 'is empty'],
    ['https://e.example/aaaa', 'too_long', 'has more than 20 characters'],
    ['https://e.example/ä', 'too_long', 'has more than 20 characters once its special characters are percent-encoded'],
    ['\t', 'control_character', 'has a line break, a tab or another control character'],
    ['\ud800', 'lone_surrogate', 'has half of a surrogate pair, which is no character'],
    ['e.example', 'not_absolute', 'must begin with http:// or https://'],
    ['ftp://e.example/', 'scheme_not_allowed', 'must be an http or https URL'],
    ['https://', 'not_a_url', 'has no valid host or port'],
    ['https://u@e.example', 'userinfo', 'must not hold a user name or password'],
    ['https://own.example', 'own_host', 'leads back to this service'],
  ])('%j is refused as %s: it %s', (input, rule, reason) => {
    const policy = { maxLength: 20, ownHosts: new OwnHosts(['https://own.example']) };
    expect(validateLongUrl(input, policy)).toEqual({ problem: { field: 'long_url', rule, reason } });
  });

  test('a host is refused before it is parsed when it is longer than any name: 260 characters, with its port', () => {
    const reason = 'has a host of more than 260 characters';
    const tooLong = { problem: { field: 'long_url', rule: 'not_a_url', reason } };
    const labels = 'a.'.repeat(127);
    for (const [slashes, rest] of [
      ['//', '/path'],
      ['////', '\\path'],
      ['\\\\', '?query'],
      ['//', '#fragment'],
      ['//', '   '],
      ['//', ''],
    ] as const) {
      const longest = `https:${slashes}${labels}:65535`;
      expect(longest).toHaveLength('https:'.length + slashes.length + 260);
      expect(verdictOf(`${longest}${rest}`)).toBe(new URL(`${longest}${rest}`).href);
      expect(validateLongUrl(`https:${slashes}b${labels}:65535${rest}`)).toEqual(tooLong);
    }
    expect(verdictOf(`https://${'u'.repeat(300)}:p@${labels}:65535/`)).toBe('userinfo');
    expect(validateLongUrl(`https://u:p@b${labels}:65535/`)).toEqual(tooLong);
    expect(verdictOf(`https://e.example/${'x'.repeat(300)}@/`)).toMatch(/^https:/);
    expect(validateLongUrl(`https://${'例'.repeat(2_000)}/`)).toEqual(tooLong);
  });

  test('the general reason of a rule is in its table', () => {
    expect(LONG_URL_RULES.too_long).toBe('is too long');
  });

  test.each(['http://é.example/', 'http://e.example/é', 'é', ''])(
    'a parser that broke the standard’s promise, with %j, is noticed: Location rests on it',
    (href) => {
      const standard = globalThis.URL;
      globalThis.URL = class extends standard {
        override get href() {
          return href;
        }
      } as typeof URL;
      try {
        expect(() => validateLongUrl('http://e.example/')).toThrow(
          'a URL was serialised to something else than printable ASCII',
        );
      } finally {
        globalThis.URL = standard;
      }
    },
  );

  test('problems name the field, a rule of the table and a reason', () => {
    for (const { input, rule } of SAMPLE) {
      const result = validateLongUrl(input);
      if ('href' in result) continue;
      expect(Object.keys(LONG_URL_RULES)).toContain(rule);
      expect(result.problem).toEqual({ field: 'long_url', rule, reason: expect.stringMatching(/./) });
    }
    expect(validateLongUrl('https://lakh.example/x', { ownHosts: new OwnHosts(['https://lakh.example']) })).toEqual({
      problem: { field: 'long_url', rule: 'own_host', reason: LONG_URL_RULES.own_host },
    });
  });

  test('whatever is accepted is printable ASCII, http or https, and serialises to itself', () => {
    const urlLike = fc.tuple(
      fc.constantFrom('http://', 'HTTPS://', 'https:\\\\'),
      fc.webAuthority(),
      fc.string({ unit: 'binary' }),
    );
    const texts = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      urlLike.map((parts) => parts.join('')),
    );
    let accepted = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const result = validateLongUrl(text);
        if (!('href' in result)) return;
        accepted += 1;
        expect(result.href).toMatch(/^https?:\/\/[\x21-\x7e]+$/);
        expect(result.href).toBe(new URL(text).href);
        expect(validateLongUrl(result.href)).toEqual(result);
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });
});

interface WptCase {
  readonly input: string;
  readonly href?: string;
  readonly failure?: true;
  readonly username?: string;
  readonly password?: string;
}

(existsSync(DATA) ? describe : describe.skip)('the shared data', () => {
  test('each case of the Web Platform Tests is serialised exactly, or refused for a reason that holds', () => {
    const cases = (JSON.parse(readFileSync(join(DATA, 'urltestdata.json'), 'utf8')) as (WptCase | string)[]).filter(
      (each): each is WptCase => typeof each === 'object',
    );
    const wrong: unknown[] = [];
    let accepted = 0;
    for (const wpt of cases) {
      const result = validateLongUrl(wpt.input, { maxLength: 100_000 });
      if ('href' in result) {
        accepted += 1;
        if (result.href !== wpt.href) wrong.push({ ...wpt, accepted: result.href });
      } else if (!isRefusalJustified(result.problem.rule, wpt)) {
        wrong.push({ ...wpt, refused: result.problem.rule });
      }
    }
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThan(800);
    expect(accepted).toBeGreaterThan(100);
  });

  test('of 47,940 URLs from the web exactly one is refused, and the rest are what the standard makes of them', () => {
    const lines = readFileSync(join(DATA, 'urls.txt'), 'utf8').split('\n').filter(Boolean);
    const refused: string[] = [];
    for (const line of lines) {
      const result = validateLongUrl(line);
      if ('problem' in result) refused.push(line);
      else if (result.href !== new URL(line).href) throw new Error(`${line} became ${result.href}`);
    }
    expect(lines).toHaveLength(47_940);
    expect(refused).toEqual(['https://']);
  });
});

/** Each rule's own words, checked against the case without the code under test. */
function isRefusalJustified(rule: string, { input, href, failure, username, password }: WptCase): boolean {
  const trimmed = input.replace(/^ +| +$/g, '');
  switch (rule) {
    case 'control_character':
      return [...input].some((character) => /\p{Cc}/u.test(character));
    case 'lone_surrogate':
      return !Buffer.from(input, 'utf8').toString('utf8').includes(input);
    case 'empty':
      return trimmed === '';
    case 'scheme_not_allowed':
      return failure === true || !/^https?:/.test(href ?? '');
    case 'not_absolute':
      // Relative, or one of the forms whose meaning depends on the page they stand on.
      return !/^[a-z][a-z0-9+.-]*:[/\\]{2}/i.test(trimmed);
    case 'userinfo':
      return failure === true || username !== '' || password !== '';
    case 'not_a_url':
      // Node's parser refuses malformed punycode, which the newest standard lets through for the sake of old sites.
      return failure === true || /\bxn--/i.test(input);
    default:
      return false;
  }
}
