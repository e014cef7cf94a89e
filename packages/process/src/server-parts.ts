/** What a server has whether it is one process or a supervisor of several. */

import { hostname } from 'node:os';
import { ListenError, type OwnNames } from '@lakh/http';
import { formatAddress, type HostPort, isLoopback, loggableSettings, type Program } from '@lakh/settings';
import { createLogger, type Logger } from './logging.js';
import type { ProgramConfig } from './program-config.js';
import type { RunOptions, ServerSettings } from './program-context.js';

const IGNORED = 'variables that Kubernetes sets for a Service of that name are no settings, and ignored';
const ADMIN_IS_PUBLIC = 'the admin listener is beyond loopback: let nobody reach it but probes and scrapers';

/** How much longer than its requests' limit a listener may take to drain before the next releaser's turn. */
export const DRAIN_MARGIN_MS = 2000;

export function logStart<S extends ServerSettings>(
  log: Logger,
  { description: { program, version } }: RunOptions<S>,
  { settings, ignored }: ProgramConfig<S>,
  workers = 1,
): void {
  const facts = { settings: loggableSettings(program.settings, settings), version, node: process.versions.node };
  log.info({ ...facts, ...(workers > 1 && { workers }) }, 'starting');
  if (ignored.length > 0) log.info({ ignored }, IGNORED);
}

export function logAdmin(log: Logger, address: string, { host }: HostPort): void {
  log.info({ address }, 'admin listener is open');
  if (!isLoopback(host)) log.warn({ address }, ADMIN_IS_PUBLIC);
}

export function logOf(
  { name, settings: list }: Program,
  settings: ServerSettings,
  serverId: string,
  worker?: number,
): Logger {
  const { logLevel: level, logFormat: format } = settings;
  return createLogger({
    program: name,
    serverId,
    ...(worker !== undefined && { worker }),
    level,
    isForPeople: format === 'text' || (format === 'auto' && process.stderr.isTTY === true),
    privateNames: Object.keys(list).filter((key) => list[key]?.secret),
  });
}

/** What requests may be for. */
export function ownNamesOf({ publicUrl, hosts = [], listen, adminListen }: ServerSettings): OwnNames {
  return { publicUrl, hosts: [...hosts, hostname(), listen.host, adminListen.host] };
}

/** Tells where it is, or will be. */
export type Opening = readonly [variable: string, address: HostPort, open: () => Promise<string>];

/**
 * Before anything is logged, opened or written: an address that cannot be had is told in one sentence, and ends the program with exit
 * code 1.
 */
export async function openListeners(
  program: string,
  openings: readonly Opening[],
): Promise<readonly string[] | undefined> {
  const urls: string[] = [];
  for (const [variable, address, open] of openings) {
    try {
      urls.push(await open());
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      const why = LISTEN_REASONS[error.reason];
      const reason = why === undefined ? error.reason : `${why} (${error.reason})`;
      process.stderr.write(`${program}: cannot listen on ${variable}=${formatAddress(address)}: ${reason}\n`);
      process.exitCode = 1;
      return undefined;
    }
  }
  return urls;
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process does already',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not',
};
