export { createMysqlFacts } from './facts/facts.js';
export * from './ledger/ledger.js';
export * from './ledger/ledger-admin.js';
export * from './links/inspector.js';
export * from './links/outbox.js';
export * from './links/store.js';
export { checkSchema, type MigrateOptions, migrate } from './schema/migrate.js';
export { migrationSettings, mysqlSettings } from './settings.js';
export type { ServerFacts, Session, SqlResult } from './wire/connection.js';
export {
  DatabaseUnsupportedError,
  ER_DUP_ENTRY,
  ER_LOCK_WAIT_TIMEOUT,
  InvalidShardsError,
  SchemaMismatchError,
  SqlFailure,
} from './wire/errors.js';
export * from './wire/member.js';
export * from './wire/observer.js';
export * from './wire/pool.js';
export * from './wire/timing.js';
export * from './wire/transaction.js';
