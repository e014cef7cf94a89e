/** Changes of one link, each in its caller's transaction, with its invalidation. */
import {
  type EditOutcome,
  isOfVersion,
  judgeEdit,
  type LinkChanges,
  type RemoveOutcome,
  type Tombstone,
} from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { asciiLiteral, integerLiteral } from '../wire/sql.js';
import { asStored, KIND_DELETED, keyOf, longUrlLiteral, selectRows, whereCode } from './rows.js';

/** Which link, and the versions that the change is meant for; any where none are given. */
export interface Subject {
  readonly domainId: number;
  /** Storable. */
  readonly code: string;
  readonly ifVersions: readonly number[] | undefined;
  readonly nowMs: number;
}

export async function edit(session: Session, subject: Subject, changes: LinkChanges): Promise<EditOutcome> {
  const present = await lock(session, subject);
  if (present === undefined) return { outcome: 'missing' };
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
