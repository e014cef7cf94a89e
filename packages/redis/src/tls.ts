import { readTlsFiles, type TlsOptions } from '@lakh/tls';
import { InvalidRedisUrlError } from './errors.js';

/**
 * What a socket is to be told. Reads the files.
 *
 * @throws InvalidRedisUrlError as `readTlsFiles` says it
 */
export function tlsSocketOptions(tls: TlsOptions) {
  const files = readTlsFiles(tls, (why) => {
    throw new InvalidRedisUrlError(why);
  });
  return {
    tls: true as const,
    ...files,
    rejectUnauthorized: tls.mode !== 'required',
    ...(tls.mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  };
}
