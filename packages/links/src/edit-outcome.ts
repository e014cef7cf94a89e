import type { Link, StoredLink } from './link.js';
import type { EditOutcome, LinkChanges } from './ports.js';

/** Whether a link is of a version that a change is meant for. */
export function isOfVersion({ version }: Link, ifVersions: readonly number[] | undefined): boolean {
  return ifVersions === undefined || ifVersions.includes(version);
}

/**
 * What an edit makes of what stands under its code. The only judge of edits: a store locks the row, asks this, and writes the link of an
 * outcome `edited`.
 */
export function judgeEdit(
  present: StoredLink,
  changes: LinkChanges,
  ifVersions: readonly number[] | undefined,
): Exclude<EditOutcome, { outcome: 'missing' }> {
  if (present.state === 'deleted') return { outcome: 'deleted', tombstone: present };
  if (!isOfVersion(present, ifVersions)) return { outcome: 'conflict', link: present };
  const edited: Link = { ...present, ...changes, version: present.version + 1 };
  const isSame =
    edited.longUrl === present.longUrl &&
    edited.expiresAtMs === present.expiresAtMs &&
    edited.redirectStatus === present.redirectStatus;
  return isSame ? { outcome: 'unchanged', link: present } : { outcome: 'edited', link: edited };
}
