/** What a deleted link leaves behind, and how it comes back: by a restore that was asked for, or by its owner's claim. The one judge of both. */
import type { Link, LinkKind, LinkRecord, NewLink, StoredRecord, Tombstone } from './link.js';

/** What is left of a deleted link for good, as who may bring it back needs it. */
export interface DeletedLink {
  readonly tombstone: Tombstone;
  readonly kind: LinkKind;
  readonly owner: string;
  /** When it was deleted, of a link of which something is kept. */
  readonly keptSinceMs: number | undefined;
}

/** A deleted link's row: what it loses at its deletion is kept apart. */
export interface DeletedRow
  extends Tombstone,
    Pick<LinkRecord, 'counter' | 'createdAtMs' | 'expiresAtMs' | 'redirectStatus' | 'owner'> {}

/** What is kept of a deleted link for a while. */
export interface KeptLink extends Pick<LinkRecord, 'longUrl' | 'terms' | 'details'> {
  readonly deletedAtMs: number;
}

/** `restored`: it is a link again, of the next version. `forgotten`: nothing is kept of it (any more). `changed`: there is no tombstone of that version. */
export type RestoreOutcome =
  | { readonly outcome: 'restored'; readonly link: LinkRecord }
  | { readonly outcome: 'forgotten' | 'changed' };

/** `revived`: the link stands where the deleted alias did. `kept`: not yet. `taken`: not by this owner, or not ever. */
export type ReviveOutcome =
  | { readonly outcome: 'revived'; readonly link: LinkRecord }
  | { readonly outcome: 'kept'; readonly deletedAtMs: number }
  | { readonly outcome: 'taken'; readonly link: StoredRecord };

export type TombstoneKey = Pick<Tombstone, 'domainId' | 'code' | 'version'>;

/** Deleted links of a `LinkStore`, on the same rows. Errors as its. What is kept from before `sinceMs` counts as forgotten, whether a sweep has passed or not. */
export interface DeletedLinks {
  /** Undefined where there is none: no link, or a live one. */
  read(domainId: number, code: string): Promise<DeletedLink | undefined>;
  /** Makes a link of the tombstone of this version again, as it was, and raises its version by one. */
  restore(tombstone: TombstoneKey, sinceMs: number): Promise<RestoreOutcome>;
  /** Keeps nothing any more of the tombstone of this version. */
  erase(tombstone: TombstoneKey): Promise<void>;
  /**
   * Puts `link`, an alias, where an alias of the same owner was deleted: a change of its row, which becomes its insert's own, and is told as one. Nothing
   * of what was there before stays.
   */
  revive(link: NewLink, sinceMs: number): Promise<ReviveOutcome>;
  /** Forgets what is kept from before `beforeMs`, at most `limit`. @returns how many */
  forget(beforeMs: number, limit: number): Promise<number>;
}

const isKeptSince = (kept: KeptLink | undefined, sinceMs: number): kept is KeptLink =>
  kept !== undefined && kept.deletedAtMs >= sinceMs;

/** Whether a row that has lost its kind was an alias: those have no counter. */
export const kindOfDeleted = ({ counter }: Pick<Link, 'counter'>): LinkKind => (counter === 0 ? 'alias' : 'generated');

/** What a restore makes of a row that is locked. */
export function judgeRestore(
  present: LinkRecord | DeletedRow | undefined,
  kept: KeptLink | undefined,
  { version }: TombstoneKey,
  sinceMs: number,
): RestoreOutcome {
  if (present?.state !== 'deleted' || present.version !== version) return { outcome: 'changed' };
  if (!isKeptSince(kept, sinceMs)) return { outcome: 'forgotten' };
  const { domainId, code, counter, createdAtMs, expiresAtMs, redirectStatus, owner } = present;
  const { longUrl, terms, details } = kept;
  const link: LinkRecord = {
    ...{ state: 'live', domainId, code, kind: kindOfDeleted(present), counter, longUrl, createdAtMs, expiresAtMs },
    ...{ redirectStatus, terms, version: version + 1, owner, details },
  };
  return { outcome: 'restored', link };
}

/** What a claim makes of a row that is locked. */
export function judgeRevival(
  present: LinkRecord | DeletedRow,
  kept: KeptLink | undefined,
  claim: NewLink,
  sinceMs: number,
): ReviveOutcome {
  if (present.state === 'live') return { outcome: 'taken', link: present };
  const { domainId, code, version } = present;
  const isOwn = present.owner === claim.owner && kindOfDeleted(present) === 'alias';
  if (!isOwn) return { outcome: 'taken', link: { state: 'deleted', domainId, code, version } };
  if (isKeptSince(kept, sinceMs)) return { outcome: 'kept', deletedAtMs: kept.deletedAtMs };
  const { insertId: _, ...link } = claim;
  return { outcome: 'revived', link: { ...link, state: 'live', version: version + 1 } };
}
