import type { Connection } from './connection.js';
import { DataFileInvalidError, DataFileNewerError } from './errors.js';

/** `PRAGMA application_id` of our files: "Lakh" in ASCII. */
export const APPLICATION_ID = 0x4c616b68;
/** The same of one that is open: "Lako". */
export const OPEN_APPLICATION_ID = 0x4c616b6f;

/** `links.kind`. A deleted link keeps its code and counter for ever, and loses its URL. */
export const KIND = { generated: 1, alias: 2, deleted: 3 } as const;

/**
 * Forward-only: the entry at index n takes a file from `user_version` n to n + 1, and is never edited once released.
 * Codes are compared byte by byte (BINARY is SQLite's default; it is written out because everything rests on it).
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE marks (
    namespace  TEXT PRIMARY KEY NOT NULL,
    next       INTEGER NOT NULL,
    ledgered   INTEGER NOT NULL,
    cluster_id TEXT NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE ledger_heads (
    namespace  TEXT PRIMARY KEY NOT NULL,
    head       INTEGER NOT NULL,
    cluster_id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    namespace        TEXT NOT NULL,
    range_start      INTEGER NOT NULL,
    range_end        INTEGER NOT NULL CHECK (range_end > range_start),
    server_id        TEXT NOT NULL,
    host             TEXT NOT NULL,
    process_start_ms INTEGER NOT NULL,
    codec            TEXT NOT NULL,
    leased_at_ms     INTEGER NOT NULL,
    witness_version  INTEGER NOT NULL,
    PRIMARY KEY (namespace, range_start)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE links (
    domain_id       INTEGER NOT NULL,
    code            TEXT NOT NULL COLLATE BINARY,
    kind            INTEGER NOT NULL CHECK (kind IN (1, 2, 3)),
    counter         INTEGER NOT NULL CHECK (counter >= 0 AND (kind <> 1 OR counter > 0) AND (kind <> 2 OR counter = 0)),
    insert_id       TEXT NOT NULL,
    long_url        TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER,
    redirect_status INTEGER,
    version         INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (domain_id, code)
  ) STRICT;

  -- Finds the highest counter, and whether there is any, without a scan.
  CREATE INDEX links_counter ON links (counter) WHERE counter > 0;

  CREATE TABLE settings (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- 'leased': its server's own; 'released': given back, to be claimed; other words: nobody issues from it.
  ALTER TABLE leases ADD COLUMN state TEXT NOT NULL DEFAULT 'leased';

  -- Who gave which counters back, and when: one row each time.
  CREATE TABLE releases (
    namespace        TEXT NOT NULL,
    range_start      INTEGER NOT NULL,
    released_at_ms   INTEGER NOT NULL,
    range_end        INTEGER NOT NULL CHECK (range_end > range_start),
    server_id        TEXT NOT NULL,
    host             TEXT NOT NULL,
    process_start_ms INTEGER NOT NULL,
    PRIMARY KEY (namespace, range_start, released_at_ms, server_id, process_start_ms)
  ) STRICT, WITHOUT ROWID;

  -- The first witness's side of remainders: what ZooKeeper has as nodes.
  CREATE TABLE remainders (
    namespace   TEXT NOT NULL,
    range_start INTEGER NOT NULL,
    range_end   INTEGER NOT NULL,
    PRIMARY KEY (namespace, range_start, range_end)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- No row while the file is closed; else which files on disk it and its log are (opening.ts).
  CREATE TABLE opened (
    file TEXT NOT NULL,
    log  TEXT
  ) STRICT;
  `,
  `
  -- What a create with an idempotency key was given, before its link is inserted.
  CREATE TABLE reservations (
    key_hash       TEXT PRIMARY KEY NOT NULL,
    request_hash   TEXT NOT NULL,
    kind           INTEGER NOT NULL CHECK (kind IN (1, 2)),
    code           TEXT NOT NULL COLLATE BINARY,
    counter        INTEGER NOT NULL,
    insert_id      TEXT NOT NULL,
    reserved_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX reservations_by_age ON reservations (reserved_at_ms);

  -- Edits that were made with an idempotency key.
  CREATE TABLE edit_receipts (
    domain_id    INTEGER NOT NULL,
    code         TEXT NOT NULL COLLATE BINARY,
    key_hash     TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    PRIMARY KEY (domain_id, code, key_hash)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX edit_receipts_by_age ON edit_receipts (at_ms);
  `,
  `
  -- What a link has beside its target: JSON, how it is followed and what it is; nothing of nearly all. clicks: where it may be followed so often only.
  ALTER TABLE links ADD COLUMN owner TEXT NOT NULL DEFAULT '';
  ALTER TABLE links ADD COLUMN terms TEXT;
  ALTER TABLE links ADD COLUMN details TEXT;
  ALTER TABLE links ADD COLUMN clicks INTEGER NOT NULL DEFAULT 0;

  -- What deleted links were, for as long as they may be restored.
  CREATE TABLE deleted_links (
    domain_id     INTEGER NOT NULL,
    code          TEXT NOT NULL COLLATE BINARY,
    kind          INTEGER NOT NULL CHECK (kind IN (1, 2)),
    long_url      TEXT NOT NULL,
    terms         TEXT,
    details       TEXT,
    deleted_at_ms INTEGER NOT NULL,
    PRIMARY KEY (domain_id, code)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deleted_links_by_age ON deleted_links (deleted_at_ms);

  -- Which link an owner has of a target, of those who asked to have one only: as reservations, but for good.
  CREATE TABLE targets (
    key_hash       TEXT PRIMARY KEY NOT NULL,
    request_hash   TEXT NOT NULL,
    kind           INTEGER NOT NULL CHECK (kind IN (1, 2)),
    code           TEXT NOT NULL COLLATE BINARY,
    counter        INTEGER NOT NULL,
    insert_id      TEXT NOT NULL,
    reserved_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** The schema version from which on a file says whether it is open. */
