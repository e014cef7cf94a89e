import { randomBytes } from 'node:crypto';
import { BUCKETS } from '@lakh/links';
import { ER_DUP_ENTRY, ER_DUP_FIELDNAME, isRefusal } from '../../wire/errors.js';
import { byteLiteral, hexLiteral } from '../../wire/sql.js';
import type { SqlSession } from '../../wire/transaction.js';
import type { Migration } from './migration.js';

const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';
const TABLE = 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
/** As `bucketOf` computes it. */
const BUCKET = "CHAR(CRC32(CONCAT(domain_id,':',code)) & 255)";
const NONCE_BYTES = 8;

/**
 * Links lie by buckets, and each bucket has a log of what happened to links that exist: a head, and a row a change. A table that is big gets its
 * column without a rebuild and its values in pieces; servers of the release before go on meanwhile and afterwards, but for edits and deletes,
 * which they refuse once their outbox is gone: what they changed no copy would hear of.
 */
export const bucketsAndChanges: Migration = {
  number: 4,
  name: 'buckets-and-changes',
  statements: [
    // seq: how many changes were committed; nonce: of the last one, or of the head's making.
    `CREATE TABLE IF NOT EXISTS heads (
      bucket BINARY(1) NOT NULL,
      seq BIGINT UNSIGNED NOT NULL,
      nonce BINARY(8) NOT NULL,
      PRIMARY KEY (bucket)
    ) ${TABLE}`,
    // previous: the nonce of the change before it, so that each row says by itself what it continues, also once that one is forgotten.
    `CREATE TABLE IF NOT EXISTS changes (
      bucket BINARY(1) NOT NULL,
      seq BIGINT UNSIGNED NOT NULL,
      previous BINARY(8) NOT NULL,
      nonce BINARY(8) NOT NULL,
      domain_id INT UNSIGNED NOT NULL,
      code VARCHAR(64) ${ASCII} NOT NULL,
      version INT UNSIGNED NOT NULL,
      at_ms BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (bucket, seq),
      KEY changes_by_age (at_ms)
    ) ${TABLE}`,
    { sql: 'one row of heads a bucket: seq 0, a random nonce', run: makeHeads },
    ...(['links', 'edit_receipts'] as const).flatMap((table) => [
      // Nullable, because neither engine adds a computed column to rows that are there without a rebuild of the table.
      { sql: `ALTER TABLE ${table} ADD COLUMN bucket BINARY(1) NULL`, unless: ER_DUP_FIELDNAME },
      // For servers of the release before, which know nothing of Vitess; and Vitess cannot read how MariaDB writes such a default down.
      { sql: `ALTER TABLE ${table} ALTER COLUMN bucket SET DEFAULT (${BUCKET})`, isForPlainServers: true as const },
      { sql: `UPDATE ${table} SET bucket=${BUCKET} WHERE bucket IS NULL`, piecesOf: table },
    ]),
    'DROP TABLE IF EXISTS invalidations',
  ],
};

/** Several servers may make them at once, and an engine that shards may have made some of a statement's rows: what is missing is looked for again. */
async function makeHeads(session: SqlSession): Promise<void> {
  for (;;) {
    const { rows } = await session.query('SELECT HEX(bucket) FROM heads');
    const made = new Set(rows.map(([bucket]) => Number.parseInt(String(bucket), 16)));
    const missing = Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter((bucket) => !made.has(bucket));
    if (missing.length === 0) return;
    const values = missing.map((bucket) => {
      const nonce = randomBytes(NONCE_BYTES).toString('hex');
      return `(${byteLiteral(bucket)},0,${hexLiteral(nonce, NONCE_BYTES)})`;
    });
    try {
      await session.query(`INSERT INTO heads (bucket, seq, nonce) VALUES ${values}`, true);
    } catch (error) {
      if (!isRefusal(error, ER_DUP_ENTRY)) throw error;
    }
  }
}
