export * from './id-range/index.js';
export * from './links/index.js';
