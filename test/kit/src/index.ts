export * from './fault-proxy.js';
export * from './id-range/index.js';
export * from './links/index.js';
