import type { Routes } from '@lakh/http';

/** What short links are: a code, and nothing under it. */
export const redirectRoutes = {
  followLink: {
    method: 'GET',
    path: '/:code',
    service: 'redirect',
    role: 'public',
    rate: 'clients',
    errors: 'page',
    label: 'redirect',
  },
} as const satisfies Routes;
