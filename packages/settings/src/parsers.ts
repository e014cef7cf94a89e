/** Parsers of settings. Each says what it expects in words that fit after "expected"; `undefined` means malformed. */
import ipaddr from 'ipaddr.js';

export interface Parser<T> {
  /** Completes the sentence "expected …"; shown in errors, in --help and in docs/reference/configuration.md. */
  readonly expected: string;
  parse(text: string): T | undefined;
}

/** Where a server listens. `host` carries no brackets; port 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const HOST_NAME = /^(?!-)[0-9A-Za-z_-]{1,63}(\.[0-9A-Za-z_-]{1,63})*$/;
const DECIMAL = /^(0|[1-9][0-9]*)$/;

function parsePort(text: string): number | undefined {
  const port = Number(text);
  return DECIMAL.test(text) && port <= 65_535 ? port : undefined;
}

function parseHostPort(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):([0-9]+)$/.exec(text);
  if (!match) return undefined;
  const [, bracketed, plain, portText] = match;
  const port = parsePort(portText ?? '');
  const host = bracketed ?? plain ?? '';
  const hostIsValid = bracketed === undefined ? HOST_NAME.test(host) : ipaddr.IPv6.isValid(host);
  return port !== undefined && hostIsValid ? { host, port } : undefined;
}

export const listenAddress: Parser<ListenAddress> = {
  expected: 'host:port (an IPv6 address in brackets; port 0 takes any free port)',
  parse: parseHostPort,
};

/** The inverse of {@link listenAddress}: an IPv6 host gets its brackets back. */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach a listener on `host`: 127.0.0.0/8, ::1, their mapped form, or `localhost`. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}

/** Decimal digits only: no sign, no fraction, no leading zero, no unit. */
export function integer(min: number, max: number): Parser<number> {
  return {
    expected: `an integer from ${min} to ${max}`,
    parse(text) {
      const value = Number(text);
      return DECIMAL.test(text) && value >= min && value <= max ? value : undefined;
    },
  };
}

export function oneOf<const T extends string>(...words: readonly T[]): Parser<T> {
  return { expected: `one of ${words.join(', ')}`, parse: (text) => words.find((word) => word === text) };
}

export const redirectStatus: Parser<301 | 302 | 307 | 308> = {
  expected: 'one of 301, 302, 307, 308',
  parse: (text) => ([301, 302, 307, 308] as const).find((status) => String(status) === text),
};

export const boolean: Parser<boolean> = {
  expected: 'true or false',
  parse: (text) => (text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined),
};

/** Anything but nothing. */
export function text(expected: string): Parser<string> {
  return { expected, parse: (value) => value };
}

export function matching(pattern: RegExp, expected: string): Parser<string> {
  return { expected, parse: (value) => (pattern.test(value) ? value : undefined) };
}

/** An origin: scheme, host and port. Short links live at its root, so a path would never be reached. */
export const origin: Parser<string> = {
  expected: 'an http or https URL without path, query, fragment or credentials',
  parse(value) {
    if (!URL.canParse(value)) return undefined;
    const url = new URL(value);
    const bare = url.pathname === '/' && !/[?#@\s\\]/.test(value);
    return bare && (url.protocol === 'http:' || url.protocol === 'https:') ? url.origin : undefined;
  },
};

/** `h1:2181,h2:2181,h3:2181/chroot`; the chroot may be left out. */
export const zooKeeperAddress: Parser<string> = {
  expected: 'host:port,host:port,… and optionally /chroot',
  parse(value) {
    const slash = value.indexOf('/');
    const chroot = slash < 0 ? '' : value.slice(slash);
    const servers = (slash < 0 ? value : value.slice(0, slash)).split(',').map(parseHostPort);
    const serversAreValid = servers.every((server) => server !== undefined && server.port > 0);
    return serversAreValid && (chroot === '' || /^(\/[0-9A-Za-z._-]+)+$/.test(chroot)) ? value : undefined;
  },
};

/** Addresses and CIDR blocks apart by commas, each in its shortest form; a lone address stands for itself. */
export const cidrList: Parser<readonly string[]> = {
  expected: 'IP addresses or CIDR blocks apart by commas',
  parse(value) {
    const blocks = value.split(',').map((entry) => {
      const block = entry.trim();
      if (ipaddr.isValid(block)) return `${block}/${ipaddr.parse(block).kind() === 'ipv4' ? 32 : 128}`;
      return ipaddr.isValidCIDR(block) ? block : undefined;
    });
    return blocks.every((block) => block !== undefined) ? Object.freeze(blocks) : undefined;
  },
};

/** 3 to 62 different letters and digits: a generated code has no other characters. */
export const alphabet: Parser<string> = {
  expected: '16 to 62 different characters of 0-9A-Za-z',
  parse: (value) => (/^[0-9A-Za-z]{16,62}$/.test(value) && new Set(value).size === value.length ? value : undefined),
};
