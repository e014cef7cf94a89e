/** The text of the gateway's configuration, from settings and the table of routes. It reads and writes nothing. */
export { CLOSING_FILE, type GatewayConfig, generationOf, renderGatewayConfig } from './nginx-text.js';
export { publicRoutes, type Service } from './routes.js';
