import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { SslOptions } from 'mysql2';
import { InvalidDatabaseError } from './errors.js';

/**
 * How far a server has to prove who it is: not at all, by a certificate of a CA that is trusted, or by one that is made out to the host
 * that was connected to.
 */
type TlsMode = 'required' | 'verify-ca' | 'verify-identity';

/** Files are named, not read: a certificate that is renewed counts from the next connection on. */
export interface TlsOptions {
  readonly mode: TlsMode;
  /** The CAs that are trusted; undefined: those that Node.js trusts. */
  readonly caFile?: string;
  /** What this program proves itself with, where the server asks for that. */
  readonly client?: { readonly certFile: string; readonly keyFile: string };
}

/** Also as MySQL's own programs write them. */
const MODES: ReadonlyMap<string, TlsMode | 'off'> = new Map([
  ['off', 'off'],
  ['disabled', 'off'],
  ['required', 'required'],
  ['verify-ca', 'verify-ca'],
  ['verify-identity', 'verify-identity'],
]);

/** As they come behind the `?` of a member. */
export const TLS_OPTIONS = ['ssl-mode', 'ssl-ca', 'ssl-cert', 'ssl-key'] as const;

/**
 * `ssl-mode` (off, required, verify-ca, verify-identity), `ssl-ca`, `ssl-cert` and `ssl-key` of a member. With a file and no mode, the
 * server is held to all that can be checked.
 */
export function parseTls(
  options: Readonly<Partial<Record<(typeof TLS_OPTIONS)[number], string>>>,
  host: string,
  fail: (what: string) => never,
): TlsOptions | undefined {
  const { 'ssl-ca': caFile, 'ssl-cert': certFile, 'ssl-key': keyFile } = options;
  const hasFiles = [caFile, certFile, keyFile].some((file) => file !== undefined);
  const written = options['ssl-mode'] ?? (hasFiles ? 'verify-identity' : 'off');
  const mode = MODES.get(written.toLowerCase().replaceAll('_', '-'));
  if (mode === undefined) return fail('has an ssl-mode that is none of off, required, verify-ca, verify-identity');
  if (mode === 'off') return hasFiles ? fail('has ssl-mode=off and files for TLS') : undefined;
  if (mode === 'required' && caFile !== undefined)
    return fail('has ssl-ca with ssl-mode=required, which checks nothing: use verify-identity or verify-ca');
  if ((certFile === undefined) !== (keyFile === undefined))
    return fail('has one of ssl-cert and ssl-key without the other');
  if (host === '') return fail('has no host');
  return {
    mode,
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined || keyFile === undefined ? {} : { client: { certFile, keyFile } }),
  };
}

/**
 * What the driver is to be told. Reads the files.
 *
 * @throws InvalidDatabaseError that names the file which cannot be read, or says that certificate and key are none, or not of each other
 */
export function sslOptionsOf({ mode, caFile, client }: TlsOptions): SslOptions {
  const ca = caFile === undefined ? undefined : readCas(caFile);
  const cert = client && readPem(client.certFile, 'ssl-cert');
  const key = client && readPem(client.keyFile, 'ssl-key');
  const files = { ...(ca && { ca }), ...(cert && key && { cert, key }) };
  try {
    createSecureContext(files);
  } catch (error) {
    const named = [caFile, client?.certFile, client?.keyFile].filter((file) => file !== undefined).join(', ');
    throw new InvalidDatabaseError(`TLS cannot be made with ${named}: ${(error as Error).message}`);
  }
  return { ...files, rejectUnauthorized: mode !== 'required', verifyIdentity: mode === 'verify-identity' };
}

/** Node.js takes a text without a certificate for one, and then trusts nobody: every connection would be refused. */
function readCas(file: string): string {
  const pem = readPem(file, 'ssl-ca');
  try {
    new X509Certificate(pem);
  } catch {
    throw new InvalidDatabaseError(`ssl-ca: ${file} holds no certificate in PEM`);
  }
  return pem;
}

/** An empty text is none to Node.js: it would trust its own CAs instead of ours, or show no certificate. */
function readPem(file: string, option: string): string {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidDatabaseError(`${option}: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
  if (pem.trim() === '') throw new InvalidDatabaseError(`${option}: ${file} is empty`);
  return pem;
}

/** @throws InvalidDatabaseError where a member's files for TLS cannot be used */
export function checkTlsFiles(members: readonly { readonly tls?: TlsOptions }[]): void {
  members.forEach(({ tls }, index) => {
    if (tls === undefined) return;
    try {
      sslOptionsOf(tls);
    } catch (error) {
      throw new InvalidDatabaseError(`member ${index + 1}: ${(error as Error).message}`);
    }
  });
}

/**
 * The host as the driver is to check it. The driver compares certificates with names only, and an address with "localhost" whatever it is; with a
 * dot at its end, which Node.js takes off again before it compares, an address is a name to it.
 */
export function checkedHost({ host, tls }: { readonly host: string; readonly tls?: TlsOptions }): string {
  return tls?.mode === 'verify-identity' && isIP(host) ? `${host}.` : host;
}
