import { nearest } from '@lakh/settings';

/**
 * What is behind the `?` of an address and is no option of it, in quotes and with the one that was probably meant. Empty where it may be a part of a
 * password with a `?` in it, of which nothing is shown: an `@` comes after that, and whoever means an option writes a name, and a value behind a `=`.
 */
export function unknownOption(query: string, name: string, known: readonly string[]): string {
  if (query.includes('@') || !query.includes(`${name}=`) || !/^[a-z_-]{1,32}$/i.test(name)) return '';
  const near = nearest(name, known, Math.floor(name.length / 2));
  return `"${name}"${near === undefined ? '' : ` (did you mean ${near}?)`}`;
}
