import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { TlsOptions } from './tls-options.js';

/** In PEM, as `node:tls` takes them. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Reads the files. `fail` is told which cannot be read or used, or that certificate and key are not of each other. */
export function readTlsFiles({ caFile, client }: TlsOptions, fail: (why: string) => never): TlsFiles {
  const ca = caFile === undefined ? undefined : readCas(caFile, fail);
  const cert = client && readPem(client.certFile, 'ssl-cert', fail);
  const key = client && readPem(client.keyFile, 'ssl-key', fail);
  const files = { ...(ca && { ca }), ...(cert && key && { cert, key }) };
  try {
    createSecureContext(files);
  } catch (error) {
    const named = [caFile, client?.certFile, client?.keyFile].filter((file) => file !== undefined).join(', ');
    return fail(`TLS cannot be made with ${named}: ${(error as Error).message}`);
  }
  return files;
}

/** Node.js takes a text without a certificate for one, and then trusts nobody: every connection would be refused. */
function readCas(file: string, fail: (why: string) => never): string {
  const pem = readPem(file, 'ssl-ca', fail);
  try {
    new X509Certificate(pem);
  } catch {
    return fail(`ssl-ca: ${file} holds no certificate in PEM`);
  }
  return pem;
}

/** An empty text is none to Node.js: it would trust its own CAs instead of ours, or show no certificate. */
function readPem(file: string, option: string, fail: (why: string) => never): string {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    return fail(`${option}: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
  if (pem.trim() === '') return fail(`${option}: ${file} is empty`);
  return pem;
}
