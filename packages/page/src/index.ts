/** The page that shortens, for people. */
export { createShortenApp, type ShortenAppOptions } from './shorten-app.js';
