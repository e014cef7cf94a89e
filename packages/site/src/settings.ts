import { type SettingList, text } from '@lakh/settings';

export const siteSettings = {
  siteDir: {
    name: 'LAKH_SITE_DIR',
    parser: text('a folder'),
    description:
      'A folder with files that the short domain serves, read at each request: robots.txt, favicon.ico, and in .well-known: security.txt, assetlinks.json, apple-app-site-association. Others in it are not served.',
  },
} as const satisfies SettingList;
