import { integer, matching, oneOf, type SettingList } from '@lakh/settings';

export const processSettings = {
  drainTimeoutMs: {
    name: 'LAKH_DRAIN_TIMEOUT_MS',
    parser: integer(0, 600_000),
    default: '10000',
    description: 'Longest wait for requests in flight when stopping, in milliseconds.',
  },
  serverId: {
    name: 'LAKH_SERVER_ID',
    parser: matching(/^[0-9A-Za-z._-]{1,64}$/, '1 to 64 of 0-9, A-Z, a-z, ., _ and -'),
    description: 'Name of this server in logs, leases and ZooKeeper; made from host, pid and chance when not set.',
  },
  workers: {
    name: 'LAKH_WORKERS',
    parser: integer(1, 1),
    default: '1',
    description: 'Processes to run, one a core. One is all there is for now; run more servers instead.',
  },
  logLevel: {
    name: 'LAKH_LOG_LEVEL',
    parser: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    description: 'Least severe log line to write.',
  },
} as const satisfies SettingList;
