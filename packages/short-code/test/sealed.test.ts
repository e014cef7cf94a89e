import fc from 'fast-check';
import {
  ALPHABET,
  COUNTER_END,
  CounterOutOfRangeError,
  InvalidCodecError,
  parseSealedKeys,
  type SealedKey,
  sealed,
} from '../src/index.js';

const HEX_A = '2b7e151628aed2a6abf7158809cf4f3c';
const HEX_B = 'ef4359d8d580aa4f7f036d6f04fc6a94ef4359d8d580aa4f7f036d6f04fc6a94';
const PER_KEY = 62 ** 6;
const SECOND_START = 5_000_000;
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const KEY_A: SealedKey = { id: 'A', key: bytes(HEX_A), startCounter: 100_000 };
const KEY_B: SealedKey = { id: 'b', key: bytes(HEX_B), startCounter: SECOND_START };
const twoKeys = () => sealed([KEY_A, KEY_B]);

describe('sealed', () => {
  test('round trip over both keys, each code with its key’s id first and six characters after', () => {
    const codec = twoKeys();
    fc.assert(
      fc.property(fc.integer({ min: 100_000, max: SECOND_START + PER_KEY - 1 }), (counter) => {
        const code = codec.encode(counter);
        expect(code).toMatch(counter < SECOND_START ? /^A[0-9A-Za-z]{6}$/ : /^b[0-9A-Za-z]{6}$/);
        expect(codec.decode(code)).toBe(counter);
      }),
      { numRuns: 300 },
    );
  });

  test('the key changes exactly at the second one’s start', () => {
    const codec = twoKeys();
    expect(codec.encode(SECOND_START - 1)[0]).toBe('A');
    expect(codec.encode(SECOND_START)[0]).toBe('b');
  });

  test('3,000 counters in a row have as many codes, in no order', () => {
    const codec = twoKeys();
    const codes = Array.from({ length: 3_000 }, (_, index) => codec.encode(100_000 + index));
    expect(new Set(codes).size).toBe(codes.length);
    const ascents = codes.filter((code, index) => index > 0 && code > codes[index - 1]!).length;
    expect(ascents / codes.length).toBeGreaterThan(0.45);
    expect(ascents / codes.length).toBeLessThan(0.55);
  });

  test('a code is what it always was', () => {
    const codec = twoKeys();
    expect([codec.encode(100_000), codec.encode(100_001), codec.encode(SECOND_START)]).toEqual([
      'A1IFSq1',
      'AtPw7oE',
      'bHXnTaq',
    ]);
  });

  test('a code of a counter that another key serves does not decode', () => {
    const codec = twoKeys();
    const beforeRotation = sealed([KEY_A]);
    const code = beforeRotation.encode(SECOND_START);
    expect(beforeRotation.decode(code)).toBe(SECOND_START);
    expect(codec.decode(code)).toBeUndefined();
  });

  test('other texts do not decode', () => {
    const codec = twoKeys();
    const code = codec.encode(100_000);
    for (const text of [
      '',
      'A',
      code.slice(0, 6),
      `${code}0`,
      `Z${code.slice(1)}`,
      `a${code.slice(1)}`,
      'A00-000',
      'Aé00000',
    ]) {
      expect(codec.decode(text)).toBeUndefined();
    }
  });

  test('its capacity is from the first key’s start to where the last one is used up', () => {
    const codec = twoKeys();
    expect(codec.capacity).toEqual({ firstCounter: 100_000, endCounter: SECOND_START + PER_KEY });
    expect(codec.decode(codec.encode(SECOND_START + PER_KEY - 1))).toBe(SECOND_START + PER_KEY - 1);
    for (const counter of [99_999, SECOND_START + PER_KEY, 100_000.5, Number.NaN, -1]) {
      expect(() => codec.encode(counter)).toThrow(
        new CounterOutOfRangeError(
          `the sealed codec's keys cover counters 100000 to 56805235583, not ${counter}; add a key that starts where the last one ends`,
        ),
      );
    }
  });

  test('describes its keys without giving them away', () => {
    const codec = twoKeys();
    const description = codec.describe();
    expect(description).toMatchObject({ codec: 'sealed', params: { method: 'ff1-aes', radix: 62, digits: 6 } });
    expect(description.keys).toEqual([
      // For ever: databases have them on record.
      { id: 'A', fingerprint: '4c6102f8b1ec398d', startCounter: 100_000 },
      { id: 'b', fingerprint: '24686c827f0e788c', startCounter: SECOND_START },
    ]);
    const text = JSON.stringify(description).toLowerCase();
    for (const hex of [HEX_A, HEX_B]) {
      for (let i = 0; i + 8 <= hex.length; i++) expect(text).not.toContain(hex.slice(i, i + 8));
    }
  });

  const AN_ID = 'a key id is one character of 0-9A-Za-z';
  const A_START = 'key A must start at a whole counter, 0 or above';
  const IN_TURN =
    'it must start after key A does, at 100000, and at the latest where that one is used up, at 56800335584';
  test.each<[string, SealedKey[], string]>([
    ['no key', [], 'the sealed codec needs at least one key'],
    [
      'a first key that starts past the first counter',
      [{ ...KEY_A, startCounter: 100_001 }],
      'key A starts at 100001, but counters are issued from 100000 on',
    ],
    ['the same id twice', [KEY_A, { ...KEY_B, id: 'A' }], 'two keys have the id A'],
    ['the same key twice', [KEY_A, { ...KEY_A, id: 'C', startCounter: 200_000 }], 'keys A and C are the same key'],
    ['keys out of order', [KEY_A, { ...KEY_B, startCounter: 4 }], `key b starts at 4; ${IN_TURN}`],
    ['two keys with one start', [KEY_A, { ...KEY_B, startCounter: 100_000 }], `key b starts at 100000; ${IN_TURN}`],
    [
      'a gap between keys',
      [KEY_A, { ...KEY_B, startCounter: 100_000 + PER_KEY + 1 }],
      `key b starts at 56800335585; ${IN_TURN}`,
    ],
    ['an id of two characters that stand together in the alphabet', [{ ...KEY_A, id: 'AB' }], AN_ID],
    ['an id of none', [{ ...KEY_A, id: '' }], AN_ID],
    ['an id outside the alphabet', [{ ...KEY_A, id: '-' }], AN_ID],
    ['a key of 15 bytes', [{ ...KEY_A, key: KEY_A.key.slice(1) }], 'key A has 15 bytes; AES keys have 16, 24 or 32'],
    ['a start below 0', [{ ...KEY_A, startCounter: -1 }], A_START],
    ['a start between two counters', [{ ...KEY_A, startCounter: 0.5 }], A_START],
  ])('%s is refused', (_, keys, message) => expect(() => sealed(keys)).toThrow(new InvalidCodecError(message)));

  test('62 keys in a row from the first counter on cover the space to its end, and no further', () => {
    const keys = Array.from(ALPHABET, (id, i) => ({
      id,
      key: new Uint8Array(16).fill(i),
      startCounter: 100_000 + i * PER_KEY,
    }));
    const codec = sealed(keys);
    expect(codec.capacity).toEqual({ firstCounter: 100_000, endCounter: COUNTER_END });
    const lastCode = codec.encode(COUNTER_END - 1);
    expect(lastCode[0]).toBe('z');
    expect(codec.decode(lastCode)).toBe(COUNTER_END - 1);
  });

  test('a key may start exactly where the one before is used up', () => {
    const rotated = sealed([KEY_A, { ...KEY_B, startCounter: 100_000 + PER_KEY }]);
    expect(rotated.encode(100_000 + PER_KEY - 1)[0]).toBe('A');
    expect(rotated.encode(100_000 + PER_KEY)[0]).toBe('b');
  });
});

