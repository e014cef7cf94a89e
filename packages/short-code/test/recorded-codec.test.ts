import {
  CODEC_FACT,
  CODES_PER_KEY,
  COUNTER_END,
  type Codec,
  CodecMismatchError,
  checkRecordedCodec,
  createCodec,
  endOfDescribedCodec,
  firstUnknownKey,
  parseRecordedCodec,
  parseSealedKeys,
  recordOfCodec,
} from '../src/index.js';

const HEX_A = '2b7e151628aed2a6abf7158809cf4f3c';
const HEX_B = 'ef4359d8d580aa4f7f036d6f04fc6a94';
const sealedWith = (text: string) => createCodec({ codec: 'sealed', keys: parseSealedKeys(text) });
const withOneKey = () => sealedWith(`A:${HEX_A}:100000`);
const withTwoKeys = () => sealedWith(`A:${HEX_A}:100000 B:${HEX_B}:300000`);

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
  test('is on record under a name that no release may change, or it would be looked for in vain', () => {
    expect(CODEC_FACT).toBe('codec');
  });

  test.each<[string, () => Codec]>([
    ['base62', () => createCodec({ codec: 'base62' })],
    ['sqids', () => createCodec({ codec: 'sqids', minLength: 8 })],
    ['sealed', withTwoKeys],
  ])('%s is the same as itself', (name, create) => {
    const codec = create();
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
    expect(error.message).toBe(
      `another codec: the database has {"codec":"base62","params":{},"keys":[]}, this server ${recordOfCodec(sqids)}. ` +
        'See docs/runbooks/codec_mismatch.md',
    );

    const params = mismatch(recordOfCodec(sqids), createCodec({ codec: 'sqids', minLength: 9 }));
    expect(params.message).toMatch(
      /^other parameters: the database has .*"minLength":6.*, this server .*"minLength":9/,
    );
    mismatch(recordOfCodec(sqids).replace(/"blocklistSha256":"./, '"blocklistSha256":"x'), sqids);
  });

  test('a key may be added, never changed, moved or taken away, and no message holds key material', () => {
    const [oneKey, twoKeys] = [withOneKey(), withTwoKeys()];
    expect(checkRecordedCodec(recordOfCodec(oneKey), twoKeys)).toBe('keys-added');
    const refused: [CodecMismatchError, string][] = [
      [mismatch(recordOfCodec(twoKeys), oneKey), 'key B is missing'],
      [mismatch(recordOfCodec(oneKey), sealedWith(`A:${HEX_B}:100000`)), 'key A was changed'],
      [mismatch(recordOfCodec(oneKey), sealedWith(`A:${HEX_A}:99999`)), 'key A was changed'],
      [mismatch(recordOfCodec(oneKey), sealedWith(`B:${HEX_A}:100000`)), 'key A is missing'],
    ];
    for (const [error, what] of refused) {
      expect(error.message).toContain(`${what}: the database has `);
      expect(error.message).toContain(oneKey.describe().keys[0]?.fingerprint);
      expect(error.message).not.toMatch(/2b7e1516|ef4359d8/i);
    }
  });

  test('a key may not start at a counter that is issued already', () => {
    const [oneKey, twoKeys] = [withOneKey(), withTwoKeys()];
    expect(checkRecordedCodec(recordOfCodec(oneKey), twoKeys, 300_000)).toBe('keys-added');
    expect(mismatch(recordOfCodec(oneKey), twoKeys, 300_001).message).toContain(
      'the new key B must start at 300001 or later, where nothing is leased yet: ',
    );
    expect(checkRecordedCodec(recordOfCodec(twoKeys), twoKeys, 300_001)).toBe('same');
  });

  test('a running server learns of the first key that others have added', () => {
    const [oneKey, twoKeys] = [withOneKey(), withTwoKeys()];
    const threeKeys = sealedWith(`A:${HEX_A}:100000 B:${HEX_B}:300000 C:${HEX_B}11111111${HEX_A.slice(8)}:400000`);
    expect(firstUnknownKey(recordOfCodec(oneKey), oneKey)).toBeUndefined();
    expect(firstUnknownKey(recordOfCodec(threeKeys), oneKey)).toEqual(threeKeys.describe().keys[1]);
    expect(firstUnknownKey(recordOfCodec(threeKeys), twoKeys)).toMatchObject({ id: 'C', startCounter: 400_000 });
    // The first by its start, in whatever order they are on record.
    const { codec, params, keys } = threeKeys.describe();
    const reversed = JSON.stringify({ codec, params, keys: keys.toReversed() });
    expect(firstUnknownKey(reversed, oneKey)).toMatchObject({ id: 'B' });
    // This server's own addition, not recorded yet.
    expect(firstUnknownKey(recordOfCodec(oneKey), twoKeys)).toBeUndefined();
    expect(() => firstUnknownKey('{}', oneKey)).toThrow(CodecMismatchError);
  });

  test.each(['', 'base62', '{"codec":"base62"'])('%j is no record: it is not JSON', (recorded) => {
    const { message } = mismatch(recorded, createCodec({ codec: 'base62' }));
    expect(message).toContain('what the database has recorded of its codec is not JSON');
  });

  const KEY = { id: 'A', fingerprint: 'f', startCounter: 0 };
  const record = (changed: object) => ({ codec: 'base62', params: {}, keys: [KEY], ...changed });
  test.each([
    null,
    7,
    [],
    { codec: 'base62' },
    record({ codec: 62 }),
    record({ params: null }),
    record({ params: 'minLength' }),
    record({ keys: {} }),
    record({ keys: [KEY, null] }),
    record({ keys: [KEY, 'A'] }),
    record({ keys: [{ ...KEY, id: 1 }] }),
    record({ keys: [{ ...KEY, fingerprint: 2 }] }),
    record({ keys: [{ ...KEY, startCounter: '0' }] }),
    record({ keys: [{ ...KEY, id: 1 }, KEY] }),
  ])('%j is JSON and no record', (recorded) => {
    expect(parseRecordedCodec(JSON.stringify(record({})))).toEqual(record({}));
    const { message } = mismatch(JSON.stringify(recorded), createCodec({ codec: 'base62' }));
    expect(message).toContain('what the database has recorded of its codec is not a description of one');
  });

  test('a description tells the first counter without a code: for sealed codecs the end of the last key', () => {
    const end = (codec: Codec) => endOfDescribedCodec(codec.describe());
    expect(end(createCodec({ codec: 'base62' }))).toBe(COUNTER_END);
    expect(end(createCodec({ codec: 'sqids' }))).toBe(COUNTER_END);
    expect(end(withOneKey())).toBe(100_000 + CODES_PER_KEY);
    expect(end(withTwoKeys())).toBe(300_000 + CODES_PER_KEY);
    const { keys, ...sealed } = withTwoKeys().describe();
    expect(endOfDescribedCodec({ ...sealed, keys: keys.toReversed() })).toBe(300_000 + CODES_PER_KEY);
    expect(endOfDescribedCodec({ ...sealed, keys: [{ ...KEY, startCounter: COUNTER_END - 5 }] })).toBe(COUNTER_END);
  });
});
