/** Errors of the codecs: one class, one stable code, one HTTP status (docs/reference/errors.md). */
export abstract class ShortCodeError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The counter is no integer, or outside what the codec (with its present keys) can encode. */
export class CounterOutOfRangeError extends ShortCodeError {
  readonly code = 'counter_out_of_range';
  readonly status = 503;
}

/** The codec's parameters or keys make no sense; the server does not start. Messages never hold key material. */
export class InvalidCodecError extends ShortCodeError {
  readonly code = 'invalid_codec';
  readonly status = 500;
}

/** The database was started with another codec, other parameters or another key; the server does not start. */
export class CodecMismatchError extends ShortCodeError {
  readonly code = 'codec_mismatch';
  readonly status = 503;
  constructor(what: string) {
    super(`${what}. See docs/runbooks/codec_mismatch.md`);
  }
}
