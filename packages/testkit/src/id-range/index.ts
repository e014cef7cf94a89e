export * from './faulty-witnesses.js';
export * from './ledger-conformance.js';
export * from './ledger-remainders-conformance.js';
export * from './mark-store-conformance.js';
export * from './memory-ledger.js';
export * from './memory-mark-store.js';
export * from './remainder-store-conformance.js';
export * from './simulated-clock.js';
