/** What all servers of one database must agree on: where it is recorded, and how a server compares itself with it. */
export * from './agree-on-facts.js';
export * from './fact-store.js';
export * from './feeds-links.js';
export * from './shared-secret.js';
