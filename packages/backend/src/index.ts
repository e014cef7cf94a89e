/** Everything that one system keeps, whole: a file's; a cluster's behind `@lakh/backend/cluster`. */
export { DataDirInUseError } from '@lakh/sqlite';
export type { Backend, ServerFacts, WitnessPorts } from './backend.js';
export { dataFileIn, type FileOptions, openFile } from './file/open-file.js';
export { clusterSettings, fileSettings, storageSettings, toolSettings } from './settings.js';
export { type KeyPurpose, SharedKeys } from './shared-keys.js';
