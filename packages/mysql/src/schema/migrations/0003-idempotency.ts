import type { Migration } from './migration.js';

const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';
const TABLE = 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

/**
 * What idempotency keys stand for, by hashes. Reservations of creates live by their key, and receipts of edits beside the link, in whose
 * transaction they are written: neither needs anything of another row's shard.
 */
export const idempotency: Migration = {
  number: 3,
  name: 'idempotency',
  statements: [
    `CREATE TABLE IF NOT EXISTS reservations (
      key_hash BINARY(32) NOT NULL,
      request_hash BINARY(32) NOT NULL,
      kind TINYINT UNSIGNED NOT NULL,
      code VARCHAR(64) ${ASCII} NOT NULL,
      counter BIGINT UNSIGNED NOT NULL,
      insert_id BINARY(16) NOT NULL,
      reserved_at_ms BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (key_hash),
      KEY reservations_by_age (reserved_at_ms)
    ) ${TABLE}`,
    `CREATE TABLE IF NOT EXISTS edit_receipts (
      domain_id INT UNSIGNED NOT NULL,
      code VARCHAR(64) ${ASCII} NOT NULL,
      key_hash BINARY(32) NOT NULL,
      request_hash BINARY(32) NOT NULL,
      at_ms BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (domain_id, code, key_hash),
      KEY edit_receipts_by_age (at_ms)
    ) ${TABLE}`,
  ],
};
