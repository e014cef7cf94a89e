export { sqliteSettings } from './data-dir.js';
export * from './embedded.js';
export * from './errors.js';
export type { EmbeddedLinkStore } from './link-store.js';
