export type { ServerFacts, Session, SqlResult } from './connection.js';
export {
  DatabaseUnsupportedError,
  ER_DUP_ENTRY,
  ER_LOCK_WAIT_TIMEOUT,
  InvalidShardsError,
  SchemaMismatchError,
  SqlFailure,
} from './errors.js';
export * from './inspector.js';
export * from './ledger.js';
export * from './ledger-admin.js';
export { checkSchema, type MigrateOptions, migrate } from './migrate.js';
export * from './observer.js';
export * from './open-shards.js';
export * from './outbox.js';
export * from './pool.js';
export { createMysqlSettings } from './settings.js';
export * from './shards.js';
export * from './store.js';
export * from './timing.js';
export * from './transaction.js';
