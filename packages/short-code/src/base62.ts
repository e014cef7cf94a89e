import { ALPHABET, COUNTER_END, type Codec, RADIX } from './codec.js';
import { CounterOutOfRangeError } from './errors.js';

const PAIR_RADIX = RADIX * RADIX;
const CANONICAL = /^(?:0|[1-9A-Za-z][0-9A-Za-z]{0,6})$/;

/**
 * The shortest code of a counter: its digits in base 62, most significant first, no leading zeros. 100000 is `Q0u`.
 *
 * Counters come in runs, so all but the last two digits are kept from the last call: one division, one table look-up and one
 * concatenation a code, which runs as fast as a loop that only concatenates such strings (5 × digit by digit beyond 2^32).
 */
export function base62(): Codec {
  const pairs = Array.from({ length: PAIR_RADIX }, (_, n) => ALPHABET.charAt(n / RADIX) + ALPHABET.charAt(n % RADIX));
  let lastHead = 0;
  let lastHeadText = '';

  function textOfHead(head: number): string {
    let rest = head;
    let text = '';
    while (rest >= PAIR_RADIX) {
      const next = Math.floor(rest / PAIR_RADIX);
      text = (pairs[rest - next * PAIR_RADIX] as string) + text;
      rest = next;
    }
    return (rest < RADIX ? ALPHABET.charAt(rest) : (pairs[rest] as string)) + text;
  }

  return {
    name: 'base62',
    capacity: { firstCounter: 0, endCounter: COUNTER_END },

    encode(counter: number): string {
      // The quotient is exact: below 62^7 it is never close enough to the next integer to be rounded up to it.
      const head = Math.floor(counter / PAIR_RADIX);
      const pair = pairs[counter - head * PAIR_RADIX];
      // A fraction, a NaN or an infinity finds no pair.
      if (pair === undefined || counter < 0 || counter >= COUNTER_END) throw outOfRange(counter);
      if (head === 0) return counter < RADIX ? ALPHABET.charAt(counter) : pair;
      if (head !== lastHead) {
        lastHeadText = textOfHead(head);
        lastHead = head;
      }
      return lastHeadText + pair;
    },

    decode(code: string): number | undefined {
      if (!CANONICAL.test(code)) return undefined;
      let counter = 0;
      for (let i = 0; i < code.length; i++) counter = counter * RADIX + digitOf(code.charCodeAt(i));
      return counter;
    },

    describe: () => ({ codec: 'base62', params: {}, keys: [] }),
  };
}

/** Value of an ASCII code unit that is known to be in the alphabet. */
function digitOf(unit: number): number {
  if (unit <= 0x39) return unit - 0x30;
  return unit <= 0x5a ? unit - 0x41 + 10 : unit - 0x61 + 36;
}

function outOfRange(counter: number): CounterOutOfRangeError {
  return new CounterOutOfRangeError(`base62 encodes integers from 0 to ${COUNTER_END - 1}, not ${counter}`);
}
