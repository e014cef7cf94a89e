import { formatAddress, type HostPort, parseHostPort } from '@lakh/settings';
import { InvalidZookeeperAddressError } from './errors.js';

export interface ZookeeperAddress {
  readonly servers: readonly HostPort[];
  /** Absolute path under which everything of Lakh lives; `''` for the root itself. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;
const DEFAULT_CHROOT = '/lakh';
const MAX_SERVERS = 64;

/**
 * Parses `h1:2181,h2:2181,h3:2181/chroot`, ZooKeeper's own notation. The port defaults to 2181, the chroot to `/lakh`
 * (write `/` at the end for none); an IPv6 address stands in brackets.
 *
 * @throws InvalidZookeeperAddressError that says what is wrong with which part
 */
export function parseZookeeperAddress(text: string): ZookeeperAddress {
  const slash = text.indexOf('/');
  const hosts = slash === -1 ? text : text.slice(0, slash);
  if (hosts === '') throw new InvalidZookeeperAddressError('no server is named: expected host:port,host:port/chroot');
  const servers = hosts.split(',').map(parseServer);
  if (servers.length > MAX_SERVERS)
    throw new InvalidZookeeperAddressError(`${servers.length} servers are named, more than ${MAX_SERVERS}`);
  const seen = new Set<string>();
  for (const { host, port } of servers) {
    const name = formatAddress({ host: host.toLowerCase(), port });
    if (seen.has(name)) throw new InvalidZookeeperAddressError(`${name} is named twice`);
    seen.add(name);
  }
  return { servers, chroot: slash === -1 ? DEFAULT_CHROOT : parseChroot(text.slice(slash)) };
}

/** The inverse of {@link parseZookeeperAddress}, with nothing left out. */
export function formatZookeeperAddress({ servers, chroot }: ZookeeperAddress): string {
  return `${servers.map(formatAddress).join(',')}${chroot || '/'}`;
}

function parseServer(text: string): HostPort {
  const server = parseHostPort(text, DEFAULT_PORT);
  if (server === undefined || server.port === 0) {
    throw new InvalidZookeeperAddressError(
      `${JSON.stringify(text)} is not host or host:port (an IPv6 address in brackets, a port of 1–65535)`,
    );
  }
  return server;
}

function parseChroot(text: string): string {
  if (text === '/') return '';
  if (!/^(\/[0-9A-Za-z._-]+)+$/.test(text) || text.split('/').some((part) => part === '.' || part === '..')) {
    throw new InvalidZookeeperAddressError(
      `${JSON.stringify(text)} is not a chroot: expected /name or /name/name of letters, digits, '.', '_' and '-'`,
    );
  }
  if (text.length > 255)
    throw new InvalidZookeeperAddressError(`the chroot has ${text.length} characters, more than 255`);
  if (/^\/zookeeper(\/|$)/.test(text)) throw new InvalidZookeeperAddressError("/zookeeper is ZooKeeper's own");
  return text;
}
