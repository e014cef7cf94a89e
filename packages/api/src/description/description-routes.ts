import type { Routes } from '@lakh/http';

const common = {
  method: 'GET',
  service: 'shorten',
  role: 'public',
  rate: 'none',
  errors: 'problem',
  label: 'api',
} as const;

/** What the API says of itself, to anyone: it is the same for all. */
export const descriptionRoutes = {
  getDescription: { ...common, path: '/api/v1/openapi.json' },
  getDocs: { ...common, path: '/api/v1/docs' },
} as const satisfies Routes;
