export { exitStatusOf, FLAG, parseOptions, TEXT, wholeNumber } from './cli/command-line.js';
export { type Interruption, watchInterruption } from './cli/interruption.js';
export { type InstallSettings, type LocalSettings, readSettings } from './config.js';
export * from './errors.js';
export * from './install.js';
export { httpProbe } from './probe.js';
export * from './servers/galera.js';
export * from './servers/galera-cluster.js';
export * from './servers/launch.js';
export * from './servers/mariadb.js';
export * from './servers/nginx.js';
export { freePorts } from './servers/ports.js';
export { type RedisPlanSpec, redisPlan } from './servers/redis.js';
export { type ClusterNode, clusterNodePlan, formCluster } from './servers/redis-cluster.js';
export {
  awaitFollowers,
  awaitSentinels,
  SENTINEL_MASTER,
  sentinelPlan,
  type Watched,
  watchedRedisPlan,
} from './servers/redis-sentinel.js';
export * from './servers/replicas.js';
export * from './servers/replication.js';
export * from './servers/server.js';
export * from './servers/zookeeper.js';
export { installSettings, stackSettings } from './settings.js';
export type { DownOptions } from './stack/down.js';
export type { LayoutOptions } from './stack/layout.js';
export { type Detours, GENEROUS_LIMITS } from './stack/plans.js';
export { childrenOf, identify } from './stack/processes.js';
export type { ScaleTargets } from './stack/scale.js';
export * from './stack/stack.js';
export type { DatabaseRole, ProcessState, ProcessStatus, StackStatus } from './stack/status.js';
export type { UpOptions } from './stack/up.js';
export { type FoundVitess, findVitess, isNewEnough, requireVitess, VITESS_VERSION } from './vitess/binaries.js';
export { VitessControl } from './vitess/control.js';
export * from './vitess/launch.js';
