/** Parsers of texts that several rooms' settings are made of. */
import ipaddr from 'ipaddr.js';

export interface Parser<T> {
  /** Completes the sentence "expected …"; shown in errors, in --help and in docs/reference/configuration.md. */
  readonly expected: string;
  /** Malformed is `undefined`, or a CodedError that says what is wrong and quotes nothing that may be secret. */
  parse(text: string): T | undefined;
}

/** A server, or where one listens. `host` carries no brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const HOST_NAME = /^(?!-)[0-9A-Za-z_-]{1,63}(\.[0-9A-Za-z_-]{1,63})*$/;
const DECIMAL = /^(0|[1-9][0-9]*)$/;

function parsePort(text: string): number | undefined {
  const port = Number(text);
  return DECIMAL.test(text) && port <= 65_535 ? port : undefined;
}

function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):([0-9]+)$/.exec(text);
  if (!match) return undefined;
  const [, bracketed, plain, portText] = match;
  const port = parsePort(portText ?? '');
  const host = bracketed ?? plain ?? '';
  const hostIsValid = bracketed === undefined ? HOST_NAME.test(host) : ipaddr.IPv6.isValid(host);
  return port !== undefined && hostIsValid ? { host, port } : undefined;
}

/** Where to listen. */
export const listenAddress: Parser<HostPort> = {
  expected: 'host:port (an IPv6 address in brackets; port 0 takes any free port)',
  parse: parseHostPort,
};

/** The inverse of {@link listenAddress}: an IPv6 host gets its brackets back. */
export function formatAddress({ host, port }: HostPort): string {
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

export function oneOf<const T extends string | number>(...values: readonly T[]): Parser<T> {
  return { expected: `one of ${values.join(', ')}`, parse: (text) => values.find((value) => String(value) === text) };
}

export const boolean: Parser<boolean> = {
  expected: 'true or false (also 1 or 0)',
  parse: (text) => (text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined),
};

/** Anything but nothing. */
export function text(expected: string): Parser<string> {
  return { expected, parse: (value) => value };
}

export function matching(pattern: RegExp, expected: string): Parser<string> {
  return { expected, parse: (value) => (pattern.test(value) ? value : undefined) };
}
