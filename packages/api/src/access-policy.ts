import { beyondLoopback } from '@lakh/http';
import { anonymous, RIGHTS } from '@lakh/links';
import type { Logger } from '@lakh/process';
import type { SettingsOf } from '@lakh/settings';
import type { Identify } from './callers.js';
import type { apiSettings } from './settings.js';
import { loadTokens, TokensFileError, watchTokens } from './tokens.js';

export interface AccessPolicy {
  readonly identify: Identify;
  /** Whether who creates links needs a token. */
  readonly needsToken: boolean;
  /** Looks at the tokens no more. */
  close(): void;
}

/**
 * Who may do what. With a tokens file, only who has a token; on an open server that has one, deletes alone need it. Without one, whoever
 * reaches the listener may create links; only where that is this machine alone, and nobody said otherwise, may they delete them too, for
 * on an open server that would be anybody deleting everything.
 *
 * @throws TokensFileError: there is no token to begin with. Later all may be revoked, and a file that is no good changes nothing.
 */
export function accessPolicy(
  settings: Pick<SettingsOf<typeof apiSettings>, 'apiTokensFile' | 'open'> & Parameters<typeof beyondLoopback>[0],
  log: Logger,
): AccessPolicy {
  const { apiTokensFile: file, open } = settings;
  if (file === undefined) {
    const isAlone = !open && beyondLoopback(settings) === undefined;
    const anyone = anonymous(isAlone ? RIGHTS : ['create', 'read']);
    return { identify: () => anyone, needsToken: false, close: () => {} };
  }
  const load = () => {
    const loaded = loadTokens(file, (message) => log.warn(message));
    log.info(
      { tokens: loaded.holders.map(({ name, rights }) => `${name}: ${rights.join(', ')}`) },
      'API tokens loaded',
    );
    return loaded;
  };
  // Before it is read: what changes in between is seen later, and not missed.
  const close = watchTokens(file, () => {
    try {
      tokens = load();
    } catch (error) {
      log.error({ err: error }, 'API tokens could not be loaded again; those from before go on');
    }
  });
  let tokens = load();
  if (tokens.holders.length === 0) throw new TokensFileError(`${file}: it holds no token`);
  const anyone = open ? anonymous(['create', 'read']) : undefined;
  return {
    identify: (authorization, right = 'create') =>
      authorization === undefined && anyone?.rights.includes(right) ? anyone : tokens.verifyBearer(authorization),
    needsToken: !open,
    close,
  };
}
