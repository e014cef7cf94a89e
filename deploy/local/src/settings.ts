import { boolean, integer, type SettingList, text } from '@lakh/settings';

/** Of whatever needs servers or tools that Debian packages. */
export const installSettings = {
  install: {
    name: 'LAKH_INSTALL',
    parser: boolean,
    default: 'true',
    description: 'Whether missing Debian packages may be installed, and Vitess built.',
  },
  vitess: {
    name: 'LAKH_VITESS',
    parser: text('a folder'),
    description: 'The folder of Vitess’s programs (`--db vitess`); else those of the PATH, else built once by Go.',
  },
} as const satisfies SettingList;

export const stackSettings = {
  ...installSettings,
  gatewayRate: {
    name: 'LAKH_GATEWAY_RATE',
    parser: integer(1, 1_000_000),
    // Far above what loopback clients reach, so that load tests are not limited.
    default: '100000',
    description: 'Requests a second that the stack’s gateway lets one client address make.',
  },
  gatewayRequests: {
    name: 'LAKH_GATEWAY_REQUESTS',
    parser: integer(1, 1_000_000),
    // On loopback everybody is one client, load tests too: half of the gateway's connections.
    default: '4096',
    description:
      'Requests that the stack’s gateway lets one client address (of IPv6 a /64) have in progress, a quarter of them with a body. 256 do for a public one.',
  },
} as const satisfies SettingList;
