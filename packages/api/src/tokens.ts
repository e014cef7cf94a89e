/**
 * API tokens. The file holds SHA-256 sums, one `name:sha256:rights` a line, so that who reads it cannot use it. A plain sum is enough
 * because tokens are random (128 bits or more: nothing to guess, no dictionary, no rainbow table); for passwords it would not
 * be. Checked in about a microsecond, where a slow password hash would let anyone exhaust the server with wrong tokens.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, type Stats, stat, statSync } from 'node:fs';
import { CodedError } from '@lakh/base';
import { type Actor, RIGHTS, type Right, tokenHolder } from '@lakh/links';
import { bearerOf } from './bearer.js';

/** The file is missing, unreadable or has a bad line; the message says which, and holds no sum. */
export class TokensFileError extends CodedError {
  readonly code = 'invalid_tokens_file';
}

interface Token {
  readonly holder: Actor;
  readonly sum: Buffer;
}

export interface Tokens {
  readonly holders: readonly Actor[];
  /** Whose token is in an Authorization header; undefined when it is none of ours. */
  verifyBearer(authorization: string | undefined): Actor | undefined;
}

const LINE = /^([0-9A-Za-z._-]{1,64}):([0-9a-f]{64})(?::([a-z,]+))?$/;

/** What a line may name; one that names nothing has all but the last. */
const KNOWN_RIGHTS: readonly Right[] = [...RIGHTS, 'admin'];

/** `create,read`, in any order; undefined where something else is in it. */
export function parseRights(text: string): readonly Right[] | undefined {
  const asked = text.split(',');
  return asked.every((right) => KNOWN_RIGHTS.includes(right as Right))
    ? KNOWN_RIGHTS.filter((right) => asked.includes(right))
    : undefined;
}

/** A line of the file, without its end. */
export function tokenLine(token: string, name: string, rights: readonly Right[]): string {
  return `${name}:${sumOf(token).toString('hex')}:${rights.join(',')}`;
}

/**
 * @param source what messages call the text
 * @throws TokensFileError naming every bad line by its number
 */
export function parseTokens(text: string, source: string): Tokens {
  const tokens: Token[] = [];
  const problems: string[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const [, name, hex, given] = LINE.exec(line) ?? [];
    const rights = given === undefined ? RIGHTS : parseRights(given);
    if (name === undefined || hex === undefined || rights === undefined) {
      const expected =
        'name:sha256 (64 lower-case hexadecimal digits), and perhaps :rights (of create,read,edit,delete,admin)';
      problems.push(`line ${index + 1}: expected ${expected}`);
      return;
    }
    const sum = Buffer.from(hex, 'hex');
    if (tokens.some(({ holder }) => holder.name === name))
      problems.push(`line ${index + 1}: the name ${name} is there already`);
    else if (tokens.some((token) => token.sum.equals(sum)))
      problems.push(`line ${index + 1}: the token of ${name} is there already`);
    else tokens.push({ holder: tokenHolder(name, rights), sum });
  });
  if (problems.length > 0) throw new TokensFileError(`${source}: ${problems.join('; ')}`);
  return { holders: tokens.map(({ holder }) => holder), verifyBearer: (header) => verify(tokens, header) };
}

const sumOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Every sum is compared, whole, whether or not one has matched: the time tells nothing about which, or how nearly. */
function verify(tokens: readonly Token[], authorization: string | undefined): Actor | undefined {
  const given = bearerOf(authorization);
  if (given === undefined) return undefined;
  const sum = sumOf(given);
  let found: Actor | undefined;
  for (const token of tokens) {
    if (timingSafeEqual(token.sum, sum)) found = token.holder;
  }
  return found;
}

/**
 * Reads LAKH_API_TOKENS_FILE.
 *
 * @param warn told when others than the owner may read the file
 * @throws TokensFileError
 */
export function loadTokens(path: string, warn: (message: string) => void): Tokens {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      warn(`${path} can be read or written by others than its owner (mode ${mode.toString(8)}): chmod 600 it`);
    }
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const advice = reason === 'ENOENT' ? ': `lakh token add` makes it' : '';
    throw new TokensFileError(`cannot read LAKH_API_TOKENS_FILE ${JSON.stringify(path)} (${reason})${advice}`, {
      cause: error,
    });
  }
  return parseTokens(text, path);
}

/** Asked by the clock and not told by the system: that works on every file system, and for files that are replaced. */
const LOOK_EVERY_MS = 1000;

/**
 * Calls back within a second or two of a change of the file from what it is now.
 *
 * @returns stops it
 */
export function watchTokens(path: string, onChanged: () => void): () => void {
  let seen = stampNow(path);
  const timer = setInterval(() => {
    stat(path, (_error, stats) => {
      const now = stampOf(stats);
      if (now === seen) return;
      seen = now;
      onChanged();
    });
  }, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}

function stampNow(path: string): string {
  try {
    return stampOf(statSync(path));
  } catch {
    // Whoever reads the file is told why it cannot be.
    return stampOf(undefined);
  }
}

const stampOf = (stats: Stats | undefined): string => `${stats?.ino} ${stats?.mtimeMs} ${stats?.size}`;
