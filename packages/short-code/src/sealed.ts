import { ALPHABET, COUNTER_END, type Codec, FIRST_ISSUED_COUNTER, type KeyDescription, RADIX } from './codec.js';
import { CounterOutOfRangeError, InvalidCodecError } from './errors.js';
import { type NumberPermutation, numberPermutation } from './permutation.js';
import { fingerprintOf, type SealedKey } from './sealed-keys.js';

const SEALED_DIGITS = 6;
/** Counters that one key encodes at most. */
export const CODES_PER_KEY = RADIX ** SEALED_DIGITS;
const CODE_LENGTH = 1 + SEALED_DIGITS;

interface KeyInUse extends KeyDescription {
  /** First counter that is not this key's. */
  readonly endCounter: number;
  readonly permutation: NumberPermutation;
}

/**
 * Codes that reveal neither order nor volume: the key's id, then six characters of format-preserving encryption of the
 * counter's distance from the key's start. Codes of different keys differ in their first character, so a new key can start
 * at any counter with no collision check. A key serves from its start to the next key's, 56.8 billion counters at most.
 * @param keys in the order of their start counters, the first at or below 100,000, without a gap that no key covers.
 */
export function sealed(keys: readonly SealedKey[]): Codec {
  const keysInUse = inUse(keys);
  const byId = new Map(keysInUse.map((key) => [key.id, key]));
  const first = keysInUse[0] as KeyInUse;
  const last = keysInUse.at(-1) as KeyInUse;
  const capacity = { firstCounter: first.startCounter, endCounter: last.endCounter };

  return {
    name: 'sealed',
    capacity,

    encode(counter: number): string {
      if (!Number.isInteger(counter) || counter < capacity.firstCounter || counter >= capacity.endCounter) {
        throw new CounterOutOfRangeError(
          `the sealed codec's keys cover counters ${capacity.firstCounter} to ${capacity.endCounter - 1}, not ${counter}; ` +
            'add a key that starts where the last one ends',
        );
      }
      const key = keysInUse.findLast((candidate) => candidate.startCounter <= counter) as KeyInUse;
      let value = key.permutation.encrypt(counter - key.startCounter);
      let text = '';
      for (let i = 0; i < SEALED_DIGITS; i++) {
        text = ALPHABET.charAt(value % RADIX) + text;
        value = Math.floor(value / RADIX);
      }
      return key.id + text;
    },

    decode(code: string): number | undefined {
      if (code.length !== CODE_LENGTH) return undefined;
      const key = byId.get(code.charAt(0));
      if (key === undefined) return undefined;
      let value = 0;
      for (let i = 1; i < CODE_LENGTH; i++) {
        const digit = ALPHABET.indexOf(code.charAt(i));
        if (digit < 0) return undefined;
        value = value * RADIX + digit;
      }
      const counter = key.startCounter + key.permutation.decrypt(value);
      return counter < key.endCounter ? counter : undefined;
    },

    describe: () => ({
      codec: 'sealed',
      params: { method: 'ff1-aes', radix: RADIX, digits: SEALED_DIGITS },
      keys: keysInUse.map(({ id, fingerprint, startCounter }) => ({ id, fingerprint, startCounter })),
    }),
  };
}

function inUse(keys: readonly SealedKey[]): KeyInUse[] {
  const first = keys[0];
  if (first === undefined) throw new InvalidCodecError('the sealed codec needs at least one key');
  if (first.startCounter > FIRST_ISSUED_COUNTER) {
    throw new InvalidCodecError(
      `key ${first.id} starts at ${first.startCounter}, but counters are issued from ${FIRST_ISSUED_COUNTER} on`,
    );
  }
  const fingerprints = new Map<string, string>();
  return keys.map((key, index) => {
    checkKey(key);
    if (keys.slice(0, index).some((earlier) => earlier.id === key.id)) {
      throw new InvalidCodecError(`two keys have the id ${key.id}`);
    }
    const fingerprint = fingerprintOf(key.key);
    const twin = fingerprints.get(fingerprint);
    if (twin !== undefined) throw new InvalidCodecError(`keys ${twin} and ${key.id} are the same key`);
    fingerprints.set(fingerprint, key.id);

    const limit = Math.min(key.startCounter + CODES_PER_KEY, COUNTER_END);
    const nextStart = keys[index + 1]?.startCounter;
    if (nextStart !== undefined && (nextStart <= key.startCounter || nextStart > limit)) {
      throw new InvalidCodecError(
        `key ${keys[index + 1]?.id} starts at ${nextStart}; it must start after key ${key.id} does, at ` +
          `${key.startCounter}, and at the latest where that one is used up, at ${limit}`,
      );
    }
    return {
      id: key.id,
      fingerprint,
      startCounter: key.startCounter,
      endCounter: nextStart ?? limit,
      permutation: numberPermutation(key.key, RADIX, SEALED_DIGITS),
    };
  });
}

function checkKey(key: SealedKey): void {
  if (key.id.length !== 1 || !ALPHABET.includes(key.id)) {
    throw new InvalidCodecError('a key id is one character of 0-9A-Za-z');
  }
  if (![16, 24, 32].includes(key.key.length)) {
    throw new InvalidCodecError(`key ${key.id} has ${key.key.length} bytes; AES keys have 16, 24 or 32`);
  }
  // Not beyond the end of the counters either: no key but the first may start beyond the one before, nor that above the first counter.
  if (!Number.isInteger(key.startCounter) || key.startCounter < 0) {
    throw new InvalidCodecError(`key ${key.id} must start at a whole counter, 0 or above`);
  }
}
