/** Everything that answers `GET /{code}`. */
export { createRedirectService, type RedirectService, type RedirectServiceOptions } from './redirect-service.js';
export { redirectSettings } from './settings.js';
