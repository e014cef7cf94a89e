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
export { type Problem, type ProblemBody, sendProblem, toProblem } from './problem.js';
export { answerCodes, statusOf } from './problem-table.js';
export { isReadYourWrites, RYOW_COOKIE, RYOW_WINDOW_MS, ryowCookie } from './read-your-writes.js';
export { createRequestContexts, originForm, type RequestContext, securityHeaders } from './request-context.js';
export { httpSettings, listenRule } from './settings.js';
