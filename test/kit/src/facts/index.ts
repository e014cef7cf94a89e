export * from './fact-store-conformance.js';
export * from './memory-fact-store.js';
