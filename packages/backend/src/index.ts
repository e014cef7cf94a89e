export { type ClusterStorage, type ClusterStorageOptions, openClusterStorage } from './open-cluster-storage.js';
export { startRelay } from './relay-loop.js';
export { clusterSettings, storageSettings } from './settings.js';
