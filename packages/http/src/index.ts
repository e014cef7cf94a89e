/** HTTP as every listener of Lakh speaks it: server, limits, problem details, metrics. It knows no domain. */
export * from './errors.js';
export { createHttpMetrics, type HttpMetrics, LATENCY_BUCKETS_S, SlotHistogram } from './http-metrics.js';
export {
  createHttpServer,
  defaultHttpLimits,
  type HttpLimits,
  type HttpServer,
  type HttpServerOptions,
  ListenError,
  listen,
  type RequestHandler,
} from './http-server.js';
export { createRequestContexts, originForm, type RequestContext, securityHeaders } from './request-context.js';
