export { formatZookeeperAddress, parseZookeeperAddress, type ZookeeperAddress } from './address.js';
export * from './calls.js';
export { closeToStrangers } from './close-to-strangers.js';
export type { DigestAuth } from './connection.js';
export { InvalidZookeeperAddressError, WitnessForbiddenError } from './errors.js';
export { createZookeeperMarkAdmin } from './mark-admin.js';
export { createZookeeperMarkStore, type ZookeeperMarkStoreOptions } from './mark-store.js';
export { type RegisteredServer, registeredServers, registerServer } from './register-server.js';
export { createZookeeperRemainderStore } from './remainder-store.js';
export {
  createZookeeperSession,
  type ZookeeperEvent,
  type ZookeeperLog,
  type ZookeeperSession,
  type ZookeeperSessionOptions,
  type ZookeeperState,
} from './session.js';
export { zookeeperSettings } from './settings.js';
