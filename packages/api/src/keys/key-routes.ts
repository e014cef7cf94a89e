import type { Routes } from '@lakh/http';

const BODY_MAX_BYTES = 4 * 1024;

const common = { service: 'shorten', role: 'api', errors: 'problem', label: 'api', rate: 'changes' } as const;

/** API keys, for who may say who may do what. */
export const keyRoutes = {
  listKeys: { ...common, method: 'GET', path: '/api/v1/keys', rate: 'none' },
  createKey: {
    ...common,
    method: 'POST',
    path: '/api/v1/keys',
    body: { type: 'json', holds: 'key', maxBytes: BODY_MAX_BYTES },
  },
  rotateKey: {
    ...common,
    method: 'POST',
    path: '/api/v1/keys/:key/rotate',
    body: { type: 'json', holds: 'overlap', isOptional: true, maxBytes: BODY_MAX_BYTES },
  },
  revokeKey: { ...common, method: 'DELETE', path: '/api/v1/keys/:key' },
} as const satisfies Routes;
