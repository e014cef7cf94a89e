/** Redis: one connection that all its users in a process share, and what is kept there. */
export type { RedisState } from './breaker.js';
export * from './change-feed.js';
export { RedisConnection, type RedisLog, type RedisOptions } from './connection.js';
export * from './counters.js';
export * from './errors.js';
export * from './link-cache.js';
export { redisSettings } from './settings.js';
export { longestLifeMs } from './ttl.js';
export * from './url.js';
