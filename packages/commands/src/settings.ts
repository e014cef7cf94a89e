import { apiSettings } from '@lakh/api';
import { toolSettings } from '@lakh/backend';
import { leaseSettings, namespaceSettings } from '@lakh/issuing';
import { integer, type SettingList, type SettingsOf } from '@lakh/settings';
import { codecSettings } from '@lakh/short-code';

/** The commands work on whichever system the environment names. */
export const commandSettings = {
  ...toolSettings,
  apiTokensFile: apiSettings.apiTokensFile,
  sealedKeys: codecSettings.sealedKeys,
  ...namespaceSettings,
  ...leaseSettings,
  restoreSkip: {
    name: 'LAKH_RESTORE_SKIP',
    parser: integer(100_000, 1_000_000_000_000),
    default: '100000000',
    description: 'Counters that `lakh restore` skips: more than can have been issued since the copy was made.',
  },
} as const satisfies SettingList;

export type CommandSettings = SettingsOf<typeof commandSettings>;
