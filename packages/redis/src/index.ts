/** Redis: one connection to each of its masters that all its users in a process share, and what is kept there. */
export * from './busy-codes.js';
export * from './change-feed.js';
export { COPY_SLOTS } from './copy-keys.js';
export * from './counters.js';
export { Deadlines } from './deadline.js';
export * from './errors.js';
export * from './link-copy.js';
export { createScript, type Master, type Script } from './master.js';
export { Masters, type MastersListener, type MastersOptions, type RedisLog } from './masters.js';
export { redisSettings } from './settings.js';
export { slotOf } from './slots.js';
export * from './url.js';
