/** Who may do what, by API keys that a database holds. */
export * from './api-key.js';
export * from './errors.js';
export { keyHolder } from './key-holder.js';
export { createKeyOperations, KEY_OPERATIONS, type KeyOperations } from './key-operations.js';
export { type KeyRequest, validateKey } from './key-request.js';
export { KeyRing, type KeyRingOptions } from './key-ring.js';
export { createKeys, type Keys, type KeysOptions, type KeyView, type NewKey, OVERLAP_MAX_S } from './keys.js';
