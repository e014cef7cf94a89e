import fc from 'fast-check';
import { base62, COUNTER_END, CounterOutOfRangeError } from '../src/index.js';

const counters = fc.integer({ min: 0, max: COUNTER_END - 1 });

describe('base62', () => {
  test('known codes', () => {
    const known: [number, string][] = [
      [0, '0'],
      [61, 'z'],
      [62, '10'],
      [3843, 'zz'],
      [3844, '100'],
      [100_000, 'Q0u'],
      [141_590, 'api'],
      [62 ** 6, '1000000'],
      [COUNTER_END - 1, 'zzzzzzz'],
    ];
    const codec = base62();
    for (const [counter, code] of known) {
      expect(codec.encode(counter)).toBe(code);
      expect(codec.decode(code)).toBe(counter);
    }
  });

  test('is a bijection that keeps the order, for every counter of one to three characters and a few beyond', () => {
    const codec = base62();
    const end = 62 ** 3 + 5_000;
    let previous = '';
    let outOfOrder = 0;
    for (let counter = 0; counter < end; counter++) {
      const code = codec.encode(counter);
      if (codec.decode(code) !== counter) throw new Error(`${counter} → ${code} → ${codec.decode(code)}`);
      if (code.length < previous.length || (code.length === previous.length && code <= previous)) outOfOrder += 1;
      previous = code;
    }
    expect(outOfOrder).toBe(0);
  });

  test('agrees with digits worked out by BigInt, in any order of counters', () => {
    const codec = base62();
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    fc.assert(
      fc.property(counters, (counter) => {
        let expected = '';
        let rest = BigInt(counter);
        do {
          expected = alphabet[Number(rest % 62n)] + expected;
          rest /= 62n;
        } while (rest > 0n);
        expect(codec.encode(counter)).toBe(expected);
        expect(codec.decode(expected)).toBe(counter);
      }),
      { numRuns: 2_000 },
    );
  });

  test('codes of equal length sort like their counters', () => {
    const codec = base62();
    fc.assert(
      fc.property(counters, counters, (a, b) => {
        const [codeA, codeB] = [codec.encode(a), codec.encode(b)];
        fc.pre(codeA.length === codeB.length && a !== b);
        expect(codeA < codeB).toBe(a < b);
      }),
    );
  });

  test('runs across the edges where the kept digits change', () => {
    const codec = base62();
    for (const edge of [62, 3_844, 62 ** 3, 62 ** 4, 2 ** 32, 62 ** 5, 62 ** 6]) {
      for (let counter = edge - 3; counter < edge + 3; counter++) {
        expect(codec.decode(codec.encode(counter))).toBe(counter);
      }
    }
  });

  test.each(['', '00', '0Q0u', 'Q0u ', ' Q0u', 'Q0u\n', 'Q-u', 'Q_u', 'Qöu', '１', '10000000', 'zzzzzzzz', '+1'])(
    '%j does not decode',
    (text) => expect(base62().decode(text)).toBeUndefined(),
  );

  test.each([-1, COUNTER_END, 1.5, 1e-9, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, 2 ** 60])(
    '%d is refused',
    (counter) => expect(() => base62().encode(counter)).toThrow(CounterOutOfRangeError),
  );

  test('a refusal says which counters there are, and which was asked for', () => {
    expect(() => base62().encode(-1)).toThrow(/^base62 encodes integers from 0 to 3521614606207, not -1$/);
  });

  test('describes itself as a codec without parameters and keys, of the whole space', () => {
    expect(base62().describe()).toEqual({ codec: 'base62', params: {}, keys: [] });
    expect(base62()).toMatchObject({ name: 'base62', capacity: { firstCounter: 0, endCounter: 62 ** 7 } });
  });
});
