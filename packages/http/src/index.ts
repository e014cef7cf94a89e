/** HTTP as every listener of Lakh speaks it: server, limits, route table, problem details, metrics. It knows no domain. */
export type { TurnedAway } from './admission.js';
export { type Answer, sendAnswer } from './answer.js';
export { answerError, errorAnswer } from './answer-error.js';
export {
  type App,
  type AppOptions,
  createApp,
  type Face,
  type FastLane,
  type PlainLane,
  type RouteHandler,
  type RouteRequest,
  type RouteResponse,
} from './app.js';
export { type BodyLine, BodyLines } from './body-lines.js';
export { clientKey, createClientKeys } from './clients.js';
export { createConnectionMetrics } from './connection-metrics.js';
export { endListener } from './drain.js';
export * from './errors.js';
export { countTogether, createGroupCounters } from './group-counters.js';
export { errorPage, escapeHtml, htmlPage, PAGE_LOOK, STILL_PAGE_POLICY } from './html-page.js';
export {
  CLIENT_GONE,
  createHttpMetrics,
  type HttpMetrics,
  LATENCY_BUCKETS_S,
} from './http-metrics.js';
export {
  createHttpServer,
  type HttpLimits,
  type HttpServer,
  type HttpServerOptions,
  type RequestHandler,
} from './http-server.js';
export { ListenError, listen, tryAddress } from './listen.js';
export type { OwnNames } from './own-requests.js';
export { PasswordKeeper, type PasswordOptions } from './passwords.js';
export { type Problem, type ProblemBody, sendProblem, toProblem } from './problem.js';
export { answerCodes, statusOf } from './problem-table.js';
export {
  createRateLimits,
  LIMITS,
  type Limit,
  type RateLimitOptions,
  type RateLimits,
  type SharedCounters,
} from './rate-limits.js';
export {
  createRyowCookie,
  createRyowReader,
  type HasJustWritten,
  RYOW_SKEW_MS,
  RYOW_WINDOW_MS,
  type RyowCookie,
} from './read-your-writes.js';
export { isPlainJson, readJson } from './request-body.js';
export { createRequestContexts, type RequestContext, securityHeaders } from './request-context.js';
export type { RequestHead } from './request-head.js';
export {
  type Area,
  allowedAt,
  areasOf,
  type BodyRule,
  labelsOf,
  METHODS,
  methodsOf,
  type Route,
  type Routes,
  speakerFinder,
} from './route-table.js';
export { beyondLoopback, crossOriginSettings, httpSettings, listenRule, wireSettings } from './settings.js';
export { beginStream, type Stream, type StreamEnd } from './streams.js';
export { PlainRequest } from './wire/plain-request.js';
export type { WireLane, WireReply } from './wire/wire-lane.js';
