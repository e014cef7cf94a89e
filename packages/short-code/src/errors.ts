import { CodedError } from '@lakh/base';

/** The counter is no integer, or outside what the codec (with its present keys) can encode. */
export class CounterOutOfRangeError extends CodedError {
  readonly code = 'counter_out_of_range';
}

/** The codec's parameters or keys make no sense; the server does not start. Messages never hold key material. */
export class InvalidCodecError extends CodedError {
  readonly code = 'invalid_codec';
}

/** The database was started with another codec, other parameters or another key; the server does not start. */
export class CodecMismatchError extends CodedError {
  readonly code = 'codec_mismatch';
  constructor(what: string) {
    super(`${what}. See docs/runbooks/codec_mismatch.md`);
  }
}
