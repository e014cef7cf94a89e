/** Redis: one connection that all its users in a process share, and what is kept there. */
export type { RedisState } from './breaker.js';
export * from './change-feed.js';
export { RedisConnection, type RedisOptions } from './connection.js';
export * from './counters.js';
export { Deadlines } from './deadline.js';
export * from './errors.js';
export * from './link-cache.js';
export { createScript, type Master, type Script } from './master.js';
export { Masters, type MastersListener, type MastersOptions, type RedisLog } from './masters.js';
export { redisSettings } from './settings.js';
export { slotOf } from './slots.js';
export { longestLifeMs } from './ttl.js';
export * from './url.js';
