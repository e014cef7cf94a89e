import {
  type InsertOutcome,
  insertedNew,
  insertMet,
  isOfVersion,
  judgeEdit,
  type Link,
  type LinkStore,
  type NewLink,
  type RedirectStatus,
  type StoredLink,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
} from '@lakh/links';
import { type Connection, type Row, sqliteCode } from './connection.js';
import { KIND } from './schema.js';

export const LINK_ERRORS = { unavailable: StoreUnavailableError, unknown: StoreOutcomeUnknownError };

/**
 * Rows in one commit. A row costs 4–6 µs here and the event loop stands still meanwhile, so a full batch takes 3 ms on top of
 * its one sync to disk.
 */
const MAX_BATCH_ROWS = 512;

/** Inserts that may wait for a commit; beyond it they are refused at once. */
export const MAX_WAITING_ROWS = 16_384;

interface WaitingInsert {
  readonly link: NewLink;
  resolve(outcome: InsertOutcome): void;
  reject(error: unknown): void;
}

export interface EmbeddedLinkStore extends LinkStore {
  /** Commits what waits, now. */
  flush(): void;
}

const COLUMNS =
  'domain_id, code, kind, counter, long_url, created_at_ms, expires_at_ms, redirect_status, version, insert_id';

/**
 * Group commit: a commit costs a sync of the disk however many rows it holds, so inserts wait for the end of the event loop's
 * turn (every request that the turn read has been parsed by then) and share one transaction. Each row is a statement of its
 * own: in SQLite a statement that violates a constraint undoes itself and leaves its transaction standing, so a bad
 * row fails alone.
 */
class GroupCommit {
  readonly #connection: Connection;
  readonly #insertOrRefuse: (link: NewLink) => InsertOutcome | Error;
  #waiting: WaitingInsert[] = [];
  #isScheduled = false;

  constructor(connection: Connection, insertOrRefuse: (link: NewLink) => InsertOutcome | Error) {
    this.#connection = connection;
    this.#insertOrRefuse = insertOrRefuse;
  }

  insert(link: NewLink): Promise<InsertOutcome> {
    if (!this.#connection.isOpen) return Promise.reject(new StoreUnavailableError('the data file is closed'));
    if (this.#waiting.length >= MAX_WAITING_ROWS) {
      return Promise.reject(new StoreUnavailableError(`${MAX_WAITING_ROWS} links are waiting to be written already`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ link, resolve, reject });
      this.#schedule();
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#commitBatch();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#commitBatch());
  }

  #commitBatch(): void {
    this.#isScheduled = false;
    const batch = this.#waiting.length <= MAX_BATCH_ROWS ? this.#waiting : this.#waiting.slice(0, MAX_BATCH_ROWS);
    this.#waiting = this.#waiting.length <= MAX_BATCH_ROWS ? [] : this.#waiting.slice(MAX_BATCH_ROWS);
    if (this.#waiting.length > 0) this.#schedule();
    if (batch.length === 0) return;
    // A row's own refusal is kept beside the outcomes: the others are committed all the same.
    const results: (InsertOutcome | Error)[] = [];
    try {
      this.#connection.write(LINK_ERRORS, () => {
        for (const { link } of batch) results.push(this.#insertOrRefuse(link));
      });
    } catch (error) {
      for (const insert of batch) insert.reject(error);
      return;
    }
    for (const [index, insert] of batch.entries()) {
      const result = results[index]!;
      if (result instanceof Error) insert.reject(result);
      else insert.resolve(result);
    }
  }
}

/** Links in the data file. */
export function openLinkStore(connection: Connection): EmbeddedLinkStore {
  const insertRow = connection.prepare(`INSERT INTO links (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`);
  const select = connection.prepare(`SELECT ${COLUMNS} FROM links WHERE domain_id = ? AND code = ?`);
  const change = connection.prepare(
    'UPDATE links SET long_url = ?, expires_at_ms = ?, redirect_status = ?, version = ? WHERE domain_id = ? AND code = ?',
  );
  const bury = connection.prepare(
    `UPDATE links SET kind = ${KIND.deleted}, long_url = '', version = version + 1 WHERE domain_id = ? AND code = ?`,
  );

  function insertOne(link: NewLink): InsertOutcome {
    try {
      insertRow.run([
        link.domainId,
        link.code,
        KIND[link.kind],
        link.counter,
        link.longUrl,
        link.createdAtMs,
        link.expiresAtMs,
        link.redirectStatus,
        link.insertId,
      ]);
      return insertedNew(link);
    } catch (error) {
      if (sqliteCode(error) !== 'SQLITE_CONSTRAINT_UNIQUE') throw error;
      const row = select.get([link.domainId, link.code]);
      if (row === undefined) throw new Error(`a row in conflict with code ${link.code} could not be read`);
      return insertMet(link, toStored(row), row[9] as string);
    }
  }

  function insertOrRefuse(link: NewLink): InsertOutcome | Error {
    try {
      return insertOne(link);
    } catch (error) {
      // What the driver could not bind, or a constraint refused, is this row's fault. A full disk or an I/O error is not, and
      // may have ended the transaction: what follows would be outside of it.
      const ownFault = sqliteCode(error)?.startsWith('SQLITE_CONSTRAINT') ?? true;
      if (!ownFault || !connection.inTransaction) throw error;
      return new StoreUnavailableError(`the data file refused the link ${link.code}`, { cause: error });
    }
  }

  const commits = new GroupCommit(connection, insertOrRefuse);

  return {
    insert: (link) => commits.insert(link),

    async find(domainId, code) {
      const row = connection.read(LINK_ERRORS, () => select.get([domainId, code]));
      return row === undefined ? undefined : toStored(row);
    },

    async edit(domainId, code, changes, ifVersions) {
      return connection.write(LINK_ERRORS, () => {
        const row = select.get([domainId, code]);
        if (row === undefined) return { outcome: 'missing' };
        const judged = judgeEdit(toStored(row), changes, ifVersions);
        if (judged.outcome === 'edited') {
          const { longUrl, expiresAtMs, redirectStatus, version } = judged.link;
          change.run([longUrl, expiresAtMs, redirectStatus, version, domainId, code]);
        }
        return judged;
      });
    },

    async remove(domainId, code, ifVersions) {
      return connection.write(LINK_ERRORS, () => {
        const row = select.get([domainId, code]);
        if (row === undefined) return { outcome: 'missing' };
        const stored = toStored(row);
        if (stored.state === 'deleted') return { outcome: 'already-removed', tombstone: stored };
        if (!isOfVersion(stored, ifVersions)) return { outcome: 'conflict', link: stored };
        bury.run([domainId, code]);
        return { outcome: 'removed', tombstone: { state: 'deleted', domainId, code, version: stored.version + 1 } };
      });
    },

    flush: () => commits.flush(),
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
    version,
  };
  return link;
}
