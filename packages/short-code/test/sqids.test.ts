import { createHash } from 'node:crypto';
import fc from 'fast-check';
import Sqids, { defaultOptions } from 'sqids';
import { COUNTER_END, CounterOutOfRangeError, InvalidCodecError, sqids } from '../src/index.js';
import { SQIDS_BLOCKLIST, SQIDS_BLOCKLIST_SHA256 } from '../src/sqids-blocklist.js';

const counters = fc.integer({ min: 0, max: COUNTER_END - 1 });

describe('sqids', () => {
  test('round trip; codes are of 0-9A-Za-z and no shorter than the minimum', () => {
    for (const codec of [
      sqids(),
      sqids({ minLength: 0 }),
      sqids({ minLength: 10, alphabet: '0123456789ABCDEFGHIJK' }),
    ]) {
      fc.assert(
        fc.property(counters, (counter) => {
          const code = codec.encode(counter);
          expect(code).toMatch(/^[0-9A-Za-z]+$/);
          expect(code.length).toBeGreaterThanOrEqual(codec.describe().params.minLength as number);
          expect(codec.decode(code)).toBe(counter);
        }),
        { numRuns: 200 },
      );
    }
  });

  test('20,000 counters in a row have 20,000 codes that are not in order', () => {
    const codec = sqids();
    const codes = Array.from({ length: 20_000 }, (_, index) => codec.encode(100_000 + index));
    expect(new Set(codes).size).toBe(codes.length);
    const ascents = codes.filter((code, index) => index > 0 && code > codes[index - 1]!).length;
    expect(ascents / codes.length).toBeGreaterThan(0.3);
    expect(ascents / codes.length).toBeLessThan(0.7);
  });

  test('only canonical codes decode', () => {
    const codec = sqids();
    const code = codec.encode(100_000);
    const unpadded = new Sqids({ minLength: 0 }).encode([100_000]);
    const ofTwo = new Sqids({ minLength: 6 }).encode([1, 2]);
    const beyond = new Sqids({ minLength: 6 }).encode([COUNTER_END]);
    expect(unpadded).not.toBe(code);
    for (const text of [
      '',
      'a',
      unpadded,
      ofTwo,
      beyond,
      `${code}0`,
      code.slice(1),
      `${code} `,
      'ä',
      'x'.repeat(5000),
    ]) {
      expect(codec.decode(text)).toBeUndefined();
    }
  });

  test('of all texts of three characters, exactly those that encode gives decode', () => {
    const codec = sqids({ minLength: 0, alphabet: '0123456789abcdefghij' });
    const canonical = new Set(Array.from({ length: 20 ** 3 }, (_, counter) => codec.encode(counter)));
    const alphabet = [...'0123456789abcdefghij'];
    const decoded = alphabet
      .flatMap((a) => alphabet.flatMap((b) => alphabet.map((c) => a + b + c)))
      .filter((text) => codec.decode(text) !== undefined);
    expect(decoded.sort()).toEqual([...canonical].filter((code) => code.length === 3).sort());
  });

  test('no code spells a word of the blocklist where one without the list would', () => {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz';
    const codec = sqids({ minLength: 0, alphabet });
    const unfiltered = new Sqids({ alphabet, blocklist: new Set() });
    const words = SQIDS_BLOCKLIST.filter((word) => /^[a-z]+$/.test(word));
    // A word of three letters is only looked for as the whole code.
    const spells = (code: string) => words.some((word) => (word.length > 3 ? code.includes(word) : code === word));
    let avoided = 0;
    for (let counter = 0; counter < 26 ** 3; counter++) {
      const blocked = unfiltered.encode([counter]);
      if (!spells(blocked)) continue;
      avoided += 1;
      const code = codec.encode(counter);
      expect(spells(code)).toBe(false);
      expect(codec.decode(code)).toBe(counter);
      expect(codec.decode(blocked)).toBeUndefined();
    }
    expect(avoided).toBe(3);
  });

  test('the pinned blocklist is the one that is recorded, and still the package’s own', () => {
    const hash = createHash('sha256').update(SQIDS_BLOCKLIST.join('\n')).digest('hex');
    expect(hash).toBe(SQIDS_BLOCKLIST_SHA256);
    expect(SQIDS_BLOCKLIST).toEqual([...defaultOptions.blocklist].sort());
    expect(sqids().describe().params.blocklistSha256).toBe(SQIDS_BLOCKLIST_SHA256);
  });

  test('the codes of a few counters are what they always were', () => {
    const codec = sqids();
    expect([100_000, 100_001, 141_590, 62 ** 6, COUNTER_END - 1].map((counter) => codec.encode(counter))).toEqual([
      'ArUOs1',
      'l8C5iG',
      'NTYfzX',
      'bnTyvyTn',
      'Uk8WSSW8p',
    ]);
  });

  test.each([-1, COUNTER_END, 1.5, Number.NaN])('%d is refused', (counter) => {
    expect(() => sqids().encode(counter)).toThrow(
      new CounterOutOfRangeError(`sqids encodes integers from 0 to 3521614606207, not ${counter}`),
    );
  });

  const DIFFERENT = 'the sqids alphabet must be 16 or more different characters';
  const OUR_OWN = 'the sqids alphabet must be of 0-9A-Za-z';
  const LENGTH = 'the sqids minimum length must be an integer from 0 to 32';
  test.each([
    [{ alphabet: '0123456789abcde' }, DIFFERENT],
    [{ alphabet: '0123456789abcdeffg' }, DIFFERENT],
    [{ alphabet: '0123456789abcdef-_' }, OUR_OWN],
    [{ alphabet: '0123456789abcdefé' }, OUR_OWN],
    [{ minLength: -1 }, LENGTH],
    [{ minLength: 33 }, LENGTH],
    [{ minLength: 2.5 }, LENGTH],
  ])('%j is no sqids codec', (params, message) => {
    expect(() => sqids(params)).toThrow(new InvalidCodecError(message));
  });

  test('the longest codes, of 32 characters, decode; with the fewest characters an alphabet may have, too', () => {
    const longest = sqids({ minLength: 32 });
    expect(longest.encode(100_000)).toHaveLength(32);
    expect(longest.decode(longest.encode(100_000))).toBe(100_000);
    const fewest = sqids({ alphabet: '0123456789abcdef' });
    expect(fewest.decode(fewest.encode(COUNTER_END - 1))).toBe(COUNTER_END - 1);
  });

  test('covers the whole space', () => {
    expect(sqids()).toMatchObject({ name: 'sqids', capacity: { firstCounter: 0, endCounter: COUNTER_END } });
  });
});
