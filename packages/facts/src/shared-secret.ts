import type { FactStore } from './fact-store.js';

/** Under which name a database has what its servers know and nobody else does. */
export const SECRET_FACT = 'shared_secret';

/** What 256 random bits come to in base64url. */
const SECRET = /^[\w-]{43}$/;

/**
 * The secret that all servers of one database share: the first of them to come records `proposed`, the others learn it. It stays for
 * good, and is never shown or logged.
 *
 * @param proposed 256 random bits in base64url
 * @throws StoreUnavailableError, StoreOutcomeUnknownError: ask again
 */
export async function agreeOnSecret(facts: Pick<FactStore, 'recordOnce'>, proposed: string): Promise<string> {
  const recorded = await facts.recordOnce(SECRET_FACT, proposed);
  if (!SECRET.test(recorded)) throw new Error(`the fact ${SECRET_FACT} is not one that a server has recorded`);
  return recorded;
}
