import { ER_DUP_FIELDNAME } from '../../wire/errors.js';
import type { Migration } from './migration.js';

const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';
const TABLE = 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

const COLUMNS = [
  `owner VARCHAR(128) ${ASCII} NOT NULL DEFAULT ''`,
  // JSON: how the link is followed, and what it is; NULL for nothing.
  `terms VARCHAR(16384) ${ASCII} NULL`,
  `details TEXT ${ASCII} NULL`,
  // Counted where it may be followed so often only.
  'clicks INT UNSIGNED NOT NULL DEFAULT 0',
];

/**
 * What a link has beside its target (docs/adr/0030). Columns come without a rebuild, and servers of the release before go on: they leave them as they are, and what
 * they create has no owner.
 */
export const whatLinksHave: Migration = {
  number: 6,
  name: 'what-links-have',
  statements: [
    // At once: engines count the times that a table was given columns without a rebuild.
    {
      sql: `ALTER TABLE links ${COLUMNS.map((column) => `ADD COLUMN ${column}`).join(', ')}`,
      unless: ER_DUP_FIELDNAME,
    },
    // What deleted links were, for as long as they may be restored. kind: 1 generated, 2 alias.
    `CREATE TABLE IF NOT EXISTS deleted_links (
      bucket BINARY(1) NOT NULL,
      domain_id INT UNSIGNED NOT NULL,
      code VARCHAR(64) ${ASCII} NOT NULL,
      kind TINYINT UNSIGNED NOT NULL,
      long_url VARCHAR(8192) ${ASCII} NOT NULL,
      terms VARCHAR(16384) ${ASCII} NULL,
      details TEXT ${ASCII} NULL,
      deleted_at_ms BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (domain_id, code),
      KEY deleted_links_by_age (deleted_at_ms)
    ) ${TABLE}`,
    // Which link an owner has of a target, of those who asked to have one only: as `reservations`, but for good.
    `CREATE TABLE IF NOT EXISTS targets (
      key_hash BINARY(32) NOT NULL,
      request_hash BINARY(32) NOT NULL,
      kind TINYINT UNSIGNED NOT NULL,
      code VARCHAR(64) ${ASCII} NOT NULL,
      counter BIGINT UNSIGNED NOT NULL,
      insert_id BINARY(16) NOT NULL,
      reserved_at_ms BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (key_hash)
    ) ${TABLE}`,
  ],
};
