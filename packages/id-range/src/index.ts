export * from './errors.js';
export * from './ports.js';
export * from './space.js';
