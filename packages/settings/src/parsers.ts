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

const HOST_NAME =
  /^(?=.{1,253}$)[0-9A-Za-z]([0-9A-Za-z_-]*[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z_-]*[0-9A-Za-z])?)*\.?$/;
const DECIMAL = /^(0|[1-9][0-9]*)$/;

/** `host:port`, an IPv6 address in brackets; the port may be left out where there is a default. */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+))(?::(?<port>.*))?$/s.exec(text);
  const { v6, name = '', port = String(defaultPort ?? '') } = match?.groups ?? {};
  const hostIsValid = v6 === undefined ? HOST_NAME.test(name) : ipaddr.IPv6.isValid(v6);
  const portIsValid = DECIMAL.test(port) && Number(port) <= 65_535;
  return hostIsValid && portIsValid ? { host: v6 ?? name, port: Number(port) } : undefined;
}

/** Where to listen. */
export const listenAddress: Parser<HostPort> = {
  expected: 'host:port (an IPv6 address in brackets; port 0 takes any free port)',
  parse: (text) => parseHostPort(text),
};

/** The inverse of {@link parseHostPort}: an IPv6 host gets its brackets back. */
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
