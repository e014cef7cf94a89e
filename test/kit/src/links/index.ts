export * from './link-cache-conformance.js';
export * from './link-store-conformance.js';
export * from './memory-link-cache.js';
export * from './memory-link-store.js';
export * from './memory-outbox.js';
export * from './sample-links.js';
