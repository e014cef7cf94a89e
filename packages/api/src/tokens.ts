/**
 * API tokens. The file holds SHA-256 sums, one `name:sha256` a line, so that who reads it cannot use it. A plain sum is enough
 * because tokens are random (128 bits or more: nothing to guess, no dictionary, no rainbow table); for passwords it would not
 * be. Checked in about a microsecond, where a slow password hash would let anyone exhaust the server with wrong tokens.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { CodedError } from '@lakh/base';

/** The file is missing, unreadable or has a bad line; the message says which, and holds no sum. */
export class TokensFileError extends CodedError {
  readonly code = 'invalid_tokens_file';
}

interface Token {
  readonly name: string;
  readonly sum: Buffer;
}

export interface TokenVerifier {
  readonly names: readonly string[];
  /** @returns the name of the token in an Authorization header, or `undefined` when it is none of ours. */
  verifyBearer(authorization: string | undefined): string | undefined;
}

const LINE = /^([0-9A-Za-z._-]{1,64}):([0-9a-f]{64})$/;
/** RFC 6750, 2.1: b64token; the scheme in any case (RFC 9110, 11.1). */
const BEARER = /^bearer ([0-9A-Za-z\-._~+/]{1,512}=*)$/i;

/**
 * @param source what messages call the text
 * @throws TokensFileError naming every bad line by its number
 */
export function parseTokens(text: string, source: string): TokenVerifier {
  const tokens: Token[] = [];
  const problems: string[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const [, name, hex] = LINE.exec(line) ?? [];
    if (name === undefined || hex === undefined) {
      problems.push(`line ${index + 1}: expected name:sha256 (64 lower-case hexadecimal digits)`);
      return;
    }
    const sum = Buffer.from(hex, 'hex');
    if (tokens.some((token) => token.name === name))
      problems.push(`line ${index + 1}: the name ${name} is there already`);
    else if (tokens.some((token) => token.sum.equals(sum)))
      problems.push(`line ${index + 1}: the token of ${name} is there already`);
    else tokens.push({ name, sum });
  });
  if (problems.length === 0 && tokens.length === 0) problems.push('it holds no token');
  if (problems.length > 0) throw new TokensFileError(`${source}: ${problems.join('; ')}`);
  return { names: tokens.map(({ name }) => name), verifyBearer: (header) => verify(tokens, header) };
}

/** Every sum is compared, whole, whether or not one has matched: the time tells nothing about which, or how nearly. */
function verify(tokens: readonly Token[], authorization: string | undefined): string | undefined {
  const given = BEARER.exec(authorization ?? '')?.[1];
  if (given === undefined) return undefined;
  const sum = createHash('sha256').update(given).digest();
  let found: string | undefined;
  for (const token of tokens) {
    if (timingSafeEqual(token.sum, sum)) found = token.name;
  }
  return found;
}

/**
 * Reads LAKH_API_TOKENS_FILE.
 *
 * @param warn told when others than the owner may read the file
 * @throws TokensFileError
 */
export function loadTokens(path: string, warn: (message: string) => void): TokenVerifier {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      warn(`${path} can be read or written by others than its owner (mode ${mode.toString(8)}): chmod 600 it`);
    }
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new TokensFileError(`cannot read LAKH_API_TOKENS_FILE ${JSON.stringify(path)} (${reason})`, { cause: error });
  }
  return parseTokens(text, path);
}
