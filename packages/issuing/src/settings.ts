import { NAMESPACE_NAME } from '@lakh/id-range';
import { integer, matching, type SettingList } from '@lakh/settings';

export const namespaceSettings = {
  namespace: {
    name: 'LAKH_NAMESPACE',
    parser: matching(NAMESPACE_NAME, '1 to 32 of a-z, 0-9 and -, not beginning with -'),
    default: 'links',
    description: 'Counter sequence that feeds links.',
  },
} as const satisfies SettingList;

export const issuingSettings = {
  rangeSize: {
    name: 'LAKH_RANGE_SIZE',
    parser: integer(1, 1_000_000_000),
    default: '100000',
    description: 'Counters in a leased range.',
  },
  runwayS: {
    name: 'LAKH_RUNWAY_S',
    parser: integer(1, 86_400),
    default: '600',
    description: 'How long to be able to issue without a lease, in seconds, at the present rate.',
  },
  rangesMaxHeld: {
    name: 'LAKH_RANGES_MAX_HELD',
    parser: integer(2, 10_000),
    default: '32',
    description: 'Most ranges held at once: what a crash can lose.',
  },
  ...namespaceSettings,
} as const satisfies SettingList;

/** Where several servers lease, and a repair has to wait for them all. */
export const leaseSettings = {
  leaseAttemptMs: {
    name: 'LAKH_LEASE_ATTEMPT_MS',
    parser: integer(100, 600_000),
    default: '10000',
    description:
      'How long one attempt to lease may take in all, in milliseconds; one that took longer is given up. A repair waits for it, so it has to be the same for all.',
  },
} as const satisfies SettingList;
