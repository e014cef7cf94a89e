/** Changes of LAKH_API_TOKENS_FILE, by the `lakh` command; servers see them without a restart. */
import { randomBytes } from 'node:crypto';
import { chownSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Actor, Right } from '@lakh/links';
import { parseTokens, TokensFileError, tokenLine } from './tokens.js';

/** Who has a token; nobody where there is no file. */
export function listTokens(file: string): readonly Actor[] {
  return parseTokens(textOf(file), file).holders;
}

/**
 * Makes a token and keeps its sum.
 *
 * @returns the token, which is nowhere else
 * @throws TokensFileError: the file is no good, or has the name
 */
export function addToken(file: string, name: string, rights: readonly Right[]): string {
  const token = `lakh_${randomBytes(32).toString('base64url')}`;
  change(file, (text) => {
    if (parseTokens(text, file).holders.some((holder) => holder.name === name)) {
      throw new TokensFileError(`${file}: the name ${name} is there already: revoke it first, or take another`);
    }
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${tokenLine(token, name, rights)}\n`;
  });
  return token;
}

/** @throws TokensFileError: the file is no good, or has no such name */
export function revokeToken(file: string, name: string): void {
  change(file, (text) => {
    const lines = text.split('\n');
    const kept = lines.filter((line) => !line.trim().startsWith(`${name}:`));
    if (kept.length === lines.length) throw new TokensFileError(`${file}: there is no token of the name ${name}`);
    return kept.join('\n');
  });
}

/** The whole file at once, for its owner alone; whoever changes it at the same moment is refused. */
function change(file: string, changed: (text: string) => string): void {
  const draft = `${file}.new`;
  const before = statSync(file, { throwIfNoEntry: false });
  try {
    writeFileSync(draft, '', { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(file, error);
    throw new TokensFileError(
      `${draft} is there: another command is at it, or was cut off, and then it has to be removed`,
    );
  }
  try {
    const old = textOf(file);
    parseTokens(old, file);
    const text = changed(old);
    parseTokens(text, file);
    writeFileSync(draft, text);
    // Root may change what a server under another account reads.
    if (before !== undefined) chownSync(draft, before.uid, before.gid);
    renameSync(draft, before === undefined ? file : realpathSync(file));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error instanceof TokensFileError ? error : unusable(file, error);
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw unusable(file, error);
  }
}

function unusable(file: string, error: unknown): TokensFileError {
  const reason = (error as NodeJS.ErrnoException).code ?? String(error);
  return new TokensFileError(`cannot change LAKH_API_TOKENS_FILE ${JSON.stringify(file)} (${reason})`, {
    cause: error,
  });
}
