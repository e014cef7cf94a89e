import {
  formatAddress,
  integer,
  isLoopback,
  listenAddress,
  oneOf,
  type Parser,
  parseHostPort,
  type Rule,
  type SettingList,
  type SettingsOf,
} from '@lakh/settings';
import ipaddr from 'ipaddr.js';

/** Addresses and CIDR blocks apart by commas, each in its shortest form; a lone address stands for itself. */
const cidrList: Parser<readonly string[]> = {
  expected: 'IP addresses or CIDR blocks apart by commas',
  parse(value) {
    const blocks = value.split(',').map((entry) => {
      const block = entry.trim();
      if (ipaddr.isValid(block)) {
        const address = ipaddr.parse(block);
        return `${address}/${address.kind() === 'ipv4' ? 32 : 128}`;
      }
      return ipaddr.isValidCIDR(block) ? ipaddr.parseCIDR(block).join('/') : undefined;
    });
    return blocks.every((block) => block !== undefined) ? Object.freeze(blocks) : undefined;
  },
};

/** An origin: scheme, host and port. Short links live at its root, so a path would never be reached. */
const origin: Parser<string> = {
  expected: 'an http or https URL without path, query, fragment or credentials',
  parse(value) {
    if (!URL.canParse(value)) return undefined;
    const url = new URL(value);
    const bare = url.pathname === '/' && !/[?#@\s\\]/.test(value);
    return bare && (url.protocol === 'http:' || url.protocol === 'https:') ? url.origin : undefined;
  },
};

/** Origins apart by commas. */
const originList: Parser<readonly string[]> = {
  expected: 'origins apart by commas, such as https://app.example (no *: each is named)',
  parse(value) {
    const origins = value.split(',').map((entry) => origin.parse(entry.trim()));
    return origins.every((each) => each !== undefined) ? Object.freeze(origins) : undefined;
  },
};

/** Names apart by commas. */
const hostList: Parser<readonly string[]> = {
  expected: 'host names apart by commas, without ports',
  parse(value) {
    const hosts = value.split(',').map((entry) => entry.trim());
    return hosts.every((host) => parseHostPort(host, 0)?.host === host) ? Object.freeze(hosts) : undefined;
  },
};

/** Up to more than a server can do, for who wants no limit. */
const perMinute = integer(1, 1_000_000_000);

export const httpSettings = {
  listen: {
    name: 'LAKH_LISTEN',
    parser: listenAddress,
    default: '127.0.0.1:8080',
    description: 'Where the public listener binds.',
  },
  adminListen: {
    name: 'LAKH_ADMIN_LISTEN',
    parser: listenAddress,
    default: '127.0.0.1:8081',
    description: 'Where health and metrics are served; keep it private.',
  },
  publicUrl: {
    name: 'LAKH_PUBLIC_URL',
    parser: origin,
    description:
      'What short URLs begin with, and the host that requests are for. Required where others than this machine reach the server (LAKH_LISTEN beyond loopback, or a proxy), else the listening address.',
  },
  hosts: {
    name: 'LAKH_HOSTS',
    parser: hostList,
    description:
      'Further names that requests may be for, in whatever a proxy, a probe or a scraper puts into Host; loopback, the public URL’s, the machine’s and the addresses listened on are known.',
  },
  trustedProxies: {
    name: 'LAKH_TRUSTED_PROXIES',
    parser: cidrList,
    description: 'Whose X-Forwarded-For and X-Request-Id are believed; without it nobody’s.',
  },
  maxInFlight: {
    name: 'LAKH_MAX_IN_FLIGHT',
    parser: integer(1, 1_000_000),
    default: '4096',
    isShared: true,
    description:
      'Unfinished requests beyond which the server answers 503; of the last half, a client may have as many as it leaves free.',
  },
  maxConnections: {
    name: 'LAKH_MAX_CONNECTIONS',
    parser: integer(1, 1_000_000),
    default: '16384',
    isShared: true,
    description:
      'Connections of the public listener. Beyond it the longest idle gives way to a new one, then the slowest to send a request; where there is none, the new one is closed.',
  },
  maxConnectionsPerClient: {
    name: 'LAKH_MAX_CONNECTIONS_PER_CLIENT',
    parser: integer(1, 1_000_000),
    isShared: true,
    description:
      'The same for one client: an IPv4 address or an IPv6 /64, but no proxy of LAKH_TRUSTED_PROXIES. Not set: an eighth of LAKH_MAX_CONNECTIONS.',
  },
  changesPerMin: {
    name: 'LAKH_CHANGES_PER_MIN',
    parser: perMinute,
    default: '3000',
    description:
      'Links that one client address may make, edit or delete in a minute; each token ten times as many, wherever it is used.',
  },
  missesPerMin: {
    name: 'LAKH_MISSES_PER_MIN',
    parser: perMinute,
    default: '600',
    description: 'Look-ups of one client address in a minute that may find no link, by following it or at the API.',
  },
  wrongTokensPerMin: {
    name: 'LAKH_WRONG_TOKENS_PER_MIN',
    parser: perMinute,
    default: '60',
    description: 'Wrong API tokens that one client address may show in a minute.',
  },
} as const satisfies SettingList;

/** Of servers that have a wire lane. */
export const wireSettings = {
  wireLane: {
    name: 'LAKH_WIRE_LANE',
    parser: oneOf('on', 'off'),
    default: 'on',
    description:
      'Whether plain requests for short links are answered ahead of Node’s HTTP server, which reads all others; off: it reads every request.',
  },
} as const satisfies SettingList;

/** Of servers that have the API. */
export const crossOriginSettings = {
  corsOrigins: {
    name: 'LAKH_CORS_ORIGINS',
    parser: originList,
    description:
      'Origins whose pages may use the API in a browser (CORS), apart by commas, with tokens that they have themselves; not set: only this server’s own.',
  },
} as const satisfies SettingList;

/** Two listeners need two addresses, and whom others reach a name to be reached by. */
export const listenRule: Rule<typeof httpSettings> = (values) => {
  const { listen, adminListen: admin, publicUrl } = values;
  const found: string[] = [];
  if (listen && admin && listen.port !== 0 && listen.port === admin.port && listen.host === admin.host) {
    found.push(
      `LAKH_LISTEN=${formatAddress(listen)} and LAKH_ADMIN_LISTEN=${formatAddress(admin)} are the same address`,
    );
  }
  const beyond = beyondLoopback(values);
  if (beyond !== undefined && publicUrl === undefined) {
    found.push(`${beyond}: LAKH_PUBLIC_URL (not set or not usable) must say what short URLs begin with`);
  }
  return found;
};

/**
 * Why others than this machine reach a server, in words; undefined where they do not. One that listens on loopback is reached through a
 * proxy, and its settings tell: a name that others have for it, or a proxy that is believed.
 */
export function beyondLoopback(
  values: Partial<Pick<SettingsOf<typeof httpSettings>, 'listen' | 'publicUrl' | 'hosts' | 'trustedProxies'>>,
): string | undefined {
  const { listen, publicUrl, hosts = [], trustedProxies } = values;
  if (listen && !isLoopback(listen.host)) return `LAKH_LISTEN=${formatAddress(listen)} is beyond loopback`;
  const publicHost = publicUrl === undefined ? undefined : new URL(publicUrl).hostname.replace(/^\[|\]$/g, '');
  if (publicHost !== undefined && !isLoopback(publicHost)) return `LAKH_PUBLIC_URL=${publicUrl} is beyond loopback`;
  const name = hosts.find((host) => !isLoopback(host));
  if (name !== undefined) return `LAKH_HOSTS=${hosts.join(',')} has a name beyond loopback`;
  return trustedProxies && `LAKH_TRUSTED_PROXIES=${trustedProxies.join(',')} lets others in`;
}
