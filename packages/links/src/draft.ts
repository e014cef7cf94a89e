import { LinkGoneError } from './errors.js';
import type { Link, NewLink, StoredLink } from './link.js';

/** As a caller sent it; nothing is validated yet. */
export interface ShortenRequest {
  readonly longUrl: unknown;
  /** Undefined or null: a code is generated. */
  readonly alias?: unknown;
  /** RFC 3339; undefined or null: the link does not expire. */
  readonly expiresAt?: unknown;
  /** Undefined or null: the server's default. */
  readonly redirectStatus?: unknown;
}

/** A link that was asked for, valid and without its code. */
export interface Draft
  extends Pick<NewLink, 'domainId' | 'longUrl' | 'createdAtMs' | 'expiresAtMs' | 'redirectStatus'> {
  readonly alias: string | undefined;
}

export interface ShortenResult {
  readonly link: Link;
  /** False when the very same alias was there already, and nothing was written. */
  readonly created: boolean;
  /** Whether an earlier request with the same key asked for it first. */
  readonly replayed: boolean;
}

/** What an insert with a code makes of a draft. */
export function newLink(draft: Draft, kind: NewLink['kind'], code: string, counter: number, insertId: string): NewLink {
  return {
    domainId: draft.domainId,
    code,
    kind,
    counter,
    longUrl: draft.longUrl,
    createdAtMs: draft.createdAtMs,
    expiresAtMs: draft.expiresAtMs,
    redirectStatus: draft.redirectStatus,
    insertId,
  };
}

/** What is under an insert's own id. @throws LinkGoneError */
export function created(link: StoredLink, replayed = false): ShortenResult {
  if (link.state === 'deleted') throw new LinkGoneError('This link was created, and deleted since.');
  return { link, created: true, replayed };
}

/** What an alias that is taken leads to, if that is what the draft asks for. */
export function sameAlias(met: StoredLink, draft: Draft): Link | undefined {
  return met.state === 'live' &&
    met.kind === 'alias' &&
    met.longUrl === draft.longUrl &&
    met.expiresAtMs === draft.expiresAtMs &&
    met.redirectStatus === draft.redirectStatus
    ? met
    : undefined;
}
