import { integer, matching, type SettingList } from '@lakh/settings';

export const zookeeperSettings = {
  zookeeper: {
    name: 'LAKH_ZOOKEEPER',
    parser: matching(
      /^[^/,:\s]+:[1-9]\d*(,[^/,:\s]+:[1-9]\d*)*((\/[0-9A-Za-z._-]+)+)?$/,
      'host:port,host:port,… and optionally /chroot',
    ),
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