export const OPENED_SINCE = 3;

/**
 * Looks at the file without changing it.
 *
 * @returns the schema version that it has; 0 for an empty file
 * @throws DataFileInvalidError when the file belongs to another program
 * @throws DataFileNewerError when a later release wrote it
 */
export function inspect(connection: Connection, file: string): number {
  const applicationId = Number(connection.pragma('application_id'));
  const found = Number(connection.pragma('user_version'));
  const empty = connection.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get([]) === undefined;
  const isOurs = applicationId === APPLICATION_ID || applicationId === OPEN_APPLICATION_ID;
  if (!isOurs && !(empty && applicationId === 0 && found === 0)) {
    throw new DataFileInvalidError(`${file} is a SQLite file of another program; it was left as it is`);
  }
  if (found > SCHEMA_VERSION) {
    throw new DataFileNewerError(
      `${file} has schema version ${found}, and this release knows versions up to ${SCHEMA_VERSION}: start the release that wrote it, or a later one`,
    );
  }
  return found;
}

/** Looks at all of the file, which takes seconds a gigabyte. @throws DataFileInvalidError when it is damaged */
export function checkAll(connection: Connection, file: string): void {
  const verdict = connection.pragma('integrity_check(1)');
  if (verdict !== 'ok') throw new DataFileInvalidError(`${file} is damaged (${String(verdict)})`);
}

/**
 * Brings the file from version `found` to {@link SCHEMA_VERSION}, each step in one transaction with its version; outside WAL, so that
 * it reaches the file itself.
 *
 * @throws DataFileInvalidError when a table that decides ownership is damaged
 */
export function migrate(connection: Connection, file: string, found: number): void {
  for (let version = found; version < SCHEMA_VERSION; version += 1) {
    connection.exec(
      `BEGIN IMMEDIATE; ${MIGRATIONS[version]} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}; COMMIT;`,
    );
  }
  // The links too would take seconds a gigabyte; these are small, and a wrong answer from them could repeat a counter.
  for (const table of ['marks', 'ledger_heads', 'leases', 'releases', 'remainders', 'settings']) {
    const verdict = connection.pragma(`quick_check('${table}')`);
    if (verdict !== 'ok') throw new DataFileInvalidError(`${file} is damaged (${table}: ${String(verdict)})`);
  }
}
