import Sqids from 'sqids';
import { ALPHABET, COUNTER_END, type Codec } from './codec.js';
import { CounterOutOfRangeError, InvalidCodecError } from './errors.js';
import { SQIDS_BLOCKLIST, SQIDS_BLOCKLIST_SHA256 } from './sqids-blocklist.js';

export interface SqidsParams {
  /** The characters of the codes; their order decides which code a counter gets. Default: the sqids package's own. */
  readonly alphabet?: string;
  /** Shorter codes are padded to this. Default 6. */
  readonly minLength?: number;
}

const DEFAULT_ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const DEFAULT_MIN_LENGTH = 6;
/** Fewer characters make codes long, and let the blocklist run a counter out of alternatives. */
const MIN_ALPHABET_LENGTH = 16;
export const SQIDS_MAX_MIN_LENGTH = 32;
/** The longest possible: 16 characters, of which 15 are digits, need 11 for 62^7, and one prefix. */
const MAX_CODE_LENGTH = SQIDS_MAX_MIN_LENGTH;

/**
 * Sqids (sqids.org): hides the order of codes from people, not from anybody who tries, and skips codes that spell a word of
 * the blocklist. The list is part of the codec, for another one gives other codes: it is pinned here and its hash is
 * recorded. Distinct counters have distinct codes whatever the list, since each code decodes to one counter. 24–72k codes/s.
 */
export function sqids(params: SqidsParams = {}): Codec {
  const { alphabet = DEFAULT_ALPHABET, minLength = DEFAULT_MIN_LENGTH } = params;
  if (alphabet.length < MIN_ALPHABET_LENGTH || new Set(alphabet).size !== alphabet.length) {
    throw new InvalidCodecError(`the sqids alphabet must be ${MIN_ALPHABET_LENGTH} or more different characters`);
  }
  if ([...alphabet].some((character) => !ALPHABET.includes(character))) {
    throw new InvalidCodecError('the sqids alphabet must be of 0-9A-Za-z');
  }
  if (!Number.isInteger(minLength) || minLength < 0 || minLength > SQIDS_MAX_MIN_LENGTH) {
    throw new InvalidCodecError(`the sqids minimum length must be an integer from 0 to ${SQIDS_MAX_MIN_LENGTH}`);
  }
  const coder = new Sqids({ alphabet, minLength, blocklist: new Set(SQIDS_BLOCKLIST) });

  return {
    name: 'sqids',
    capacity: { firstCounter: 0, endCounter: COUNTER_END },

    encode(counter: number): string {
      if (!Number.isInteger(counter) || counter < 0 || counter >= COUNTER_END) {
        throw new CounterOutOfRangeError(`sqids encodes integers from 0 to ${COUNTER_END - 1}, not ${counter}`);
      }
      return coder.encode([counter]);
    },

    decode(code: string): number | undefined {
      if (code.length > MAX_CODE_LENGTH) return undefined;
      const [counter, ...others] = coder.decode(code);
      if (counter === undefined || counter >= COUNTER_END) return undefined;
      // Padding makes several numbers of some texts, and blocked or foreign codes decode too: only encode decides.
      return others.length === 0 && coder.encode([counter]) === code ? counter : undefined;
    },

    describe: () => ({
      codec: 'sqids',
      params: { alphabet, minLength, blocklistSha256: SQIDS_BLOCKLIST_SHA256 },
      keys: [],
    }),
  };
}
