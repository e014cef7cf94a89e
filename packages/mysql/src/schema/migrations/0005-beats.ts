import { ER_DUP_ENTRY } from '../../wire/errors.js';
import type { Migration } from './migration.js';

/** One row whose number rises a few times a second, each with a random nonce: by it a reader proves how far a replica is behind, and a writer that commits are taken. */
export const beats: Migration = {
  number: 5,
  name: 'beats',
  statements: [
    `CREATE TABLE IF NOT EXISTS beats (
      id TINYINT UNSIGNED NOT NULL,
      seq BIGINT UNSIGNED NOT NULL,
      nonce BINARY(8) NOT NULL,
      PRIMARY KEY (id)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
    { sql: "INSERT INTO beats (id, seq, nonce) VALUES (1, 0, x'0000000000000000')", unless: ER_DUP_ENTRY },
  ],
};
