import {
  type Codec,
  CodecMismatchError,
  checkRecordedCodec,
  createCodec,
  firstUnknownKey,
  parseSealedKeys,
  recordOfCodec,
} from '../src/index.js';

const HEX_A = '2b7e151628aed2a6abf7158809cf4f3c';
const HEX_B = 'ef4359d8d580aa4f7f036d6f04fc6a94';
const sealedWith = (text: string) => createCodec({ codec: 'sealed', keys: parseSealedKeys(text) });
const oneKey = sealedWith(`A:${HEX_A}:100000`);
const twoKeys = sealedWith(`A:${HEX_A}:100000 B:${HEX_B}:300000`);

function mismatch(recorded: string, codec: Codec, nextCounter?: number): CodecMismatchError {
  try {
    checkRecordedCodec(recorded, codec, nextCounter);
  } catch (error) {
    expect(error).toBeInstanceOf(CodecMismatchError);
    return error as CodecMismatchError;
  }
  throw new Error('the codec was accepted');
}

describe('the recorded codec', () => {
  test.each<[string, Codec]>([
    ['base62', createCodec({ codec: 'base62' })],
    ['sqids', createCodec({ codec: 'sqids', minLength: 8 })],
    ['sealed', twoKeys],
  ])('%s is the same as itself', (name, codec) => {
    expect(codec.name).toBe(name);
    expect(checkRecordedCodec(recordOfCodec(codec), codec)).toBe('same');
    const reordered = JSON.parse(recordOfCodec(codec));
    const params = Object.fromEntries(Object.entries(reordered.params).reverse());
    expect(checkRecordedCodec(JSON.stringify({ keys: reordered.keys, params, codec: name }), codec)).toBe('same');
  });

  test('the defaults of sqids are recorded, so that writing them out changes nothing', () => {
    const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
    const spelledOut = createCodec({ codec: 'sqids', alphabet, minLength: 6 });
    expect(recordOfCodec(spelledOut)).toBe(recordOfCodec(createCodec({ codec: 'sqids' })));
  });

  test('another codec or parameter is refused, naming both', () => {
    const base62 = createCodec({ codec: 'base62' });
    const sqids = createCodec({ codec: 'sqids' });
    const error = mismatch(recordOfCodec(base62), sqids);
    expect(error).toMatchObject({ code: 'codec_mismatch' });
    expect(error.message).toContain('"codec":"base62"');
    expect(error.message).toContain('"codec":"sqids"');

    const params = mismatch(recordOfCodec(sqids), createCodec({ codec: 'sqids', minLength: 9 }));
    expect(params.message).toContain('"minLength":6');
    expect(params.message).toContain('"minLength":9');
    mismatch(recordOfCodec(sqids).replace(/"blocklistSha256":"./, '"blocklistSha256":"x'), sqids);
  });

  test('a key may be added, never changed, moved or taken away, and no message holds key material', () => {
    expect(checkRecordedCodec(recordOfCodec(oneKey), twoKeys)).toBe('keys-added');
    const refused = [
      mismatch(recordOfCodec(twoKeys), oneKey),
      mismatch(recordOfCodec(oneKey), sealedWith(`A:${HEX_B}:100000`)),
      mismatch(recordOfCodec(oneKey), sealedWith(`A:${HEX_A}:99999`)),
      mismatch(recordOfCodec(oneKey), sealedWith(`B:${HEX_A}:100000`)),
    ];
    for (const error of refused) {
      expect(error.message).toContain(oneKey.describe().keys[0]?.fingerprint);
      expect(error.message).not.toMatch(/2b7e1516|ef4359d8/i);
    }
  });

  test('a key may not start at a counter that is issued already', () => {
    expect(checkRecordedCodec(recordOfCodec(oneKey), twoKeys, 300_000)).toBe('keys-added');
    expect(mismatch(recordOfCodec(oneKey), twoKeys, 300_001).message).toContain('must start at 300001 or later');
    expect(checkRecordedCodec(recordOfCodec(twoKeys), twoKeys, 300_001)).toBe('same');
  });

  test('a running server learns of the first key that others have added', () => {
    const threeKeys = sealedWith(`A:${HEX_A}:100000 B:${HEX_B}:300000 C:${HEX_B}11111111${HEX_A.slice(8)}:400000`);
    expect(firstUnknownKey(recordOfCodec(oneKey), oneKey)).toBeUndefined();
    expect(firstUnknownKey(recordOfCodec(threeKeys), oneKey)).toEqual(threeKeys.describe().keys[1]);
    expect(firstUnknownKey(recordOfCodec(threeKeys), twoKeys)).toMatchObject({ id: 'C', startCounter: 400_000 });
    // This server's own addition, not recorded yet.
    expect(firstUnknownKey(recordOfCodec(oneKey), twoKeys)).toBeUndefined();
    expect(() => firstUnknownKey('{}', oneKey)).toThrow(CodecMismatchError);
  });

  test.each(['', 'base62', 'null', '[]', '{"codec":"base62"}', '{"codec":"base62","params":{},"keys":[{}]}'])(
    '%j is no record',
    (recorded) => {
      mismatch(recorded, createCodec({ codec: 'base62' }));
    },
  );
});
