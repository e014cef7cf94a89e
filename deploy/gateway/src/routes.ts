import { apiRoutes } from '@lakh/api';
import { pageRoutes } from '@lakh/page';
import { redirectRoutes } from '@lakh/redirects';

/** Every route that Lakh has for the public, of all services. */
export const publicRoutes = [
  ...Object.values(apiRoutes),
  ...Object.values(pageRoutes),
  ...Object.values(redirectRoutes),
];

export type Service = (typeof publicRoutes)[number]['service'];
