import type { Routes } from '@lakh/http';

const common = {
  method: 'GET',
  service: 'redirect',
  role: 'public',
  errors: 'page',
  // They share the rest of the address space with redirects, where one label speaks for what has no route too.
  label: 'redirect',
} as const;

/** What stands behind a code that is no redirect: no code ends in a plus, and none has a dot. */
const ofLink = { ...common, rate: 'misses' } as const;

/** Files that others look for where every site has them. */
const file = { ...common, rate: 'none' } as const;

export const siteRoutes = {
  previewLink: { ...ofLink, path: '/:code+' },
  drawShortLink: { ...ofLink, path: '/:code.qr' },
  getRobots: { ...file, path: '/robots.txt' },
  getFavicon: { ...file, path: '/favicon.ico' },
  getSecurityText: { ...file, path: '/.well-known/security.txt' },
  getAssetLinks: { ...file, path: '/.well-known/assetlinks.json' },
  getAppleAssociation: { ...file, path: '/.well-known/apple-app-site-association' },
} as const satisfies Routes;
