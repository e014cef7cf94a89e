export { accessPolicy } from './access-policy.js';
export { type Allocation, type AllocationOptions, createAllocation } from './allocation.js';
export { codecOf } from './codec-of.js';
export { agreeOnDatabaseFacts } from './database-facts.js';
export { createShortenApp, type ShortenAppOptions } from './shorten-app.js';
