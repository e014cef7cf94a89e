export * from './base62.js';
export * from './codec.js';
export * from './errors.js';
export * from './recorded-codec.js';
export * from './sealed.js';
export * from './sealed-keys.js';
export { codecRule, codecSettings } from './settings.js';
export * from './sqids.js';
