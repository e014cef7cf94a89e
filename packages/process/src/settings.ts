import { integer, matching, oneOf, type Parser, type SettingList } from '@lakh/settings';
import type { Ids } from './run-as.js';

const ids: Parser<Ids> = {
  expected: 'uid:gid, two numbers from 1 to 4294967294',
  parse(value) {
    const [, uid, gid] = /^([1-9]\d{0,9}):([1-9]\d{0,9})$/.exec(value)?.map(Number) ?? [];
    return uid && gid && Math.max(uid, gid) < 0xffff_ffff ? { uid, gid } : undefined;
  },
};

export const processSettings = {
  drainTimeoutMs: {
    name: 'LAKH_DRAIN_TIMEOUT_MS',
    parser: integer(0, 600_000),
    default: '10000',
    description: 'Longest wait for requests in flight when stopping, in milliseconds.',
  },
  serverId: {
    name: 'LAKH_SERVER_ID',
    parser: matching(
      /^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$/,
      '1 to 64 of 0-9, A-Z, a-z, ., _ and -, the first a letter or a digit',
    ),
    description: 'Name of this server in logs, leases and ZooKeeper; made from host, pid and chance when not set.',
  },
  workers: {
    name: 'LAKH_WORKERS',
    parser: integer(1, 1),
    default: '1',
    description: 'Processes to run, one a core. One is all there is for now; run more servers instead.',
  },
  runAs: {
    name: 'LAKH_RUN_AS',
    parser: ids,
    description: 'Whom a server that root starts becomes once it has its code, its secrets and its ports.',
  },
  logLevel: {
    name: 'LAKH_LOG_LEVEL',
    parser: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    description: 'Least severe log line to write.',
  },
  logFormat: {
    name: 'LAKH_LOG_FORMAT',
    parser: oneOf('auto', 'json', 'text'),
    default: 'auto',
    description: 'Log lines as JSON or as text for people; auto is text on a terminal and JSON elsewhere.',
  },
} as const satisfies SettingList;

/** A name for a server that was given none. A host may be called what a server may not. */
export function makeServerId(host: string, pid: number, chance: string): string {
  const name = host.replaceAll(/[^0-9A-Za-z._-]/g, '').replace(/^[^0-9A-Za-z]+/, '');
  return `${name.slice(0, 40) || 'host'}-${pid}-${chance}`;
}
