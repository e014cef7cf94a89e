export type { CacheState } from './breaker.js';
export * from './errors.js';
export * from './link-cache.js';
export { redisSettings } from './settings.js';
export * from './url.js';
