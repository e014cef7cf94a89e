import { formatAddress, integer, listenAddress, type Parser, type Rule, type SettingList } from '@lakh/settings';
import ipaddr from 'ipaddr.js';

/** Addresses and CIDR blocks apart by commas, each in its shortest form; a lone address stands for itself. */
const cidrList: Parser<readonly string[]> = {
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
  trustedProxies: {
    name: 'LAKH_TRUSTED_PROXIES',
    parser: cidrList,
    description: 'Whose X-Forwarded-For and X-Request-Id are believed; without it nobody’s.',
  },
  maxInFlight: {
    name: 'LAKH_MAX_IN_FLIGHT',
    parser: integer(1, 1_000_000),
    default: '4096',
    description: 'Unfinished requests beyond which the server answers 503.',
  },
  maxConnections: {
    name: 'LAKH_MAX_CONNECTIONS',
    parser: integer(1, 1_000_000),
    default: '16384',
    description: 'Connections of the public listener beyond which new ones are closed.',
  },
} as const satisfies SettingList;

/** Two listeners need two addresses. */
export const listenRule: Rule<typeof httpSettings> = ({ listen, adminListen: admin }) =>
  listen && admin && listen.port !== 0 && listen.port === admin.port && listen.host === admin.host
    ? [`LAKH_LISTEN=${formatAddress(listen)} and LAKH_ADMIN_LISTEN=${formatAddress(admin)} are the same address`]
    : [];
