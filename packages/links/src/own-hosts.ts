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

  /** @param urls public URLs of the service (`https://lakh.example`), only hosts and ports of which matter. */
  constructor(urls: readonly string[]) {
    for (const text of urls) {
      const { host, isAddress, port } = placeOf(new URL(text));
      if (isAddress) this.#addresses.add(`${host}:${port}`);
      else this.#names.add(host);
    }
  }

  has(url: URL): boolean {
    const { host, isAddress, port } = placeOf(url);
    return isAddress ? this.#addresses.has(`${host}:${port}`) : this.#names.has(host);
  }
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

function placeOf(url: URL): Place {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const name = url.hostname.replace(/\.+$/, '');
  if (name === LOOPBACK || name.endsWith(`.${LOOPBACK}`)) return { host: LOOPBACK, isAddress: true, port };
  const address = addressOf(name);
  if (address === undefined) return { host: name, isAddress: false, port };
  // The unspecified address reaches this machine too.
  const isLoopback = address.startsWith('127.') || ['0.0.0.0', '[::1]', '[::]'].includes(address);
  return { host: isLoopback ? LOOPBACK : address, isAddress: true, port };
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
