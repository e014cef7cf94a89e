import { apiRoutes, descriptionRoutes, keyRoutes } from '@lakh/api';
import type { Route } from '@lakh/http';
import { pageRoutes } from '@lakh/page';
import { redirectRoutes } from '@lakh/redirects';
import { siteRoutes } from '@lakh/site';

/** Every route that Lakh has for the public, of all services. */
export const publicRoutes = [
  ...Object.values(apiRoutes),
  ...Object.values(keyRoutes),
  ...Object.values(descriptionRoutes),
  ...Object.values(pageRoutes),
  ...Object.values(redirectRoutes),
  ...Object.values(siteRoutes),
];

export type Service = (typeof publicRoutes)[number]['service'];

/** Whether a route takes many links in one body. */
export const isBatch = ({ body }: Route): boolean => body?.type === 'batch';
