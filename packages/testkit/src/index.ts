export * from './id-range/index.js';
