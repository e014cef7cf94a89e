/** What every server of Lakh is built on. It knows no domain. */
export {
  type AdminOptions,
  type AdminServer,
  type CheckResult,
  createAdminServer,
  type HealthCheck,
  type Readiness,
} from './admin.js';
export type { AdminOperation, AdminOperations } from './admin-operations.js';
export { type ProgramDescription, type ProgramExit, parseProgramArguments } from './cli.js';
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
export {
  createLifecycle,
  type Lifecycle,
  type LifecycleOptions,
  type LifecycleState,
  type Releaser,
} from './lifecycle.js';
export { createLogger, type Logger, type LoggerOptions } from './logging.js';
export { createMetrics, type ProgramMetrics, type Registry } from './metrics.js';
export { formatAddress, isLoopback, type ListenAddress } from './parsers.js';
export {
  type ProgramConfig,
  type ProgramContext,
  type PublicListener,
  type RunOptions,
  runProgram,
  type ServerProgram,
} from './program.js';
export { createRequestContexts, originForm, type RequestContext, securityHeaders } from './request-context.js';
export { type Environment, loadSettings, loggableSettings, SettingsError } from './settings.js';
export { configurationReference, describeSettings } from './settings-describe.js';
export { listSettings, type Program, type SettingDefinition, type Settings } from './settings-registry.js';
export { loadTokens, parseTokens, TokensFileError, type TokenVerifier } from './tokens.js';
