import {
  type DeletedRow,
  detailsText,
  type InsertOutcome,
  insertedNew,
  insertMet,
  isMade,
  isOfVersion,
  judgeEdit,
  type Link,
  type LinkRecord,
  type LinkStore,
  type NewLink,
  parseDetails,
  parseTerms,
  type RedirectStatus,
  type StoredLink,
  type StoredRecord,
  termsText,
} from '@lakh/links';
import { type Connection, type Row, sqliteCode } from './connection.js';
import { openDeletedLinks } from './deleted-links.js';
import { openEditReceipts } from './edit-receipts.js';
import { GroupCommit, LINK_ERRORS } from './group-commit.js';
import { KIND } from './schema.js';

export interface EmbeddedLinkStore extends LinkStore {
  /** Commits what waits, now. */
  flush(): void;
}

const PLAIN_COLUMNS = 'domain_id, code, kind, counter, long_url, created_at_ms, expires_at_ms, redirect_status';
const COLUMNS = `${PLAIN_COLUMNS}, version, terms`;
const RECORD_COLUMNS = `${COLUMNS}, owner, details, insert_id`;
const INSERT_ID = 12;

function openCommits(connection: Connection): GroupCommit<NewLink, InsertOutcome> {
  const insertRow = connection.prepare(
    `INSERT INTO links (${PLAIN_COLUMNS}, insert_id, version, terms, owner, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`,
  );
  // What nearly all are. Each value that is bound costs a row some 2 %.
  const insertPlain = connection.prepare(
    `INSERT INTO links (${PLAIN_COLUMNS}, insert_id, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
  );
  const select = connection.prepare(`SELECT ${RECORD_COLUMNS} FROM links WHERE domain_id = ? AND code = ?`);

  function insertOne(link: NewLink): InsertOutcome {
    try {
      const plain = [
        link.domainId,
        link.code,
        KIND[link.kind],
        link.counter,
        link.longUrl,
        link.createdAtMs,
        link.expiresAtMs,
        link.redirectStatus,
        link.insertId,
      ];
      const { terms, owner, details } = link;
      if (terms === null && details === null && owner === '') insertPlain.run(plain);
      else insertRow.run([...plain, terms && termsText(terms), owner, details && detailsText(details)]);
      return insertedNew(link);
    } catch (error) {
      if (sqliteCode(error) !== 'SQLITE_CONSTRAINT_UNIQUE') throw error;
      const row = select.get([link.domainId, link.code]);
      if (row === undefined) throw new Error(`a row in conflict with code ${link.code} could not be read`);
      return insertMet(link, toRecord(row), row[INSERT_ID] as string);
    }
  }

  return new GroupCommit(connection, insertOne, ({ code }) => `the link ${code}`);
}

const CHANGE =
  'UPDATE links SET long_url = ?, expires_at_ms = ?, redirect_status = ?, terms = ?, details = ?, version = ? WHERE domain_id = ? AND code = ?';
const BURY = `UPDATE links SET kind = ${KIND.deleted}, long_url = '', terms = NULL, details = NULL, version = version + 1 WHERE domain_id = ? AND code = ?`;

const CLICKS = `SELECT clicks FROM links WHERE domain_id = ? AND code = ? AND version = ? AND kind <> ${KIND.deleted}`;

/** Links in the data file. */
export function openLinkStore(connection: Connection): EmbeddedLinkStore {
  const select = connection.prepare(`SELECT ${COLUMNS} FROM links WHERE domain_id = ? AND code = ?`);
  const selectRecord = connection.prepare(`SELECT ${RECORD_COLUMNS} FROM links WHERE domain_id = ? AND code = ?`);
  const change = connection.prepare(CHANGE);
  const bury = connection.prepare(BURY);
  const click = connection.prepare(
    `UPDATE links SET clicks = clicks + 1 WHERE domain_id = ? AND code = ? AND version = ? AND kind <> ${KIND.deleted} AND clicks < ?`,
  );
  const clicks = connection.prepare(CLICKS);
  const receipts = openEditReceipts(connection);
  const deleted = openDeletedLinks(connection, (domainId, code) => {
    const row = selectRecord.get([domainId, code]);
    return row && toRow(row);
  });
  const commits = openCommits(connection);

  function find(domainId: number, code: string): StoredLink | undefined {
    const row = connection.read(LINK_ERRORS, () => select.get([domainId, code]));
    return row === undefined ? undefined : toStored(row);
  }

  return {
    insert: (link) => commits.add(link),

    find: async (domainId, code) => find(domainId, code),

    async read(domainId, code) {
      const row = connection.read(LINK_ERRORS, () => selectRecord.get([domainId, code]));
      return row && toRecord(row);
    },

    async sight(domainId, code) {
      const link = find(domainId, code);
      // No copy is filled from a file: it has one process, and that one no shared cache.
      return link && { link, position: undefined, lagMs: 0 };
    },

    async edit(domainId, code, changes, ifVersions, receipt) {
      return connection.write(LINK_ERRORS, () => {
        const row = selectRecord.get([domainId, code]);
        if (row === undefined) return { outcome: 'missing' };
        const stored = toRecord(row);
        const repeated = receipt && stored.state === 'live' && receipts.judge(stored, receipt);
        if (repeated) return repeated;
        const judged = judgeEdit(stored, changes, ifVersions);
        if (judged.outcome === 'edited') {
          change.run([...valuesOf(judged.link), domainId, code]);
        }
        if (receipt && isMade(judged)) receipts.keep(domainId, code, receipt);
        return judged;
      });
    },

    async click({ domainId, code, version }, most, isCounted) {
      const subject = [domainId, code, version];
      const isDone = isCounted && connection.write(LINK_ERRORS, () => click.run([...subject, most]).changes === 1);
      if (isDone) return 'counted';
      const row = connection.read(LINK_ERRORS, () => clicks.get(subject));
      if (row === undefined) return 'changed';
      return !isCounted && (row[0] as number) < most ? 'counted' : 'spent';
    },

    forgetReceipts: async (beforeMs, limit) => connection.write(LINK_ERRORS, () => receipts.forget(beforeMs, limit)),

    async remove(domainId, code, ifVersions, keptAtMs) {
      return connection.write(LINK_ERRORS, () => {
        const row = selectRecord.get([domainId, code]);
        if (row === undefined) return { outcome: 'missing' };
        const stored = toRecord(row);
        if (stored.state === 'deleted') return { outcome: 'already-removed', tombstone: stored };
        if (!isOfVersion(stored, ifVersions)) return { outcome: 'conflict', link: stored };
        bury.run([domainId, code]);
        if (keptAtMs !== undefined) deleted.keep(stored, keptAtMs);
        return { outcome: 'removed', tombstone: { state: 'deleted', domainId, code, version: stored.version + 1 } };
      });
    },

    deleted: deleted.links,

    flush: () => commits.flush(),
  };
}

/** In the order of the statement that changes a row. */
function valuesOf({ longUrl, expiresAtMs, redirectStatus, terms, details, version }: LinkRecord) {
  return [
    ...[longUrl, expiresAtMs, redirectStatus],
    ...[terms && termsText(terms), details && detailsText(details), version],
  ];
}

/** A row of {@link RECORD_COLUMNS}. */
function toRecord(row: Row): StoredRecord {
  const link = toStored(row);
  if (link.state === 'deleted') return link;
  const details = row[11] as string | null;
  return { ...link, owner: row[10] as string, details: details === null ? null : parseDetails(details) };
}

/** The same, of a tombstone with what its row still has. */
function toRow(row: Row): LinkRecord | DeletedRow {
  const stored = toRecord(row);
  if (stored.state === 'live') return stored;
  return {
    ...stored,
    counter: row[3] as number,
    createdAtMs: row[5] as number,
    expiresAtMs: row[6] as number | null,
    redirectStatus: row[7] as RedirectStatus | null,
    owner: row[10] as string,
  };
}

/** A row of {@link COLUMNS}; STRICT tables and their checks vouch for the types. */
function toStored(row: Row): StoredLink {
  const domainId = row[0] as number;
  const code = row[1] as string;
  const version = row[8] as number;
  if (row[2] === KIND.deleted) return { state: 'deleted', domainId, code, version };
  const link: Link = {
    state: 'live',
    domainId,
    code,
    kind: row[2] === KIND.generated ? 'generated' : 'alias',
    counter: row[3] as number,
    longUrl: row[4] as string,
    createdAtMs: row[5] as number,
    expiresAtMs: row[6] as number | null,
    redirectStatus: row[7] as RedirectStatus | null,
    terms: row[9] === null ? null : parseTerms(row[9] as string),
    version,
  };
  return link;
}
