/** The life of a program: arguments, log, metrics, admin listener, start and stop. It knows no domain. */
export { type AdminOptions, type AdminServer, adminRoutes, createAdminServer } from './admin.js';
export { type ProgramDescription, type ProgramExit, parseProgramArguments, usageReason } from './cli.js';
export { describeLauncher, readProcess, watchLauncher } from './launcher.js';
export {
  createLifecycle,
  type Lifecycle,
  type LifecycleOptions,
  type LifecycleState,
  type Releaser,
} from './lifecycle.js';
export { createLogger, type Logger, type LoggerOptions } from './logging.js';
export { createMetrics, type ProgramMetrics, type Registry } from './metrics.js';
export {
  type Door,
  DoorNotPrivateError,
  type Operation,
  type OperationsListenerOptions,
  openOperations,
  readDoor,
} from './operations-listener.js';
export { runProgram } from './program.js';
export { type ProgramConfig, readProgramConfig } from './program-config.js';
export type {
  ProgramContext,
  PublicListener,
  RunOptions,
  ServerSettings,
  SupervisorContext,
  WorkerRef,
  Workers,
} from './program-context.js';
export type { CheckResult, HealthCheck, Readiness } from './readiness.js';
export { startRounds } from './rounds.js';
export type { Ids } from './run-as.js';
export { oneProcessRule, processSettings, singleProcess, workersRule } from './settings.js';
export { thisProcess } from './this-process.js';
export type { Channel } from './workers/channel.js';
