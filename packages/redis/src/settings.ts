import { integer, type Parser, type SettingList } from '@lakh/settings';
import { tlsSocketOptions } from './tls.js';
import { parseRedisUrl, type RedisTarget } from './url.js';

const redisUrl: Parser<RedisTarget> = {
  expected:
    'a redis://, unix://, redis+sentinel:// or redis+cluster:// URL, or with TLS rediss://, rediss+sentinel:// or rediss+cluster://',
  parse(text) {
    const target = parseRedisUrl(text);
    if (target.tls) tlsSocketOptions(target.tls);
    return target;
  },
};

export const redisSettings = {
  redis: {
    name: 'LAKH_REDIS',
    parser: redisUrl,
    secret: true,
    description: 'Shared cache (L2); without it reads go from L1 to the database.',
  },
  l2TtlS: {
    name: 'LAKH_L2_TTL_S',
    parser: integer(1, 2_592_000),
    default: '3600',
    description: 'How long a link stays in Redis, in seconds; the same on all servers.',
  },
  l2DeadlineMs: {
    name: 'LAKH_L2_DEADLINE_MS',
    parser: integer(1, 60_000),
    default: '100',
    description: 'Longest wait for Redis, in milliseconds.',
  },
} as const satisfies SettingList;
