import type { Migration } from './migration.js';

/** Bytes decide equality: `abc` and `ABC` differ, and nothing but ASCII fits. */
const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';
/** No auto-increment and no foreign keys: neither survives sharding. Row format and engine do not rest on a default. */
const TABLE = 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

export const linksAndLedger: Migration = {
  number: 1,
  name: 'links-and-ledger',
  statements: [
    // kind: 1 generated, 2 alias, 3 deleted. A deleted row keeps its counter (0: it was an alias) and loses its URL.
    // Times are Unix milliseconds; expires_at_ms 0 = never, redirect_status 0 = the server's default, changed_at_ms 0 = as created.
    `CREATE TABLE IF NOT EXISTS links (
      domain_id INT UNSIGNED NOT NULL,
      code VARCHAR(64) ${ASCII} NOT NULL,
      kind TINYINT UNSIGNED NOT NULL,
      counter BIGINT UNSIGNED NOT NULL,
      insert_id BINARY(16) NOT NULL,
      long_url VARCHAR(8192) ${ASCII} NOT NULL,
      created_at_ms BIGINT UNSIGNED NOT NULL,
      expires_at_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,
      changed_at_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,
      redirect_status SMALLINT UNSIGNED NOT NULL DEFAULT 0,
      version INT UNSIGNED NOT NULL DEFAULT 1,
      PRIMARY KEY (domain_id, code),
      KEY links_by_counter (counter)
    ) ${TABLE}`,
    // revision: raised by every lease, also one that leaves the head alone, so that two of them always conflict on a
    // multi-primary cluster, where FOR UPDATE locks one node only.
    `CREATE TABLE IF NOT EXISTS id_heads (
      namespace VARCHAR(64) ${ASCII} NOT NULL,
      head BIGINT UNSIGNED NOT NULL,
      cluster_id VARCHAR(64) ${ASCII} NOT NULL,
      revision BIGINT UNSIGNED NOT NULL DEFAULT 0,
      PRIMARY KEY (namespace)
    ) ${TABLE}`,
    `CREATE TABLE IF NOT EXISTS id_leases (
      namespace VARCHAR(64) ${ASCII} NOT NULL,
      start_counter BIGINT UNSIGNED NOT NULL,
      end_counter BIGINT UNSIGNED NOT NULL,
      server_id VARCHAR(255) NOT NULL,
      host VARCHAR(255) NOT NULL,
      process_start_ms BIGINT UNSIGNED NOT NULL,
      leased_at_ms BIGINT UNSIGNED NOT NULL,
      witness_version BIGINT UNSIGNED NOT NULL,
      codec VARCHAR(255) NOT NULL,
      state VARCHAR(16) ${ASCII} NOT NULL DEFAULT 'leased',
      PRIMARY KEY (namespace, start_counter)
    ) ${TABLE}`,
    `CREATE TABLE IF NOT EXISTS settings (
      name VARCHAR(128) ${ASCII} NOT NULL,
      value MEDIUMTEXT NOT NULL,
      PRIMARY KEY (name)
    ) ${TABLE}`,
    `CREATE TABLE IF NOT EXISTS invalidations (
      domain_id INT UNSIGNED NOT NULL,
      code VARCHAR(64) ${ASCII} NOT NULL,
      version INT UNSIGNED NOT NULL,
      created_at_ms BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (domain_id, code),
      KEY invalidations_by_age (created_at_ms)
    ) ${TABLE}`,
  ],
};
