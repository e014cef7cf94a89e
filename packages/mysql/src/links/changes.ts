/** Changes of one link, each in its caller's transaction, with its invalidation. */
import {
  type EditOutcome,
  type EditReceipt,
  isMade,
  isOfVersion,
  judgeEdit,
  judgeReceipt,
  type LinkChanges,
  type RemoveOutcome,
  type StoredLink,
  type Tombstone,
} from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { asciiLiteral, hexLiteral, integerLiteral } from '../wire/sql.js';
import { asStored, KIND_DELETED, keyOf, longUrlLiteral, selectRows, whereCode } from './rows.js';

/** Which link, and the versions that the change is meant for; any where none are given. */
export interface Subject {
  readonly domainId: number;
  /** Storable. */
  readonly code: string;
  readonly ifVersions: readonly number[] | undefined;
  readonly nowMs: number;
}

export async function edit(
  session: Session,
  subject: Subject,
  changes: LinkChanges,
  receipt?: EditReceipt,
): Promise<EditOutcome> {
  const present = await lock(session, subject);
  if (present === undefined) return { outcome: 'missing' };
  if (receipt === undefined || present.state === 'deleted') return apply(session, subject, present, changes);
  const repeated = judgeReceipt(present, receipt, await receiptOf(session, subject, receipt));
  if (repeated) return repeated;
  const judged = await apply(session, subject, present, changes);
  if (isMade(judged)) await keep(session, subject, receipt);
  return judged;
}

async function apply(
  session: Session,
  subject: Subject,
  present: StoredLink,
  changes: LinkChanges,
): Promise<EditOutcome> {
  const judged = judgeEdit(present, changes, subject.ifVersions);
  if (judged.outcome !== 'edited') return judged;
  const { longUrl, expiresAtMs, redirectStatus, version } = judged.link;
  await write(
    session,
    subject,
    version,
    `long_url=${longUrlLiteral(longUrl)}, expires_at_ms=${integerLiteral(expiresAtMs ?? 0)}, redirect_status=${integerLiteral(redirectStatus ?? 0)}`,
  );
  return judged;
}

/** The URL goes: what was taken down is not kept. */
export async function bury(session: Session, subject: Subject): Promise<RemoveOutcome> {
  const present = await lock(session, subject);
  if (present === undefined) return { outcome: 'missing' };
  if (present.state === 'deleted') return { outcome: 'already-removed', tombstone: present };
  if (!isOfVersion(present, subject.ifVersions)) return { outcome: 'conflict', link: present };
  const { domainId, code } = subject;
  const tombstone: Tombstone = { state: 'deleted', domainId, code, version: present.version + 1 };
  await write(session, subject, tombstone.version, `kind=${KIND_DELETED}, long_url=''`);
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
    `INSERT INTO edit_receipts (domain_id,code,key_hash,request_hash,at_ms) VALUES (${integerLiteral(domainId)},${asciiLiteral(code)},${key},${request},${at})`,
  );
}

async function lock(session: Session, { domainId, code }: Subject) {
  const row = (await selectRows(session, [{ domainId, code }], 'FOR UPDATE')).get(keyOf(domainId, code));
  return row && asStored(row);
}

async function write(
  session: Session,
  { domainId, code, nowMs }: Subject,
  version: number,
  set: string,
): Promise<void> {
  const where = whereCode(domainId, code);
  const raised = integerLiteral(version);
  const now = integerLiteral(nowMs);
  await session.query(`UPDATE links SET ${set}, version=${raised}, changed_at_ms=${now} WHERE ${where}`);
  // The link's row lock serialises these two; an older invalidation that is still waiting is superseded.
  const superseded = await session.query(
    `UPDATE invalidations SET version=${raised}, created_at_ms=${now} WHERE ${where}`,
  );
  if (superseded.affectedRows === 0) {
    await session.query(
      `INSERT INTO invalidations (domain_id, code, version, created_at_ms) VALUES (${integerLiteral(domainId)},${asciiLiteral(code)},${raised},${now})`,
    );
  }
}
