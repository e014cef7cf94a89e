import type { Migration } from './migration.js';

/**
 * Who gave which counters back, and when: one row each time (the state `released` of a lease row says that they wait to be
 * claimed). A table of its own, because a column cannot be added harmlessly twice in the engines' common subset.
 */
export const remainders: Migration = {
  number: 2,
  name: 'remainders',
  statements: [
    `CREATE TABLE IF NOT EXISTS id_releases (
      namespace VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      start_counter BIGINT UNSIGNED NOT NULL,
      released_at_ms BIGINT UNSIGNED NOT NULL,
      process_start_ms BIGINT UNSIGNED NOT NULL,
      end_counter BIGINT UNSIGNED NOT NULL,
      server_id VARCHAR(255) NOT NULL,
      host VARCHAR(255) NOT NULL,
      PRIMARY KEY (namespace, start_counter, released_at_ms, process_start_ms)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
};
