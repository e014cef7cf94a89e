/** Everything that one system keeps, whole: a cluster's or a file's, opened by one function each. */

export { DataDirInUseError } from '@lakh/sqlite';
export type { Backend, ServerFacts, WitnessPorts } from './backend.js';
export { type ClusterWires, clusterOver } from './cluster/cluster-over.js';
export { type MigrateReport, migrateCluster } from './cluster/migrate-cluster.js';
export { type ClusterOptions, type ClusterSettings, openCluster } from './cluster/open-cluster.js';
export { dataFileIn, type FileOptions, openFile } from './file/open-file.js';
export { clusterSettings, fileSettings, storageSettings, toolSettings } from './settings.js';
