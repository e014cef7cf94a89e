import { FF1 } from '@noble/ciphers/ff1.js';
import { numberPermutation } from '../src/permutation.js';

const KEY_256 = '2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94';
const KEY_192 = KEY_256.slice(0, 48);
const KEY_128 = KEY_256.slice(0, 32);
const TWEAK_10 = '39383736353433323130';
const TWEAK_36 = '3737373770717273373737';

/** The nine samples that NIST publishes for FF1 (SP 800-38G, "FF1samples"): key, radix, tweak, plain text, cipher text. */
const SAMPLES: [string, number, string, string, string][] = [
  [KEY_128, 10, '', '0123456789', '2433477484'],
  [KEY_128, 10, TWEAK_10, '0123456789', '6124200773'],
  [KEY_128, 36, TWEAK_36, '0123456789abcdefghi', 'a9tv40mll9kdu509eum'],
  [KEY_192, 10, '', '0123456789', '2830668132'],
  [KEY_192, 10, TWEAK_10, '0123456789', '2496655549'],
  [KEY_192, 36, TWEAK_36, '0123456789abcdefghi', 'xbj3kv35jrawxv32ysr'],
  [KEY_256, 10, '', '0123456789', '6657667009'],
  [KEY_256, 10, TWEAK_10, '0123456789', '1001623463'],
  [KEY_256, 36, TWEAK_36, '0123456789abcdefghi', 'xs8a0azh2avyalyzuwd'],
];

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const digits = (text: string) => [...text].map((digit) => Number.parseInt(digit, 36));
const textOf = (values: readonly number[]) => values.map((value) => value.toString(36)).join('');

describe('FF1', () => {
  test.each(SAMPLES)('NIST sample: key %s, radix %i, tweak %j', (key, radix, tweak, plain, cipher) => {
    const ff1 = FF1(radix, bytes(key), bytes(tweak));
    expect(textOf(ff1.encrypt(digits(plain)))).toBe(cipher);
    expect(textOf(ff1.decrypt(digits(cipher)))).toBe(plain);
  });

  test.each(SAMPLES.filter(([, radix, tweak]) => radix === 10 && tweak === ''))(
    'NIST sample through the permutation of numbers: key %s',
    (key, radix, _tweak, plain, cipher) => {
      const permutation = numberPermutation(bytes(key), radix, plain.length);
      expect(permutation.encrypt(Number(plain))).toBe(Number(cipher));
      expect(permutation.decrypt(Number(cipher))).toBe(Number(plain));
    },
  );

  test.each([
    [62, 2],
    [10, 3],
    [7, 4],
  ])('is a bijection of all numbers of radix %i and %i digits', (radix, length) => {
    const permutation = numberPermutation(bytes(KEY_128), radix, length);
    const images = new Set<number>();
    for (let value = 0; value < permutation.size; value++) {
      const image = permutation.encrypt(value);
      if (permutation.decrypt(image) !== value) throw new Error(`${value} → ${image} → ${permutation.decrypt(image)}`);
      images.add(image);
    }
    expect(images.size).toBe(radix ** length);
    expect(Math.max(...images)).toBe(radix ** length - 1);
  });

  test('does not follow its caller’s key when that is overwritten', () => {
    const key = bytes(KEY_128);
    const permutation = numberPermutation(key, 62, 6);
    const before = permutation.encrypt(1);
    key.fill(0);
    expect(permutation.encrypt(1)).toBe(before);
  });

  test.each([-1, 62 ** 2, 0.5, Number.NaN])('%d is refused', (value) => {
    const permutation = numberPermutation(bytes(KEY_128), 62, 2);
    const refusal = new RangeError(`${value} is not below 3844`);
    expect(() => permutation.encrypt(value)).toThrow(refusal);
    expect(() => permutation.decrypt(value)).toThrow(refusal);
  });
});
