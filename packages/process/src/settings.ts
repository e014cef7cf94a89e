import { integer, matching, oneOf, type Parser, type Rule, type SettingList } from '@lakh/settings';
import type { Ids } from './run-as.js';

const ids: Parser<Ids> = {
  expected: 'uid:gid, two numbers from 1 to 4294967294',
  parse(value) {
    const [, uid, gid] = /^([1-9]\d{0,9}):([1-9]\d{0,9})$/.exec(value)?.map(Number) ?? [];
    return uid && gid && Math.max(uid, gid) < 0xffff_ffff ? { uid, gid } : undefined;
  },
};

/** More than a machine has is of no use, and a mistyped number of processes would be the end of it. */
const WORKERS_MAX = 256;

const wholeNumber = integer(1, WORKERS_MAX);

const workers: Parser<number | 'auto'> = {
  expected: `auto or ${wholeNumber.expected}`,
  parse: (value) => (value === 'auto' ? value : wholeNumber.parse(value)),
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
    parser: workers,
    default: 'auto',
    description:
      'Processes that share the work, under a supervisor where there are several; auto is one for each core that the server may use, and 1 with LAKH_RUN_AS.',
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

/** Of a program that can have workers. */
export const workersRule: Rule<typeof processSettings> = ({ workers: wanted, runAs }) =>
  typeof wanted === 'number' && wanted > 1 && runAs
    ? [
        `LAKH_WORKERS=${wanted} and LAKH_RUN_AS=${runAs.uid}:${runAs.gid} do not go together: what starts workers would stay root; ` +
          'start the server as its user, or set LAKH_WORKERS=1',
      ]
    : [];

/** The same setting of a program that is one process whatever it is told. */
export const singleProcess = { ...processSettings, workers: { ...processSettings.workers, default: '1' } } as const;

/** Of a program that cannot have workers. */
export const oneProcessRule: Rule<typeof processSettings> = ({ workers: wanted }) =>
  typeof wanted === 'number' && wanted > 1
    ? [`LAKH_WORKERS=${wanted}: this program is one process; servers of a cluster, shorten and redirect, have workers`]
    : [];

/** A name for a server that was given none. A host may be called what a server may not. */
export function makeServerId(host: string, pid: number, chance: string): string {
  const name = host.replaceAll(/[^0-9A-Za-z._-]/g, '').replace(/^[^0-9A-Za-z]+/, '');
  return `${name.slice(0, 40) || 'host'}-${pid}-${chance}`;
}
