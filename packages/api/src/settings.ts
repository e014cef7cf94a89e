import type { httpSettings } from '@lakh/http';
import {
  boolean,
  formatAddress,
  integer,
  isLoopback,
  type Parser,
  type Rule,
  type SettingList,
  text,
} from '@lakh/settings';

/** An origin: scheme, host and port. Short links live at its root, so a path would never be reached. */
const origin: Parser<string> = {
  expected: 'an http or https URL without path, query, fragment or credentials',
  parse(value) {
    if (!URL.canParse(value)) return undefined;
    const url = new URL(value);
    const bare = url.pathname === '/' && !/[?#@\s\\]/.test(value);
    return bare && (url.protocol === 'http:' || url.protocol === 'https:') ? url.origin : undefined;
  },
};

export const apiSettings = {
  publicUrl: {
    name: 'LAKH_PUBLIC_URL',
    parser: origin,
    description:
      'What short URLs begin with. Required when LAKH_LISTEN is beyond loopback, else the listening address.',
  },
  apiTokensFile: {
    name: 'LAKH_API_TOKENS_FILE',
    parser: text('a file'),
    description: 'File of hashed API tokens, one `name:sha256` a line; with it every API call needs a token.',
  },
  open: {
    name: 'LAKH_OPEN',
    parser: boolean,
    default: 'false',
    description: 'Lets anyone who reaches a listener beyond loopback create links.',
  },
  urlMaxLength: {
    name: 'LAKH_URL_MAX_LENGTH',
    parser: integer(64, 8192),
    default: '2048',
    description: 'Longest target URL, in characters.',
  },
} as const satisfies SettingList;

/** Beyond loopback, who creates links needs a name of its own, and either tokens or the word that anyone may. */
export const accessRule: Rule<typeof apiSettings & Pick<typeof httpSettings, 'listen'>> = (values, given) => {
  const found: string[] = [];
  const { listen, publicUrl, open } = values;
  if (listen && !isLoopback(listen.host)) {
    const beyond = `LAKH_LISTEN=${formatAddress(listen)} is beyond loopback`;
    if (publicUrl === undefined) {
      found.push(`${beyond}: LAKH_PUBLIC_URL (not set or not usable) must say what short URLs begin with`);
    }
    if (given.apiTokensFile === undefined && !open) {
      found.push(
        `${beyond} and LAKH_API_TOKENS_FILE is not set: anyone could create links; set it, or LAKH_OPEN=true if that is meant`,
      );
    }
  }
  if (open && given.apiTokensFile !== undefined) {
    found.push(
      `LAKH_OPEN=${given.open} lets anyone create links and LAKH_API_TOKENS_FILE=${given.apiTokensFile} does not: keep one`,
    );
  }
  return found;
};
