/** Everything that answers `GET /{code}`. */
export { L1Cache, type RedirectClock } from './l1-cache.js';
export { redirectRoutes } from './redirect-routes.js';
export { createRedirects, type RedirectOptions, type Redirects } from './redirects.js';
export { createRenewals } from './renewals.js';
export { type Kept, S3Fifo } from './s3-fifo.js';
export { redirectSettings } from './settings.js';
export { createWarmth, type Warmth, type WarmthOptions } from './warmth.js';
