import { anonymous, tokenHolder } from '@lakh/links';
import type { Logger } from '@lakh/process';
import { type HostPort, isLoopback } from '@lakh/settings';
import type { Identify } from './create-link.js';
import { loadTokens } from './tokens.js';

export interface AccessPolicy {
  readonly identify: Identify;
  /** Whether who creates links needs a token. */
  readonly needsToken: boolean;
}

/**
 * Who may do what. With a tokens file, only who has a token; on an open server that has one, deletes alone need it. Without one, whoever
 * reaches the listener may create links; only where that is this machine alone may they delete them too, for on an open server that
 * would be anybody deleting everything.
 */
export function accessPolicy(
  settings: { readonly apiTokensFile: string | undefined; readonly open: boolean; readonly listen: HostPort },
  log: Logger,
): AccessPolicy {
  const { apiTokensFile, listen, open } = settings;
  if (apiTokensFile === undefined) {
    const anyone = anonymous(isLoopback(listen.host) ? ['create', 'delete'] : ['create']);
    return { identify: () => anyone, needsToken: false };
  }
  const tokens = loadTokens(apiTokensFile, (message) => log.warn(message));
  log.info({ tokens: tokens.names }, 'API tokens loaded');
  const holders = new Map(tokens.names.map((name) => [name, tokenHolder(name)]));
  const anyone = open ? anonymous(['create']) : undefined;
  return {
    identify: (authorization, right = 'create') =>
      authorization === undefined && anyone?.rights.includes(right)
        ? anyone
        : holders.get(tokens.verifyBearer(authorization) ?? ''),
    needsToken: !open,
  };
}
