/** The page that shortens, for people. */
export { createPage, type PageOptions } from './page-face.js';
export { pageRoutes } from './page-routes.js';
