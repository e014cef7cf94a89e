import type { FurtherChanges } from './further-fields.js';
import type { LinkChanges } from './ports.js';

/** Makes of a password what is kept of it. Slow, so that who reads what is kept cannot try many; so few are made at once. */
export interface Passwords {
  /** `salt`: 32 hexadecimal digits; random where it is not given. Rejects with `TooBusyError` where too many wait. */
  hash(password: string, salt?: string): Promise<string>;
  verify(password: string, kept: string): Promise<boolean>;
}

/** `changes` with what is kept of their password in its place. */
export async function withPasswordKept(
  { password, terms, details }: FurtherChanges,
  passwords: Pick<Passwords, 'hash'> | undefined,
  salt?: string,
): Promise<Pick<LinkChanges, 'terms' | 'details'>> {
  const kept = password == null ? password : await demand(passwords).hash(password, salt);
  return {
    ...((terms !== undefined || kept !== undefined) && {
      terms: kept === undefined ? { ...terms } : { ...terms, password: kept },
    }),
    ...(details && { details }),
  };
}

function demand(passwords: Pick<Passwords, 'hash'> | undefined): Pick<Passwords, 'hash'> {
  if (passwords === undefined) throw new Error('passwords are not taken here');
  return passwords;
}
