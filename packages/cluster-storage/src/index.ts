export { type ClusterStorage, type ClusterStorageOptions, openClusterStorage } from './open-cluster-storage.js';
