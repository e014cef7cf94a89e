/**
 * Literals for text statements. They rest on two things that every session sets (connection.ts): no NO_BACKSLASH_ESCAPES in
 * sql_mode, and a character set of which ASCII is a part.
 */

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
/** Without the blank, which comparisons ignore at the end. */
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;
const HEXADECIMAL = /^[0-9A-Fa-f]*$/;
const NEEDS_ESCAPE = /['\\]/;

export function isPrintableAscii(text: string): boolean {
  return PRINTABLE_ASCII.test(text);
}

export function isVisibleAscii(text: string): boolean {
  return VISIBLE_ASCII.test(text);
}

/** A quoted literal of a string that {@link isPrintableAscii}. */
export function asciiLiteral(text: string): string {
  return NEEDS_ESCAPE.test(text) ? `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'` : `'${text}'`;
}

/** A quoted literal of any string: as hexadecimal UTF-8, so that nothing in it can mean anything. */
export function textLiteral(text: string): string {
  return `_utf8mb4 x'${Buffer.from(text, 'utf8').toString('hex')}'`;
}

/** A literal of a non-negative safe integer; anything else is a mistake of the caller's. */
export function integerLiteral(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a non-negative safe integer: ${value}`);
  return String(value);
}

/** A literal of so many bytes, of their hexadecimal digits in either case. */
export function hexLiteral(digits: string, bytes: number): string {
  if (digits.length !== 2 * bytes || !HEXADECIMAL.test(digits))
    throw new RangeError(`not ${bytes} bytes in hexadecimal`);
  return `x'${digits}'`;
}

const BYTE_LITERALS = Array.from({ length: 256 }, (_, byte) => `x'${byte.toString(16).padStart(2, '0')}'`);

/** A literal of one byte. */
export function byteLiteral(byte: number): string {
  const literal = BYTE_LITERALS[byte];
  if (literal === undefined) throw new RangeError(`not a byte: ${byte}`);
  return literal;
}
