/**
 * MySQL and MariaDB, a room for each thing kept there: links, the ledger, facts, and the schema of it all. Each stands on the wire (one
 * pool of connections to one database) and on no other room.
 */
export { createMysqlFacts } from './facts/facts.js';
export * from './ledger/counter-witness.js';
export * from './ledger/ledger.js';
export * from './ledger/ledger-admin.js';
export * from './links/change-log.js';
export * from './links/inspector.js';
export type { StoreLimits } from './links/lane-queues.js';
export * from './links/reservations.js';
export * from './links/store.js';
export { type DatabaseSettings, openDatabase, openLanes } from './open-database.js';
export { SchemaMismatchError } from './schema/errors.js';
export { checkSchema, type MigrateOptions, type MigrationProgress, migrate } from './schema/migrate.js';
export { proveRowsAreTaken } from './schema/proof.js';
export { migrationSettings, mysqlSettings } from './settings.js';
export type { ServerFacts, Session, SqlResult } from './wire/connection.js';
export { Database, type DatabaseOptions, type MemberLink } from './wire/database.js';
export {
  DatabaseUnsupportedError,
  ER_DUP_ENTRY,
  ER_LOCK_WAIT_TIMEOUT,
  InvalidDatabaseError,
  SqlFailure,
} from './wire/errors.js';
export { type Lanes, rangesByByte, ShardLanes } from './wire/lanes.js';
export * from './wire/member.js';
export * from './wire/observer.js';
export * from './wire/pool.js';
export type { PrimaryPool, ReplicaReader, ServerPool } from './wire/primary-pool.js';
export * from './wire/timing.js';
export * from './wire/transaction.js';
