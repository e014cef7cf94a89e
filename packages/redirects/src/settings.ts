import { integer, oneOf, type SettingList } from '@lakh/settings';

export const redirectSettings = {
  redirectStatus: {
    name: 'LAKH_REDIRECT_STATUS',
    parser: oneOf(301, 302, 307, 308),
    default: '301',
    description: 'Status of a redirect.',
  },
  redirectMaxAgeS: {
    name: 'LAKH_REDIRECT_MAX_AGE_S',
    parser: integer(0, 86_400),
    default: '90',
    description: 'How long a browser may reuse a redirect, in seconds.',
  },
  l1TtlMs: {
    name: 'LAKH_L1_TTL_MS',
    parser: integer(0, 3_600_000),
    default: '5000',
    description:
      'For how long after a moment at which it was certainly true a link may be served from caches, in milliseconds: by so much at most an edit or a delete is late.',
  },
  l1MaxBytes: {
    name: 'LAKH_L1_MAX_BYTES',
    parser: integer(0, 17_179_869_184),
    default: '67108864',
    isShared: true,
    description: 'Size of the in-process cache, in bytes; with 0 there is none.',
  },
} as const satisfies SettingList;
