import { beyondLoopback } from '@lakh/http';
import { anonymous, tokenHolder } from '@lakh/links';
import type { Logger } from '@lakh/process';
import type { SettingsOf } from '@lakh/settings';
import type { Identify } from './create-link.js';
import type { apiSettings } from './settings.js';
import { loadTokens } from './tokens.js';

export interface AccessPolicy {
  readonly identify: Identify;
  /** Whether who creates links needs a token. */
  readonly needsToken: boolean;
}

/**
 * Who may do what. With a tokens file, only who has a token; on an open server that has one, deletes alone need it. Without one, whoever
 * reaches the listener may create links; only where that is this machine alone, and nobody said otherwise, may they delete them too, for
 * on an open server that would be anybody deleting everything.
 */
export function accessPolicy(
  settings: Pick<SettingsOf<typeof apiSettings>, 'apiTokensFile' | 'open'> & Parameters<typeof beyondLoopback>[0],
  log: Logger,
): AccessPolicy {
  const { apiTokensFile, open } = settings;
  if (apiTokensFile === undefined) {
    const isAlone = !open && beyondLoopback(settings) === undefined;
    const anyone = anonymous(isAlone ? ['create', 'delete'] : ['create']);
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
