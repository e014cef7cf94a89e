export type { AllocatorSnapshot, RangeAllocatorOptions } from './allocator-options.js';
export * from './errors.js';
export type * from './observer.js';
export * from './ports.js';
export { RangeAllocator } from './range-allocator.js';
export { ReclaimingLease, type ReclaimingLeaseOptions } from './reclaiming-lease.js';
export * from './space.js';
export * from './system-clock.js';
export { TwoWitnessLease, type TwoWitnessLeaseOptions } from './two-witness-lease.js';
