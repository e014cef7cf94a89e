/** All generated codes are made of these, in ASCII order, so that base62 codes of equal length sort like their counters. */
export const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
export const RADIX = ALPHABET.length;

/** Counters are below this: seven characters of base 62. */
export const COUNTER_END = RADIX ** 7;

/** The first counter that Lakh ever issues, whatever its range size. */
export const FIRST_ISSUED_COUNTER = 100_000;

export type CodecName = 'base62' | 'sqids' | 'sealed';

/** What is told about a key: enough to recognise it, nothing to derive it from. */
export interface KeyDescription {
  /** One character of the alphabet, the first of every code under this key. */
  readonly id: string;
  /** 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** The first counter that is encoded under this key. */
  readonly startCounter: number;
}

/** What a database records of its codec, so that a server with another one refuses to start. */
export interface CodecDescription {
  readonly codec: CodecName;
  readonly params: Readonly<Record<string, string | number>>;
  /** In the order of their start counters; empty for a codec without keys. */
  readonly keys: readonly KeyDescription[];
}

/** A bijection between counters and codes of `[0-9A-Za-z]+`. */
export interface Codec {
  readonly name: CodecName;
  /** Throws {@link CounterOutOfRangeError} for anything but an integer within the capacity. */
  encode(counter: number): string;
  /** Strict: only the text that `encode` gives for a counter decodes; everything else is `undefined`. */
  decode(code: string): number | undefined;
  /** Counters that can be encoded: [firstCounter, endCounter). */
  readonly capacity: { readonly firstCounter: number; readonly endCounter: number };
  describe(): CodecDescription;
}
