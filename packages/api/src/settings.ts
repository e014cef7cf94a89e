import { beyondLoopback, type httpSettings } from '@lakh/http';
import { boolean, integer, type Rule, type SettingList, text } from '@lakh/settings';

export const apiSettings = {
  apiTokensFile: {
    name: 'LAKH_API_TOKENS_FILE',
    parser: text('a file'),
    description:
      'File of hashed API tokens, as `lakh token` keeps it; with it every API call needs a token (with LAKH_OPEN=true only edits and deletes).',
  },
  apiKeys: {
    name: 'LAKH_API_KEYS',
    parser: boolean,
    default: 'false',
    description:
      'Keeps API keys in the database, as `lakh key` and /api/v1/keys make them; with it every API call needs a key, or a token of the file (with LAKH_OPEN=true only edits and deletes).',
  },
  open: {
    name: 'LAKH_OPEN',
    parser: boolean,
    default: 'false',
    description:
      'Lets anyone who reaches the listener create links and look them up; deletes need a token, if there are any.',
  },
  restoreDays: {
    name: 'LAKH_RESTORE_DAYS',
    parser: integer(0, 3650),
    default: '30',
    description:
      'Days for which a deleted link can be restored, and its alias not be claimed again; 0: nothing of it is kept. The same on every server: what one keeps another forgets.',
  },
  urlMaxLength: {
    name: 'LAKH_URL_MAX_LENGTH',
    parser: integer(64, 8192),
    default: '2048',
    description: 'Longest target URL, in characters.',
  },
} as const satisfies SettingList;

const DAY_MS = 24 * 60 * 60 * 1000;

export const restoreMsOf = ({ restoreDays }: { readonly restoreDays: number }): number => restoreDays * DAY_MS;

/** What is kept of passwords is made one after the other: clicks have threads to themselves, and batches may bring a thousand. */
export const API_PASSWORDS = { atOnce: 1, queuedMax: 4_096 } as const;

/** Where others than this machine come, who creates links needs either tokens or the word that anyone may. */
export const accessRule: Rule<typeof apiSettings & typeof httpSettings> = (values, given) => {
  const found: string[] = [];
  const { open, apiKeys } = values;
  const beyond = beyondLoopback(values);
  if (beyond !== undefined && given.apiTokensFile === undefined && !apiKeys && !open) {
    found.push(
      `${beyond} and neither LAKH_API_TOKENS_FILE nor LAKH_API_KEYS is set: anyone could create links; set one, or LAKH_OPEN=true if that is meant`,
    );
  }
  return found;
};
