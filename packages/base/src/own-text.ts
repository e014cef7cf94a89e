const BEYOND_ONE_BYTE = /[^\0-\xff]/;

/**
 * The same text in memory of its own, one byte a character where it can be: a piece of a longer text (a value from Redis, a request as it
 * came) holds all of that for as long as it is kept.
 */
export function ownText(text: string): string {
  return BEYOND_ONE_BYTE.test(text)
    ? Buffer.from(text, 'utf16le').toString('utf16le')
    : Buffer.from(text, 'latin1').toString('latin1');
}
