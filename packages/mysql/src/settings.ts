import { integer, oneOf, type Parser, type SettingList } from '@lakh/settings';
import { type Member, parseDatabase } from './wire/member.js';

const shards: Parser<Member> = {
  expected: 'shards apart by white space, members by commas, each mysql://user:password@host:port/database',
  parse: parseDatabase,
};

export const mysqlSettings = {
  shards: {
    name: 'LAKH_SHARDS',
    parser: shards,
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
