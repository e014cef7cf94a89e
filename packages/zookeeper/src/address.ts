import { isIPv6 } from 'node:net';

export interface ZookeeperServer {
  readonly host: string;
  /** 1–65535. */
  readonly port: number;
}

export interface ZookeeperAddress {
  readonly servers: readonly ZookeeperServer[];
  /** Absolute path under which everything of Lakh lives; `''` for the root itself. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;
const DEFAULT_CHROOT = '/lakh';
const MAX_SERVERS = 64;
const HOST_NAME =
  /^(?=.{1,253}$)[0-9A-Za-z]([0-9A-Za-z_-]*[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z_-]*[0-9A-Za-z])?)*\.?$/;

/**
 * Parses `h1:2181,h2:2181,h3:2181/chroot`, ZooKeeper's own notation. The port defaults to 2181, the chroot to `/lakh`
 * (write `/` at the end for none); an IPv6 address stands in brackets. Throws an Error that says what is wrong with which part.
 */
export function parseZookeeperAddress(text: string): ZookeeperAddress {
  const slash = text.indexOf('/');
  const hosts = slash === -1 ? text : text.slice(0, slash);
  if (hosts === '') throw new Error('no server is named: expected host:port,host:port/chroot');
  const servers = hosts.split(',').map(parseServer);
  if (servers.length > MAX_SERVERS) throw new Error(`${servers.length} servers are named, more than ${MAX_SERVERS}`);
  const seen = new Set<string>();
  for (const { host, port } of servers) {
    const name = `${host.toLowerCase()}:${port}`;
    if (seen.has(name)) throw new Error(`${name} is named twice`);
    seen.add(name);
  }
  return { servers, chroot: slash === -1 ? DEFAULT_CHROOT : parseChroot(text.slice(slash)) };
}

function parseServer(text: string): ZookeeperServer {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text);
  if (match === null) throw new Error(`${JSON.stringify(text)} is not host:port (an IPv6 address stands in brackets)`);
  const [, bracketed, plain, portText] = match;
  const host = bracketed ?? plain ?? '';
  if (bracketed === undefined ? !HOST_NAME.test(host) : !isIPv6(host)) {
    throw new Error(`${JSON.stringify(text)} has no valid host: ${JSON.stringify(host)}`);
  }
  if (portText === undefined) return { host, port: DEFAULT_PORT };
  const port = /^[1-9]\d{0,4}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65_535) {
    throw new Error(`${JSON.stringify(text)} has no valid port: ${JSON.stringify(portText)} is not 1–65535`);
  }
  return { host, port };
}

function parseChroot(text: string): string {
  if (text === '/') return '';
  if (!/^(\/[0-9A-Za-z._-]+)+$/.test(text) || text.split('/').some((part) => part === '.' || part === '..')) {
    throw new Error(
      `${JSON.stringify(text)} is not a chroot: expected /name or /name/name of letters, digits, '.', '_' and '-'`,
    );
  }
  if (text.length > 255) throw new Error(`the chroot has ${text.length} characters, more than 255`);
  if (/^\/zookeeper(\/|$)/.test(text)) throw new Error("/zookeeper is ZooKeeper's own");
  return text;
}
