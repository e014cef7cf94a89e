import { base62 } from './base62.js';
import { COUNTER_END, type Codec, type CodecDescription, type KeyDescription } from './codec.js';
import { CodecMismatchError } from './errors.js';
import { CODES_PER_KEY, sealed } from './sealed.js';
import type { SealedKey } from './sealed-keys.js';
import { type SqidsParams, sqids } from './sqids.js';

export type CodecConfig =
  | { readonly codec: 'base62' }
  | ({ readonly codec: 'sqids' } & SqidsParams)
  | { readonly codec: 'sealed'; readonly keys: readonly SealedKey[] };

/** Under which name every database has its codec on record. */
export const CODEC_FACT = 'codec';

export function createCodec(config: CodecConfig): Codec {
  switch (config.codec) {
    case 'base62':
      return base62();
    case 'sqids':
      return sqids(config);
    case 'sealed':
      return sealed(config.keys);
  }
}

/** What the database records at first start (JSON, never keys): equal text for equal codecs. */
export function recordOfCodec(codec: Codec): string {
  return textOf(codec.describe());
}

/**
 * Compares what the database has recorded with this server's codec. `keys-added`: the same but for further keys; record
 * {@link recordOfCodec} in its place by compare-and-set, so that every server sees the same keys.
 * @param nextCounter the first counter not leased yet, if known: an added key may not start before it, for codes that are out
 *   already would no longer decode.
 * @throws CodecMismatchError that names both, when anything recorded is different or missing here.
 */
export function checkRecordedCodec(recordedJson: string, codec: Codec, nextCounter = 0): 'same' | 'keys-added' {
  const recorded = parseRecordedCodec(recordedJson);
  const configured = codec.describe();
  const refuse = (what: string) =>
    new CodecMismatchError(`${what}: the database has ${textOf(recorded)}, this server ${textOf(configured)}`);

  if (recorded.codec !== configured.codec) throw refuse('another codec');
  if (textOf({ ...recorded, keys: [] }) !== textOf({ ...configured, keys: [] })) throw refuse('other parameters');
  for (const key of recorded.keys) {
    const ours = configured.keys.find((candidate) => candidate.id === key.id);
    if (ours === undefined) throw refuse(`key ${key.id} is missing`);
    if (textOfKey(ours) !== textOfKey(key)) throw refuse(`key ${key.id} was changed`);
  }
  const added = configured.keys.filter((key) => recorded.keys.every((known) => known.id !== key.id));
  const tooEarly = added.find((key) => key.startCounter < nextCounter);
  if (tooEarly !== undefined) {
    throw refuse(`the new key ${tooEarly.id} must start at ${nextCounter} or later, where nothing is leased yet`);
  }
  return added.length === 0 ? 'same' : 'keys-added';
}

/**
 * The first of the recorded keys that this codec does not have: added by another server, and codes from its start on are to be its
 * own. Undefined without one, and for codecs without keys.
 * @throws CodecMismatchError when what is recorded is no description of a codec
 */
export function firstUnknownKey(recordedJson: string, codec: Codec): KeyDescription | undefined {
  const ours = new Set(codec.describe().keys.map(({ id }) => id));
  const unknown = parseRecordedCodec(recordedJson).keys.filter(({ id }) => !ours.has(id));
  return unknown.sort((a, b) => a.startCounter - b.startCounter)[0];
}

/** The first counter that a codec of this description has no code for. */
export function endOfDescribedCodec({ codec, keys }: CodecDescription): number {
  if (codec !== 'sealed') return COUNTER_END;
  return Math.min(COUNTER_END, Math.max(0, ...keys.map(({ startCounter }) => startCounter)) + CODES_PER_KEY);
}

function textOf({ codec, params, keys }: CodecDescription): string {
  const sortedParams = Object.fromEntries(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ codec, params: sortedParams, keys });
}

function textOfKey({ id, fingerprint, startCounter }: KeyDescription): string {
  return `${id} ${fingerprint} ${startCounter}`;
}

/** What the database has recorded. @throws CodecMismatchError when it is no description of a codec */
export function parseRecordedCodec(json: string): CodecDescription {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new CodecMismatchError('what the database has recorded of its codec is not JSON');
  }
  if (!isDescription(value)) {
    throw new CodecMismatchError('what the database has recorded of its codec is not a description of one');
  }
  return value;
}

function isDescription(value: unknown): value is CodecDescription {
  if (typeof value !== 'object' || value === null) return false;
  const { codec, params, keys } = value as Record<string, unknown>;
  return typeof codec === 'string' && typeof params === 'object' && params !== null && isKeyList(keys);
}

function isKeyList(value: unknown): value is KeyDescription[] {
  return (
    Array.isArray(value) &&
    value.every(
      (key: unknown) =>
        typeof key === 'object' &&
        key !== null &&
        typeof (key as KeyDescription).id === 'string' &&
        typeof (key as KeyDescription).fingerprint === 'string' &&
        typeof (key as KeyDescription).startCounter === 'number',
    )
  );
}
