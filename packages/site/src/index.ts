/** What a short domain shows beside its redirects. */
export { drawQr, parseQrStyle, QR_DEFAULTS, type QrPicture, type QrStyle } from './qr/index.js';
export { siteSettings } from './settings.js';
export { createSite, type SiteOptions } from './site.js';
export { siteRoutes } from './site-routes.js';
