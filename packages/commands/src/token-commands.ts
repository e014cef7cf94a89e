import { addToken, listTokens, parseRights, revokeToken } from '@lakh/api';
import { RIGHTS } from '@lakh/links';
import { SettingsError } from '@lakh/settings';
import type { Invocation } from './args.js';

const DEFAULT_RIGHTS = RIGHTS.join(',');

/** What `lakh token …` answers: it works on a file, and on no system. */
export function tokenCommand(
  { command, argument: name, texts }: Invocation,
  file: string | undefined,
): { readonly answer: unknown; readonly text: string } {
  if (file === undefined)
    throw new SettingsError(['LAKH_API_TOKENS_FILE is required: it says which file holds the tokens']);
  if (command === 'token list') {
    const answer = listTokens(file).map(({ name: holder, rights }) => ({ name: holder, rights }));
    const lines = answer.map(({ name: holder, rights }) => `${holder}: ${rights.join(', ')}\n`);
    return { answer, text: lines.join('') || 'no tokens\n' };
  }
  if (command === 'token revoke') {
    revokeToken(file, name);
    return { answer: { name }, text: `${name} has no token any more; servers know within seconds\n` };
  }
  const rights = parseRights(texts.get('rights') ?? DEFAULT_RIGHTS);
  if (rights === undefined) throw new SettingsError([`--rights takes some of ${DEFAULT_RIGHTS}, apart by commas`]);
  const token = addToken(file, name, rights);
  return { answer: { name, rights, token }, text: `${token}\n` };
}
