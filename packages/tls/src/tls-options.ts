/**
 * How far a server has to prove who it is: not at all, by any certificate of a CA that is trusted, or by one that is made out to the host
 * that was connected to.
 */
export type TlsMode = 'required' | 'verify-ca' | 'verify-identity';

/** Files are named, not read: a certificate that is renewed counts from the next connection on. */
export interface TlsOptions {
  readonly mode: TlsMode;
  /** The CAs that are trusted; undefined: those that Node.js trusts. */
  readonly caFile?: string;
  /** What this program proves itself with, where the server asks for that. */
  readonly client?: { readonly certFile: string; readonly keyFile: string };
}

/** As they come behind the `?` of an address. */
export const TLS_OPTIONS = ['ssl-mode', 'ssl-ca', 'ssl-cert', 'ssl-key'] as const;

export type TlsWords = Readonly<Partial<Record<(typeof TLS_OPTIONS)[number], string>>>;

/** What `ssl-ca`, `ssl-cert` and `ssl-key` say in a mode. `fail` is told what the address has and may not have. */
export function tlsOptionsOf(mode: TlsMode, words: TlsWords, fail: (what: string) => never): TlsOptions {
  const { 'ssl-ca': caFile, 'ssl-cert': certFile, 'ssl-key': keyFile } = words;
  if (mode === 'required' && caFile !== undefined)
    return fail('ssl-ca with ssl-mode=required, which checks nothing: use verify-identity or verify-ca');
  if ((certFile === undefined) !== (keyFile === undefined))
    return fail('one of ssl-cert and ssl-key without the other');
  return {
    mode,
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && keyFile !== undefined && { client: { certFile, keyFile } }),
  };
}
