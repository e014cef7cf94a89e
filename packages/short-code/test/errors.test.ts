import { CodecMismatchError, CounterOutOfRangeError, InvalidCodecError } from '../src/index.js';

test.each([
  [CounterOutOfRangeError, 'CounterOutOfRangeError', 'counter_out_of_range', 'what'],
  [InvalidCodecError, 'InvalidCodecError', 'invalid_codec', 'what'],
  [CodecMismatchError, 'CodecMismatchError', 'codec_mismatch', 'what. See docs/runbooks/codec_mismatch.md'],
])('%p has its own name and a stable code', (Type, name, code, message) => {
  expect(new Type('what')).toMatchObject({ name, code, message });
});
