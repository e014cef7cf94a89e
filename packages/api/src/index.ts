/** The REST API over links: create, look up, edit, delete. */
export { type AccessPolicy, accessPolicy } from './access-policy.js';
export { type ApiOptions, createApi } from './api.js';
export { apiRoutes } from './api-routes.js';
export { auditClaims, auditDeletes, auditEdits } from './audit.js';
export { BATCH_RULES } from './batch-request.js';
export { type CallerOptions, type Callers, createCallers, type Identify } from './callers.js';
export type { CreateLinkOptions } from './create-link.js';
export { DRY_RUN_RULES } from './dry-run.js';
export { countReplays, digest } from './idempotency-key.js';
export { keyCrypto } from './keys/key-crypto.js';
export { keyRoutes } from './keys/key-routes.js';
export { createKeysApi } from './keys/keys-api.js';
export { openKeyRing } from './keys/open-key-ring.js';
export { type LinkJson, linkJson } from './link-json.js';
export { API_PASSWORDS, accessRule, apiSettings } from './settings.js';
export { loadTokens, parseRights, parseTokens, type Tokens, TokensFileError } from './tokens.js';
export { addToken, listTokens, revokeToken } from './tokens-file.js';
