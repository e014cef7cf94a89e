/** What is kept of deleted links, and how they come back: each change in its caller's transaction, of a row that it locks. */
import {
  bucketOf,
  type DeletedLink,
  type DeletedRow,
  judgeRestore,
  judgeRevival,
  type KeptLink,
  kindOfDeleted,
  type LinkRecord,
  type NewLink,
  parseDetails,
  parseTerms,
  type RedirectStatus,
  type RestoreOutcome,
  type ReviveOutcome,
  type TombstoneKey,
} from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { asciiLiteral, byteLiteral, integerLiteral } from '../wire/sql.js';
import { logChanges } from './heads.js';
import {
  asStoredRecord,
  detailsLiteral,
  insertIdLiteral,
  KIND_ALIAS,
  KIND_GENERATED,
  keyOf,
  type LinkKey,
  type LinkRow,
  lockRows,
  longUrlLiteral,
  ownerOf,
  selectRows,
  termsLiteral,
  whereCode,
} from './rows.js';

const HEAD = 'INSERT INTO deleted_links (bucket,domain_id,code,kind,long_url,terms,details,deleted_at_ms) VALUES ';
/** A row of a code that is there has outlived the link that it was kept of, and says nothing any more. */
const INSTEAD =
  ' ON DUPLICATE KEY UPDATE kind=VALUES(kind),long_url=VALUES(long_url),terms=VALUES(terms),details=VALUES(details),deleted_at_ms=VALUES(deleted_at_ms)';

/** Keeps what these links are. */
export async function keepDeleted(session: Session, links: readonly LinkRecord[], deletedAtMs: number): Promise<void> {
  if (links.length === 0) return;
  const rows = links.map(
    ({ domainId, code, kind, longUrl, terms, details }) =>
      `(${byteLiteral(bucketOf(domainId, code))},${integerLiteral(domainId)},${asciiLiteral(code)},${kindNumber(kind)},${longUrlLiteral(longUrl)},${termsLiteral(terms)},${detailsLiteral(details)},${integerLiteral(deletedAtMs)})`,
  );
  await session.query(`${HEAD}${rows}${INSTEAD}`);
}

const kindNumber = (kind: LinkRecord['kind']) => (kind === 'generated' ? KIND_GENERATED : KIND_ALIAS);

export async function readDeleted(session: Session, key: LinkKey): Promise<DeletedLink | undefined> {
  const row = (await selectRows(session, [key])).get(keyOf(key.domainId, key.code));
  const found = row && present(row);
  if (found?.state !== 'deleted') return undefined;
  const { domainId, code, version, owner } = found;
  const keptSinceMs = (await keptOf(session, key))?.deletedAtMs;
  return { tombstone: { state: 'deleted', domainId, code, version }, kind: kindOfDeleted(found), owner, keptSinceMs };
}

export async function restore(
  session: Session,
  tombstone: TombstoneKey,
  sinceMs: number,
  nowMs: number,
): Promise<RestoreOutcome> {
  const row = await lockedRow(session, tombstone);
  const judged = judgeRestore(row, row && (await keptOf(session, tombstone)), tombstone, sinceMs);
  if (judged.outcome === 'restored') await bringBack(session, judged.link, nowMs);
  return judged;
}

export async function erase(session: Session, tombstone: TombstoneKey): Promise<void> {
  const row = await lockedRow(session, tombstone);
  if (row?.state === 'deleted' && row.version === tombstone.version) await drop(session, tombstone);
}

export async function revive(session: Session, link: NewLink, sinceMs: number, nowMs: number): Promise<ReviveOutcome> {
  const row = await lockedRow(session, link);
  if (row === undefined) throw new Error(`there is no row of code ${link.code} to be revived`);
  const judged = judgeRevival(row, await keptOf(session, link), link, sinceMs);
  if (judged.outcome !== 'revived') return judged;
  await bringBack(session, judged.link, nowMs, `,insert_id=${insertIdLiteral(link.insertId)},clicks=0`);
  return judged;
}

async function bringBack(session: Session, link: LinkRecord, nowMs: number, others = ''): Promise<void> {
  const { domainId, code, kind, longUrl, createdAtMs, expiresAtMs, redirectStatus, terms, details, version } = link;
  await session.query(
    `UPDATE links SET kind=${kindNumber(kind)},long_url=${longUrlLiteral(longUrl)},created_at_ms=${integerLiteral(createdAtMs)},expires_at_ms=${integerLiteral(expiresAtMs ?? 0)},redirect_status=${integerLiteral(redirectStatus ?? 0)},terms=${termsLiteral(terms)},details=${detailsLiteral(details)},version=${integerLiteral(version)},changed_at_ms=${integerLiteral(nowMs)}${others} WHERE ${whereCode(domainId, code)}`,
  );
  await drop(session, link);
  await logChanges(session, [link], nowMs);
}

async function drop(session: Session, { domainId, code }: LinkKey): Promise<void> {
  await session.query(`DELETE FROM deleted_links WHERE ${whereCode(domainId, code)}`);
}

async function keptOf(session: Session, { domainId, code }: LinkKey): Promise<KeptLink | undefined> {
  const { rows } = await session.query(
    `SELECT long_url,terms,details,deleted_at_ms FROM deleted_links WHERE ${whereCode(domainId, code)}`,
  );
  const [row] = rows;
  return (
    row && {
      longUrl: String(row[0]),
      terms: row[1] == null ? null : parseTerms(String(row[1])),
      details: row[2] == null ? null : parseDetails(String(row[2])),
      deletedAtMs: Number(row[3]),
    }
  );
}

async function lockedRow(session: Session, key: LinkKey): Promise<LinkRecord | DeletedRow | undefined> {
  const row = (await lockRows(session, [key])).get(keyOf(key.domainId, key.code));
  return row && present(row);
}

function present(row: LinkRow): LinkRecord | DeletedRow {
  const stored = asStoredRecord(row);
  if (stored.state === 'live') return stored;
  return {
    ...stored,
    counter: Number(row[3]),
    createdAtMs: Number(row[5]),
    expiresAtMs: Number(row[6]) || null,
    redirectStatus: (Number(row[7]) || null) as RedirectStatus | null,
    owner: ownerOf(row),
  };
}
