export * from './errors.js';
export * from './invalidation-relay.js';
export * from './link.js';
export * from './ports.js';
export * from './ryow.js';
