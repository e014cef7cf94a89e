export { createRedirectService, type RedirectService, type RedirectServiceOptions } from './redirect-service.js';
