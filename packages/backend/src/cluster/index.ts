/** A cluster's storage: by a door of its own, for a third of a start goes into loading the clients of servers that one machine does not have. */
export { memberName } from '@lakh/mysql';
export type { Backend, WitnessPorts } from '../backend.js';
export { type ClusterWires, clusterOver } from './cluster-over.js';
export { type MigrateReport, migrateCluster } from './migrate-cluster.js';
export { type ClusterOptions, type ClusterSettings, openCluster } from './open-cluster.js';
