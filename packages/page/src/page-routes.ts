import type { Routes } from '@lakh/http';

const BODY_MAX_BYTES = 16 * 1024;

const common = { service: 'shorten', role: 'public', rate: 'none', errors: 'page', label: 'page' } as const;

/** The page, what it loads, where its form goes, and where that leads. */
export const pageRoutes = {
  getPage: { ...common, method: 'GET', path: '/' },
  getPageStyle: { ...common, method: 'GET', path: '/-/page.css' },
  getPageScript: { ...common, method: 'GET', path: '/-/page.js' },
  getMadeLink: { ...common, method: 'GET', path: '/-/made/:code', rate: 'misses' },
  submitPage: {
    ...common,
    method: 'POST',
    path: '/-/shorten',
    rate: 'changes',
    body: { type: 'form', holds: 'form', maxBytes: BODY_MAX_BYTES },
  },
} as const satisfies Routes;
