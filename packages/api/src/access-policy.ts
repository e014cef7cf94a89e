import type { Logger } from '@lakh/process';
import { type HostPort, isLoopback } from '@lakh/settings';
import type { Authenticate } from './create-link.js';
import { loadTokens } from './tokens.js';

export interface AccessPolicy {
  /** Undefined: no tokens are configured. */
  readonly authenticate: Authenticate | undefined;
  readonly anonymousMayDelete: boolean;
}

/**
 * Who may do what. With a tokens file, only who has a token. Without one, whoever reaches the listener may create links; only
 * where that is this machine alone may they delete them too, for on an open server that would be anybody deleting everything.
 */
export function accessPolicy(
  settings: { readonly apiTokensFile: string | undefined; readonly listen: HostPort },
  log: Logger,
): AccessPolicy {
  const { apiTokensFile, listen } = settings;
  if (apiTokensFile === undefined) {
    return { authenticate: undefined, anonymousMayDelete: isLoopback(listen.host) };
  }
  const tokens = loadTokens(apiTokensFile, (message) => log.warn(message));
  log.info({ tokens: tokens.names }, 'API tokens loaded');
  return { authenticate: (authorization) => tokens.verifyBearer(authorization), anonymousMayDelete: false };
}
