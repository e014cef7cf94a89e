import { CodecMismatchError, CounterOutOfRangeError, InvalidCodecError } from '../src/index.js';

test.each([
  [new CounterOutOfRangeError('what'), 'CounterOutOfRangeError', 'counter_out_of_range', 'what'],
  [new InvalidCodecError('what'), 'InvalidCodecError', 'invalid_codec', 'what'],
  [new CodecMismatchError('what'), 'CodecMismatchError', 'codec_mismatch', 'what. See docs/runbooks/codec_mismatch.md'],
])('%s has its own name and a stable code', (error, name, code, message) => {
  expect(error).toMatchObject({ name, code, message });
});
