import { detailsText, mergeDetails } from './details.js';
import { isKept } from './idempotency.js';
import type { Link, LinkRecord, StoredRecord } from './link.js';
import type { EditOutcome, EditReceipt, LinkChanges } from './ports.js';
import { mergeTerms } from './terms.js';
import { isSameTerms, problemsOfTerms } from './terms-problems.js';

/** Whether a link is of a version that a change is meant for. */
export function isOfVersion({ version }: Link, ifVersions: readonly number[] | undefined): boolean {
  return ifVersions === undefined || ifVersions.includes(version);
}

/**
 * What an edit makes of what stands under its code. The only judge of edits: a store locks the row, asks this, and writes the link of an
 * outcome `edited`.
 */
export function judgeEdit(
  present: StoredRecord,
  changes: LinkChanges,
  ifVersions: readonly number[] | undefined,
): Exclude<EditOutcome, { outcome: 'missing' }> {
  if (present.state === 'deleted') return { outcome: 'deleted', tombstone: present };
  if (!isOfVersion(present, ifVersions)) return { outcome: 'conflict', link: present };
  const { terms, details, ...plain } = changes;
  const edited: LinkRecord = {
    ...present,
    ...plain,
    terms: terms ? mergeTerms(present.terms, terms) : present.terms,
    details: details ? mergeDetails(present.details, details) : present.details,
    version: present.version + 1,
  };
  const problems = problemsOfTerms(edited);
  if (problems.length > 0) return { outcome: 'invalid', link: present, problems };
  return isSame(edited, present) ? { outcome: 'unchanged', link: present } : { outcome: 'edited', link: edited };
}

function isSame(edited: LinkRecord, present: LinkRecord): boolean {
  return (
    edited.longUrl === present.longUrl &&
    edited.expiresAtMs === present.expiresAtMs &&
    edited.redirectStatus === present.redirectStatus &&
    isSameTerms(edited.terms, present.terms) &&
    isSameDetails(edited.details, present.details)
  );
}

function isSameDetails(one: LinkRecord['details'], other: LinkRecord['details']): boolean {
  if (one === null || other === null) return one === other;
  return detailsText(one) === detailsText(other);
}

/**
 * What a receipt that is kept under the key of an edit makes of that edit; undefined where it is judged as if none were kept, and a new receipt
 * takes the place of the old one. Asked before {@link judgeEdit}, of a link whose row is locked.
 */
export function judgeReceipt(
  present: LinkRecord,
  receipt: EditReceipt,
  kept: Omit<EditReceipt, 'keyHash'> | undefined,
): EditOutcome | undefined {
  if (kept === undefined || !isKept(kept.atMs, receipt.atMs)) return undefined;
  return { outcome: kept.requestHash === receipt.requestHash ? 'repeated' : 'reused', link: present };
}

/** Whether a link is as an edit wants it, by this edit: what a receipt is kept of. */
export function isMade({ outcome }: EditOutcome): boolean {
  return outcome === 'edited' || outcome === 'unchanged';
}
