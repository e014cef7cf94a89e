/** The allocator, its witnesses and its codec as one live thing. */
export { type Allocation, type AllocationOptions, createAllocation } from './allocation.js';
export { codecOf } from './codec-of.js';
