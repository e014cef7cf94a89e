import { type SettingList, text } from '@lakh/settings';

export const sqliteSettings = {
  dataDir: {
    name: 'LAKH_DATA_DIR',
    parser: text('a folder'),
    default: './data',
    description: 'Folder of the SQLite file.',
  },
} as const satisfies SettingList;
