import type { Routes } from '@lakh/http';

const BODY_MAX_BYTES = 16 * 1024;

/** A thousand links, of which each may be as long as a URL can be. */
const BATCH_MAX_BYTES = 4 * 1024 * 1024;

const common = { service: 'shorten', role: 'api', errors: 'problem', label: 'api' } as const;

/** The REST API. */
export const apiRoutes = {
  createLink: {
    ...common,
    method: 'POST',
    path: '/api/v1/urls',
    rate: 'changes',
    body: { type: 'json', holds: 'link', maxBytes: BODY_MAX_BYTES },
  },
  createLinks: {
    ...common,
    method: 'POST',
    path: '/api/v1/urls:batch',
    rate: 'changes',
    body: { type: 'batch', holds: 'links', maxBytes: BATCH_MAX_BYTES, maxLineBytes: BODY_MAX_BYTES },
  },
  deleteLinks: {
    ...common,
    method: 'POST',
    path: '/api/v1/urls:batchDelete',
    rate: 'edits',
    body: { type: 'batch', holds: 'codes', maxBytes: BATCH_MAX_BYTES, maxLineBytes: BODY_MAX_BYTES },
  },
  dryRunLink: {
    ...common,
    method: 'POST',
    path: '/api/v1/urls/:code:dryRun',
    rate: 'misses',
    body: { type: 'json', holds: 'request', isOptional: true, maxBytes: BODY_MAX_BYTES },
  },
  restoreLink: { ...common, method: 'POST', path: '/api/v1/urls/:code:restore', rate: 'edits' },
  getLink: { ...common, method: 'GET', path: '/api/v1/urls/:code', rate: 'misses' },
  editLink: {
    ...common,
    method: 'PATCH',
    path: '/api/v1/urls/:code',
    rate: 'edits',
    body: { type: 'patch', holds: 'changes', maxBytes: BODY_MAX_BYTES },
  },
  drawLink: { ...common, method: 'GET', path: '/api/v1/urls/:code/qr', rate: 'misses' },
  deleteLink: { ...common, method: 'DELETE', path: '/api/v1/urls/:code', rate: 'edits' },
} as const satisfies Routes;
