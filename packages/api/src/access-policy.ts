import { type KeyRing, keyHolder } from '@lakh/accounts';
import { beyondLoopback } from '@lakh/http';
import { type Actor, anonymous, RIGHTS } from '@lakh/links';
import type { Logger } from '@lakh/process';
import type { SettingsOf } from '@lakh/settings';
import { bearerOf } from './bearer.js';
import type { Identify } from './callers.js';
import type { apiSettings } from './settings.js';
import { loadTokens, type Tokens, TokensFileError, watchTokens } from './tokens.js';

export interface AccessPolicy {
  readonly identify: Identify;
  /** Whether whoever comes is one and the same: this machine's user, who may do everything. */
  readonly isAlone: boolean;
  /** Whether who creates links needs a token or a key. */
  readonly needsToken: boolean;
  /** From now on these keys let in, beside the tokens of the file. */
  takeKeys(ring: Pick<KeyRing, 'find'>): void;
  /** Looks at the tokens no more. */
  close(): void;
}

/**
 * Who may do what. With a tokens file or keys in the database, only who has one; on an open server that has them, edits and deletes alone need one. Without
 * either, whoever reaches the listener may create links; only where that is this machine alone, and nobody said otherwise, may they delete them too,
 * for on an open server that would be anybody deleting everything.
 *
 * @throws TokensFileError: there is no token to begin with, nor a key. Later all may be revoked, and a file that is no good changes nothing.
 */
export function accessPolicy(
  settings: Pick<SettingsOf<typeof apiSettings>, 'apiTokensFile' | 'apiKeys' | 'open'> &
    Parameters<typeof beyondLoopback>[0],
  log: Logger,
): AccessPolicy {
  const { apiTokensFile: file, apiKeys, open } = settings;
  if (file === undefined && !apiKeys) {
    const isAlone = !open && beyondLoopback(settings) === undefined;
    const anyone = anonymous(isAlone ? RIGHTS : ['create', 'read']);
    return { identify: () => anyone, isAlone, needsToken: false, takeKeys: () => {}, close: () => {} };
  }
  const tokens = file === undefined ? undefined : watchedTokens(file, log);
  if (tokens?.now().holders.length === 0 && !apiKeys) throw new TokensFileError(`${file}: it holds no token`);
  let ring: Pick<KeyRing, 'find'> | undefined;
  const anyone = open ? anonymous(['create', 'read']) : undefined;

  function holderOf(authorization: string | undefined): Actor | undefined {
    const key = ring?.find(bearerOf(authorization) ?? '');
    return key === undefined ? tokens?.now().verifyBearer(authorization) : keyHolder(key);
  }

  return {
    identify: (authorization, right = 'create') =>
      authorization === undefined && anyone?.rights.includes(right) ? anyone : holderOf(authorization),
    isAlone: false,
    needsToken: !open,
    takeKeys(keys) {
      ring = keys;
    },
    close: () => tokens?.close(),
  };
}

/** The tokens of a file as it is now, or as it was when it last was any good. @throws TokensFileError */
function watchedTokens(file: string, log: Logger): { readonly now: () => Tokens; readonly close: () => void } {
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
  let tokens: Tokens;
  try {
    tokens = load();
  } catch (error) {
    close();
    throw error;
  }
  return { now: () => tokens, close };
}
