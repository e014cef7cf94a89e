/**
 * Changes of links, each in its caller's transaction: the links' rows are locked, in one order whoever asks, judged and written, and last the log is
 * told.
 */
import {
  bucketOf,
  type EditOutcome,
  type EditReceipt,
  isMade,
  isOfVersion,
  judgeEdit,
  judgeReceipt,
  type LinkChanges,
  type LinkRecord,
  type RemoveOutcome,
  type StoredRecord,
  type Tombstone,
} from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { asciiLiteral, byteLiteral, hexLiteral, integerLiteral } from '../wire/sql.js';
import { keepDeleted } from './deleted.js';
import { logChanges } from './heads.js';
import {
  asStoredRecord,
  conditionsOf,
  detailsLiteral,
  KIND_DELETED,
  keyOf,
  lockRows,
  longUrlLiteral,
  termsLiteral,
  whereCode,
} from './rows.js';

/** Which link, and the versions that the change is meant for; any where none are given. */
export interface Subject {
  readonly domainId: number;
  /** Storable. */
  readonly code: string;
  readonly ifVersions?: readonly number[] | undefined;
}

export async function edit(
  session: Session,
  subject: Subject,
  changes: LinkChanges,
  nowMs: number,
  receipt?: EditReceipt,
): Promise<EditOutcome> {
  const [present] = await lock(session, [subject]);
  if (present === undefined) return { outcome: 'missing' };
  if (receipt !== undefined && present.state === 'live') {
    const repeated = judgeReceipt(present, receipt, await receiptOf(session, subject, receipt));
    if (repeated) return repeated;
  }
  const judged = judgeEdit(present, changes, subject.ifVersions);
  if (judged.outcome === 'edited') await write(session, judged.link, nowMs);
  if (receipt !== undefined && isMade(judged)) await keep(session, subject, receipt);
  if (judged.outcome === 'edited') await logChanges(session, [judged.link], nowMs);
  return judged;
}

async function write(session: Session, link: LinkRecord, nowMs: number): Promise<void> {
  const { domainId, code, longUrl, expiresAtMs, redirectStatus, terms, details, version } = link;
  await session.query(
    `UPDATE links SET long_url=${longUrlLiteral(longUrl)}, expires_at_ms=${integerLiteral(expiresAtMs ?? 0)}, redirect_status=${integerLiteral(redirectStatus ?? 0)}, terms=${termsLiteral(terms)}, details=${detailsLiteral(details)}, version=${integerLiteral(version)}, changed_at_ms=${integerLiteral(nowMs)} WHERE ${whereCode(domainId, code)}`,
  );
}

/**
 * Deletes links, as many as one transaction should, each as if by itself; no two subjects are the same link. Their rows lose their URLs and what they have beside
 * them; where `keptAtMs` is given, that is kept apart. Resolves with an outcome for each subject, in their order.
 */
export async function bury(
  session: Session,
  subjects: readonly Subject[],
  nowMs: number,
  keptAtMs?: number,
): Promise<readonly RemoveOutcome[]> {
  const present = await lock(session, subjects);
  const outcomes = subjects.map((subject, i) => judgeRemoval(subject, present[i]));
  const buried = outcomes.flatMap((each) => (each.outcome === 'removed' ? [each.tombstone] : []));
  for (const where of conditionsOf(session, buried)) {
    await session.query(
      `UPDATE links l SET l.kind=${KIND_DELETED}, l.long_url='', l.terms=NULL, l.details=NULL, l.version=l.version+1, l.changed_at_ms=${integerLiteral(nowMs)} WHERE ${where}`,
    );
  }
  if (keptAtMs !== undefined) {
    const were = present.flatMap((each, i) =>
      each?.state === 'live' && outcomes[i]?.outcome === 'removed' ? [each] : [],
    );
    await keepDeleted(session, were, keptAtMs);
  }
  await logChanges(session, buried, nowMs);
  return outcomes;
}

function judgeRemoval({ domainId, code, ifVersions }: Subject, present: StoredRecord | undefined): RemoveOutcome {
  if (present === undefined) return { outcome: 'missing' };
  if (present.state === 'deleted') return { outcome: 'already-removed', tombstone: present };
  if (!isOfVersion(present, ifVersions)) return { outcome: 'conflict', link: present };
  const tombstone: Tombstone = { state: 'deleted', domainId, code, version: present.version + 1 };
  return { outcome: 'removed', tombstone };
}

const HASH_BYTES = 32;

/** The link's row is locked: nobody else writes receipts of it. */
async function receiptOf(session: Session, { domainId, code }: Subject, { keyHash }: EditReceipt) {
  const { rows } = await session.query(
    `SELECT LOWER(HEX(request_hash)),at_ms FROM edit_receipts WHERE ${whereCode(domainId, code)} AND key_hash=${hexLiteral(keyHash, HASH_BYTES)}`,
  );
  return rows[0] && { requestHash: String(rows[0][0]), atMs: Number(rows[0][1]) };
}

async function keep(session: Session, { domainId, code }: Subject, receipt: EditReceipt): Promise<void> {
  const key = hexLiteral(receipt.keyHash, HASH_BYTES);
  const [request, at] = [hexLiteral(receipt.requestHash, HASH_BYTES), integerLiteral(receipt.atMs)];
  const renewed = await session.query(
    `UPDATE edit_receipts SET request_hash=${request}, at_ms=${at} WHERE ${whereCode(domainId, code)} AND key_hash=${key}`,
  );
  if (renewed.affectedRows > 0) return;
  await session.query(
    `INSERT INTO edit_receipts (bucket,domain_id,code,key_hash,request_hash,at_ms) VALUES (${byteLiteral(bucketOf(domainId, code))},${integerLiteral(domainId)},${asciiLiteral(code)},${key},${request},${at})`,
  );
}

async function lock(session: Session, subjects: readonly Subject[]): Promise<readonly (StoredRecord | undefined)[]> {
  const rows = await lockRows(session, subjects);
  return subjects.map(({ domainId, code }) => {
    const row = rows.get(keyOf(domainId, code));
    return row && asStoredRecord(row);
  });
}
