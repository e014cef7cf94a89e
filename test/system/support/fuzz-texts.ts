import type { Random } from './random.js';

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const LETTERS = 'abcXYZ019-_.~%/?#';
/** Of a fuzzed text this many characters are drawn. */
const LONG = 64;

/** Texts of a length: any bytes, one a character, or letters that mean something in a URL. */
export function createTexts({ below }: Random) {
  function text(length: number, letter: () => string): string {
    let made = '';
    // Long ones repeat themselves: what matters of them is their length.
    while (made.length < Math.min(length, LONG)) made += letter();
    return made.padEnd(length, made);
  }
  const bytes = (length: number): string => text(length, () => String.fromCharCode(below(256)));
  const letters = (length: number): string => text(length, () => LETTERS.charAt(below(LETTERS.length)));
  return { bytes, letters };
}
