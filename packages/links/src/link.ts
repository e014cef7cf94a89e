import type { LinkDetails } from './details.js';
import type { LinkTerms } from './terms.js';

/** The default and so far only domain. Codes are unique within a domain, and every key and hash covers it. */
export const DEFAULT_DOMAIN_ID = 0;

/** A code is generated from a counter, or an alias that a person chose. */
export type LinkKind = 'generated' | 'alias';

/** Statuses a redirect may have. */
export const REDIRECT_STATUSES = [301, 302, 307, 308] as const;

export type RedirectStatus = (typeof REDIRECT_STATUSES)[number];

/** A link that redirects (or did, until `expiresAtMs`). Times are Unix milliseconds. */
export interface Link {
  readonly state: 'live';
  readonly domainId: number;
  readonly code: string;
  readonly kind: LinkKind;
  /** 0 for an alias. */
  readonly counter: number;
  /** WHATWG-serialised, ASCII; sent as `Location` without being parsed again. */
  readonly longUrl: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  /** This link's own redirect status; null = the server's default. */
  readonly redirectStatus: RedirectStatus | null;
  /** How it is followed beyond that; null of nearly all, which then redirect whoever comes. */
  readonly terms: LinkTerms | null;
  /** 1 at creation, raised by every change. Caches keep the highest. */
  readonly version: number;
}

/** A link with what only those see who keep it: following it needs none of this. */
export interface LinkRecord extends Link {
  /** Who created it, as `Actor.owner` has it. */
  readonly owner: string;
  readonly details: LinkDetails | null;
}

/** What is left of a deleted link: its code is never issued again, and comes back only as `DeletedLinks` has it. */
export interface Tombstone {
  readonly state: 'deleted';
  readonly domainId: number;
  readonly code: string;
  readonly version: number;
}

export type StoredLink = Link | Tombstone;

export type StoredRecord = LinkRecord | Tombstone;

/** A link about to be inserted; the store gives version 1 and state `live`. */
export interface NewLink extends Omit<LinkRecord, 'state' | 'version'> {
  /**
   * The insert's own, 16 bytes as 32 upper-case hexadecimal digits, kept with the row: who repeats an insert, in whatever
   * process, meets its own row and not a stranger's.
   */
  readonly insertId: string;
}
