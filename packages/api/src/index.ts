/** The REST API over links: create, look up, delete. */
export { type AccessPolicy, accessPolicy } from './access-policy.js';
export { type ApiOptions, BODY_MAX_BYTES, createApi, refuseTooLarge } from './api.js';
export { createCreateLane } from './create-lane.js';
export { type Authenticate, type CreateLinkOptions, createLinkCreator } from './create-link.js';
export { type LinkJson, linkJson } from './link-json.js';
export { accessRule, apiSettings } from './settings.js';
export { loadTokens, parseTokens, TokensFileError, type TokenVerifier } from './tokens.js';
