import {
  type DeletedLinks,
  type DeletedRow,
  detailsText,
  judgeRestore,
  judgeRevival,
  type KeptLink,
  kindOfDeleted,
  type LinkRecord,
  parseDetails,
  parseTerms,
  termsText,
} from '@lakh/links';
import type { Connection } from './connection.js';
import { LINK_ERRORS } from './group-commit.js';
import { KIND } from './schema.js';

export interface DeletedLinksInFile {
  readonly links: DeletedLinks;
  /** In its caller's transaction. */
  keep(link: LinkRecord, deletedAtMs: number): void;
}

/** `rowOf`: what stands under a code, of a tombstone with all that its row still has. */
export function openDeletedLinks(
  connection: Connection,
  rowOf: (domainId: number, code: string) => LinkRecord | DeletedRow | undefined,
): DeletedLinksInFile {
  const { insert, erase, forget, keptOf, write, makeAnew } = openTable(connection);

  const links: DeletedLinks = {
    read: async (domainId, code) =>
      connection.read(LINK_ERRORS, () => {
        const row = rowOf(domainId, code);
        if (row?.state !== 'deleted') return undefined;
        const { version, owner } = row;
        const keptSinceMs = keptOf(domainId, code)?.deletedAtMs;
        return {
          tombstone: { state: 'deleted', domainId, code, version },
          kind: kindOfDeleted(row),
          owner,
          keptSinceMs,
        };
      }),
    restore: async (tombstone, sinceMs) =>
      connection.write(LINK_ERRORS, () => {
        const { domainId, code } = tombstone;
        const judged = judgeRestore(rowOf(domainId, code), keptOf(domainId, code), tombstone, sinceMs);
        if (judged.outcome === 'restored') write(judged.link);
        return judged;
      }),
    erase: async ({ domainId, code, version }) =>
      connection.write(LINK_ERRORS, () => {
        const row = rowOf(domainId, code);
        if (row?.state === 'deleted' && row.version === version) erase.run([domainId, code]);
      }),
    revive: async (link, sinceMs) =>
      connection.write(LINK_ERRORS, () => {
        const { domainId, code, insertId } = link;
        const row = rowOf(domainId, code);
        if (row === undefined) throw new Error(`there is no row of code ${code} to be revived`);
        const judged = judgeRevival(row, keptOf(domainId, code), link, sinceMs);
        if (judged.outcome !== 'revived') return judged;
        write(judged.link);
        makeAnew.run([insertId, domainId, code]);
        return judged;
      }),
    forget: async (beforeMs, limit) => connection.write(LINK_ERRORS, () => forget.run([beforeMs, limit]).changes),
  };

  return {
    links,
    keep({ domainId, code, kind, longUrl, terms, details }, deletedAtMs) {
      const texts = [terms && termsText(terms), details && detailsText(details)];
      insert.run([domainId, code, KIND[kind], longUrl, ...texts, deletedAtMs]);
    },
  };
}

/** Its statements, and those of rows that come back. */
function openTable(connection: Connection) {
  const insert = connection.prepare(
    'REPLACE INTO deleted_links (domain_id, code, kind, long_url, terms, details, deleted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const select = connection.prepare(
    'SELECT long_url, terms, details, deleted_at_ms FROM deleted_links WHERE domain_id = ? AND code = ?',
  );
  const erase = connection.prepare('DELETE FROM deleted_links WHERE domain_id = ? AND code = ?');
  const forget = connection.prepare(
    `DELETE FROM deleted_links WHERE (domain_id, code) IN
       (SELECT domain_id, code FROM deleted_links WHERE deleted_at_ms < ? ORDER BY deleted_at_ms LIMIT ?)`,
  );
  const bringBack = connection.prepare(
    'UPDATE links SET kind = ?, long_url = ?, created_at_ms = ?, expires_at_ms = ?, redirect_status = ?, terms = ?, details = ?, version = ? WHERE domain_id = ? AND code = ?',
  );
  const makeAnew = connection.prepare('UPDATE links SET insert_id = ?, clicks = 0 WHERE domain_id = ? AND code = ?');

  function keptOf(domainId: number, code: string): KeptLink | undefined {
    const row = select.get([domainId, code]);
    if (row === undefined) return undefined;
    return {
      longUrl: row[0] as string,
      terms: row[1] === null ? null : parseTerms(row[1] as string),
      details: row[2] === null ? null : parseDetails(row[2] as string),
      deletedAtMs: row[3] as number,
    };
  }

  function write({ domainId, code, ...link }: LinkRecord): void {
    const { kind, longUrl, createdAtMs, expiresAtMs, redirectStatus, terms, details, version } = link;
    const texts = [terms && termsText(terms), details && detailsText(details)];
    bringBack.run([
      ...[KIND[kind], longUrl, createdAtMs, expiresAtMs, redirectStatus, ...texts, version],
      ...[domainId, code],
    ]);
    erase.run([domainId, code]);
  }

  return { insert, erase, forget, keptOf, write, makeAnew };
}
