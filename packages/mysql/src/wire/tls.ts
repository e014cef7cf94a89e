import { isIP } from 'node:net';
import { readTlsFiles, type TlsMode, type TlsOptions, type TlsWords, tlsOptionsOf } from '@lakh/tls';
import type { SslOptions } from 'mysql2';
import { InvalidDatabaseError } from './errors.js';

/** Also as MySQL's own programs write them. */
const MODES: ReadonlyMap<string, TlsMode | 'off'> = new Map([
  ['off', 'off'],
  ['disabled', 'off'],
  ['required', 'required'],
  ['verify-ca', 'verify-ca'],
  ['verify-identity', 'verify-identity'],
]);

/**
 * `ssl-mode` (off, required, verify-ca, verify-identity), `ssl-ca`, `ssl-cert` and `ssl-key` of a member. With a file and no mode, the
 * server is held to all that can be checked.
 */
export function parseTls(words: TlsWords, host: string, fail: (what: string) => never): TlsOptions | undefined {
  const hasFiles = (['ssl-ca', 'ssl-cert', 'ssl-key'] as const).some((option) => words[option] !== undefined);
  const written = words['ssl-mode'] ?? (hasFiles ? 'verify-identity' : 'off');
  const mode = MODES.get(written.toLowerCase().replaceAll('_', '-'));
  if (mode === undefined) return fail('has an ssl-mode that is none of off, required, verify-ca, verify-identity');
  if (mode === 'off') return hasFiles ? fail('has ssl-mode=off and files for TLS') : undefined;
  const options = tlsOptionsOf(mode, words, (what) => fail(`has ${what}`));
  if (host === '') return fail('has no host');
  return options;
}

/**
 * What the driver is to be told. Reads the files.
 *
 * @throws InvalidDatabaseError as `readTlsFiles` says it
 */
export function sslOptionsOf(tls: TlsOptions): SslOptions {
  const files = readTlsFiles(tls, (why) => {
    throw new InvalidDatabaseError(why);
  });
  return { ...files, rejectUnauthorized: tls.mode !== 'required', verifyIdentity: tls.mode === 'verify-identity' };
}

/** @throws InvalidDatabaseError where a member's files for TLS cannot be used */
export function checkTlsFiles(members: readonly { readonly tls?: TlsOptions }[]): void {
  members.forEach(({ tls }, index) => {
    if (tls === undefined) return;
    readTlsFiles(tls, (why) => {
      throw new InvalidDatabaseError(`member ${index + 1}: ${why}`);
    });
  });
}

/**
 * The host as the driver is to check it. The driver compares certificates with names only, and an address with "localhost" whatever it is; with a
 * dot at its end, which Node.js takes off again before it compares, an address is a name to it.
 */
export function checkedHost({ host, tls }: { readonly host: string; readonly tls?: TlsOptions }): string {
  return tls?.mode === 'verify-identity' && isIP(host) ? `${host}.` : host;
}
