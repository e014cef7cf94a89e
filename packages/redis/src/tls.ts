import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { InvalidRedisUrlError } from './errors.js';

/**
 * How far a server has to prove who it is: by a certificate made out to the host that was connected to, by any certificate of a CA that is trusted, or
 * not at all.
 */
export type TlsMode = 'verify-identity' | 'verify-ca' | 'required';

/** Files are named, not read: a certificate that is renewed counts from the next connection on. */
export interface TlsOptions {
  readonly mode: TlsMode;
  /** The CAs that are trusted; undefined: those that Node.js trusts. */
  readonly caFile?: string;
  /** What this program proves itself with, where the server asks for that. */
  readonly client?: { readonly certFile: string; readonly keyFile: string };
}

/**
 * What a socket is to be told. Reads the files.
 *
 * @throws InvalidRedisUrlError that names the file which cannot be read, or says that certificate and key are none, or not of each other
 */
export function tlsSocketOptions({ mode, caFile, client }: TlsOptions) {
  const ca = caFile === undefined ? undefined : readCas(caFile);
  const cert = client && readPem(client.certFile, 'ssl-cert');
  const key = client && readPem(client.keyFile, 'ssl-key');
  const files = { ...(ca && { ca }), ...(cert && key && { cert, key }) };
  try {
    createSecureContext(files);
  } catch (error) {
    const named = [caFile, client?.certFile, client?.keyFile].filter((file) => file !== undefined).join(', ');
    throw new InvalidRedisUrlError(`TLS cannot be made with ${named}: ${(error as Error).message}`);
  }
  return {
    tls: true as const,
    ...files,
    rejectUnauthorized: mode !== 'required',
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  };
}

/** Node.js takes a text without a certificate for one, and then trusts nobody: every connection would be refused. */
function readCas(file: string): string {
  const pem = readPem(file, 'ssl-ca');
  try {
    new X509Certificate(pem);
  } catch {
    throw new InvalidRedisUrlError(`ssl-ca: ${file} holds no certificate in PEM`);
  }
  return pem;
}

/** An empty text is none to Node.js: it would trust its own CAs instead of ours, or show no certificate. */
function readPem(file: string, option: string): string {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidRedisUrlError(`${option}: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
  if (pem.trim() === '') throw new InvalidRedisUrlError(`${option}: ${file} is empty`);
  return pem;
}
