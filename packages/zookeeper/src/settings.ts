import { integer, matching, type Parser, type SettingList } from '@lakh/settings';
import { parseZookeeperAddress, type ZookeeperAddress } from './address.js';

const ensemble: Parser<ZookeeperAddress> = {
  expected: 'host:port,host:port,… and optionally /chroot (/ for the root itself)',
  parse: parseZookeeperAddress,
};

export const zookeeperSettings = {
  zookeeper: {
    name: 'LAKH_ZOOKEEPER',
    parser: ensemble,
    required: true,
    description: 'ZooKeeper ensemble; the chroot is /lakh when left out.',
  },
  zookeeperAuth: {
    name: 'LAKH_ZOOKEEPER_AUTH',
    parser: matching(/^[^:\s]+:\S+$/, 'user:password'),
    secret: true,
    description: 'Digest credentials; nodes are then created for this user only.',
  },
  leaseDeadlineMs: {
    name: 'LAKH_LEASE_DEADLINE_MS',
    parser: integer(10, 60_000),
    default: '3000',
    description:
      'How long a ZooKeeper node that does not answer may hold up leases, in milliseconds; a call to it is given up at half of it.',
  },
} as const satisfies SettingList;