describe('LAKH_SEALED_KEYS', () => {
  test('keys of 128, 192 and 256 bits, apart by any white space', () => {
    const text = `\n A:${'0f'.repeat(16)}:0\t\tb:${'AB'.repeat(24)}:7\r\n9:${'c3'.repeat(32)}:3521614606207\n`;
    expect(parseSealedKeys(text)).toEqual([
      { id: 'A', key: new Uint8Array(16).fill(0x0f), startCounter: 0 },
      { id: 'b', key: new Uint8Array(24).fill(0xab), startCounter: 7 },
      { id: '9', key: new Uint8Array(32).fill(0xc3), startCounter: 3_521_614_606_207 },
    ]);
  });

  const hex = 'deadbeef'.repeat(4);
  test.each([
    '',
    '  \n',
    `${hex}`,
    `A:${hex}`,
    `A:${hex}:`,
    `:${hex}:1`,
    `AB:${hex}:1`,
    `-:${hex}:1`,
    `A:${hex}:01`,
    `A:${hex}:-1`,
    `A:${hex}:1e5`,
    `A:${hex}:1:2`,
    `A:${hex}:12345678901234`,
    `A:${hex.slice(1)}:1`,
    `A:${hex}00:1`,
    `A:${hex.slice(2)}xy:1`,
    `A: ${hex}:1`,
    `A:${hex}:1,B:${hex}:2`,
    `A:${Buffer.from(hex, 'hex').toString('base64')}:1`,
  ])('%j is refused, and its text never repeated', (text) => {
    let message = '';
    try {
      parseSealedKeys(text);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidCodecError);
      message = (error as Error).message;
    }
    expect(message).not.toBe('');
    expect(message).not.toMatch(/dead|beef|3q2/i);
  });

  test('the error says which entry it is, and what is wrong with it', () => {
    expect(() => parseSealedKeys(' ')).toThrow('no sealed key is given');
    expect(() => parseSealedKeys(`A:${hex}:0 B:${hex}`)).toThrow(
      'sealed key 2 of 2 is not <id>:<hexadecimal key>:<start counter>',
    );
    expect(() => parseSealedKeys(`A:${hex}:0 B:${hex}00:1`)).toThrow(
      'sealed key 2 of 2 has 34 hexadecimal digits instead of 32, 48 or 64',
    );
  });
});
