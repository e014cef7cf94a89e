import { ER_DUP_ENTRY } from '../../wire/errors.js';
import type { Migration } from './migration.js';

/** One row whose nonce is replaced a few times a second: by it a reader proves how far a replica is behind, and a writer that commits are taken. */
export const beats: Migration = {
  number: 5,
  name: 'beats',
  statements: [
    `CREATE TABLE IF NOT EXISTS beats (
      id TINYINT UNSIGNED NOT NULL,
      nonce BINARY(8) NOT NULL,
      PRIMARY KEY (id)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
    { sql: "INSERT INTO beats (id, nonce) VALUES (1, x'0000000000000000')", unless: ER_DUP_ENTRY },
  ],
};
