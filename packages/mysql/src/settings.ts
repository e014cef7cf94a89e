import { integer, oneOf, type Parser, type SettingList } from '@lakh/settings';
import { MEMBER_FORM, type Member, parseDatabase } from './wire/member.js';
import { checkTlsFiles } from './wire/tls.js';

const members: Parser<readonly Member[]> = {
  expected: `members by commas, each ${MEMBER_FORM}`,
  parse(text) {
    const parsed = parseDatabase(text);
    checkTlsFiles(parsed);
    return parsed;
  },
};

export const mysqlSettings = {
  database: {
    name: 'LAKH_DATABASE',
    parser: members,
    required: true,
    secret: true,
    description: 'MySQL or MariaDB servers that hold the links.',
  },
  storeDeadlineMs: {
    name: 'LAKH_STORE_DEADLINE_MS',
    parser: integer(10, 60_000),
    default: '3000',
    description: 'Longest wait for the database, in milliseconds.',
  },
} as const satisfies SettingList;

export const migrationSettings = {
  migrate: {
    name: 'LAKH_MIGRATE',
    parser: oneOf('auto', 'never'),
    default: 'auto',
    description: 'Whether a start may migrate the database; with never, a server needs no right to change tables.',
  },
} as const satisfies SettingList;
