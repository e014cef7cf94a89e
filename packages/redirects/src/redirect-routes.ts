import type { Routes } from '@lakh/http';

const common = {
  method: 'GET',
  service: 'redirect',
  role: 'public',
  rate: 'misses',
  errors: 'page',
  label: 'redirect',
} as const;

/** What short links are: a code, and nothing under it. */
export const redirectRoutes = {
  followLink: { ...common, path: '/:code' },
  /** With the password that its page asks for. */
  openLink: {
    ...common,
    method: 'POST',
    path: '/:code',
    body: { type: 'form', holds: 'password of the link', maxBytes: 4 * 1024 },
  },
  /** As people and their programs copy links. */
  followSlashedLink: { ...common, path: '/:code/' },
} as const satisfies Routes;
