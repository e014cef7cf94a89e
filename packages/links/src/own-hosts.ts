/**
 * Hosts that a link may not lead to: this service's own, for such links would go round in circles and let others lend its
 * name. Compared after WHATWG parsing, which undoes upper case, percent-encoding, full-width digits, IDN spellings and the
 * hexadecimal, octal and shortened forms of IPv4; trailing dots and IPv4-mapped IPv6 are undone here.
 *
 * A domain name is refused on any port. On an IP address or this machine's loopback other services may live on other ports,
 * so there host and port must both be ours; all loopback addresses and names count as one host.
 */
export class OwnHosts {
  readonly #names = new Set<string>();
  readonly #addresses = new Set<string>();

  /**
   * @param urls public URLs of the service (`https://lakh.example`), only hosts and ports of which matter
   * @param machineName what others call this machine: there too only the ports of `urls` are ours
   */
  constructor(urls: readonly string[], machineName = '') {
    const machineUrl = `http://${machineName}`;
    const machine = URL.canParse(machineUrl) ? [placeOf(new URL(machineUrl)).host] : [];
    for (const text of urls) {
      const { host, isAddress, port } = placeOf(new URL(text));
      if (!isAddress) this.#names.add(host);
      else for (const each of [host, ...machine]) this.#addresses.add(`${each}:${port}`);
    }
  }

  /** @param url where it is text, one that a URL parser takes */
  has(url: URL | string): boolean {
    const { host, port } = placeOf(url);
    return this.#names.has(host) || this.#addresses.has(`${host}:${port}`);
  }
}

/**
 * Whether a URL leads to the very host and port that a request came in at, by its `Host` header; without a port there, by the scheme of the URL.
 *
 * @param url one that a URL parser takes
 */
export function leadsToHost(url: string, host: string): boolean {
  const own = `${url.slice(0, url.indexOf(':'))}://${host}/`;
  if (!PLAIN.test(own) && !URL.canParse(own)) return false;
  const [to, at] = [placeOf(url), placeOf(own)];
  return to.host === at.host && to.port === at.port;
}

interface Place {
  readonly host: string;
  /** Whether the port belongs to what is compared. */
  readonly isAddress: boolean;
  readonly port: string;
}

const LOOPBACK = 'localhost';
/** The standard takes a host whose last label is a number for an IPv4 address, and refuses it where it is none. */
const IPV4 = /\.\d+$/;
const IPV4_MAPPED = /\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]/;

/**
 * A URL whose host stands there as a parser would write it: a name of plain labels, the last of which begins with a letter (others may be addresses), or
 * four decimal numbers. Nearly all are, and a parser costs every look-up more than the rest of its answer's making.
 */
const PLAIN =
  /^(https?):\/\/((?:(?!xn--)[a-z0-9-]{1,63}\.){0,8}(?!xn--)[a-z][a-z0-9-]{0,62}|(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!:|\/)|(?=:|\/))){4})(?::([1-9]\d{0,3}))?\//;

function placeOf(url: URL | string): Place {
  const plain = typeof url === 'string' ? PLAIN.exec(url) : null;
  if (plain === null) {
    const { protocol, hostname, port } = typeof url === 'string' ? new URL(url) : url;
    return placeIn(protocol, hostname, port);
  }
  const [, scheme, hostname = '', port = ''] = plain;
  return placeIn(`${scheme}:`, hostname, port);
}

function placeIn(protocol: string, hostname: string, portGiven: string): Place {
  const port = portGiven || (protocol === 'https:' ? '443' : '80');
  const name = withoutDots(hostname);
  if (name === LOOPBACK || name.endsWith(`.${LOOPBACK}`)) return { host: LOOPBACK, isAddress: true, port };
  const address = addressOf(name);
  if (address === undefined) return { host: name, isAddress: false, port };
  // The unspecified address reaches this machine too.
  const isLoopback = address.startsWith('127.') || ['0.0.0.0', '[::1]', '[::]'].includes(address);
  return { host: isLoopback ? LOOPBACK : address, isAddress: true, port };
}

/** Without the dots at its end. Not by a pattern: one that is anchored there takes the square of the dots elsewhere. */
function withoutDots(host: string): string {
  let end = host.length;
  while (host[end - 1] === '.') end -= 1;
  return host.slice(0, end);
}

/** The address in the one spelling that WHATWG serialises, mapped ones as IPv4; undefined for a domain name. */
function addressOf(host: string): string | undefined {
  const mapped = IPV4_MAPPED.exec(host);
  if (mapped !== null) {
    const [high, low] = [mapped[1], mapped[2]].map((group) => Number.parseInt(group as string, 16)) as [number, number];
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return host.startsWith('[') || IPV4.test(host) ? host : undefined;
}
