/** Taking an address, and saying why not. */
import { type AddressInfo, Server as NetServer } from 'node:net';
import { CodedError } from '@lakh/base';
import { formatAddress, type HostPort } from '@lakh/settings';

/** The address could not be taken: used already, not this machine's, or not permitted. */
export class ListenError extends CodedError {
  readonly code = 'cannot_listen';
  /** The system's, such as EADDRINUSE. */
  readonly reason: string;
  constructor(address: HostPort, cause: NodeJS.ErrnoException) {
    const reason = cause.code ?? cause.message;
    super(`cannot listen on ${formatAddress(address)}: ${reason}`, { cause });
    this.reason = reason;
  }
}

/**
 * Resolves with where the server really listens (port 0 is replaced by the one the system chose).
 * @throws ListenError naming the address and the system's reason
 */
export async function listen(
  { server }: { readonly server: NetServer },
  address: HostPort,
): Promise<HostPort & { readonly url: string }> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(new ListenError(address, error));
    server.once('error', onError);
    server.listen(address.port, address.host, () => {
      server.off('error', onError);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const actual = { host: address.host, port };
  return { ...actual, url: `http://${formatAddress(actual)}` };
}

/**
 * Takes the address and gives it back.
 * @throws ListenError as {@link listen} does
 */
export async function tryAddress(address: HostPort): Promise<void> {
  const server = new NetServer();
  await listen({ server }, address);
  server.close();
}
