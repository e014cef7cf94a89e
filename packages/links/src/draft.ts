import type { Changes } from './changes.js';
import { detailsText, mergeDetails } from './details.js';
import { LinkGoneError } from './errors.js';
import type { FurtherFields } from './further-fields.js';
import type { LinkRecord, NewLink, StoredRecord } from './link.js';
import type { Passwords } from './passwords.js';
import { type LinkTerms, mergeTerms } from './terms.js';
import { isSameTerms } from './terms-problems.js';

/** As a caller sent it; nothing is validated yet. */
export interface ShortenRequest {
  readonly longUrl: unknown;
  /** Undefined or null: a code is generated. */
  readonly alias?: unknown;
  /** RFC 3339; undefined or null: the link does not expire. */
  readonly expiresAt?: unknown;
  /** Undefined or null: the server's default. */
  readonly redirectStatus?: unknown;
  /** Undefined: none of them was sent. */
  readonly fields?: FurtherFields | undefined;
}

/** A link that was asked for, valid and without its code. */
export interface Draft
  extends Pick<
    NewLink,
    'domainId' | 'longUrl' | 'createdAtMs' | 'expiresAtMs' | 'redirectStatus' | 'terms' | 'details' | 'owner'
  > {
  readonly alias: string | undefined;
  /** As it was typed; what is kept of it comes into the terms by {@link withPassword}. */
  readonly password: string | undefined;
}

export interface ShortenResult {
  readonly link: LinkRecord;
  /** False when the very same alias was there already, and nothing was written. */
  readonly created: boolean;
  /** Whether an earlier request with the same key asked for it first. */
  readonly replayed: boolean;
}

/** The draft with what is kept of its password. */
export async function withPassword(
  draft: Draft,
  passwords: Pick<Passwords, 'hash'> | undefined,
  salt?: string,
): Promise<Draft> {
  if (draft.password === undefined) return draft;
  if (passwords === undefined) throw new Error('passwords are not taken here');
  const password = await passwords.hash(draft.password, salt);
  return { ...draft, terms: mergeTerms(draft.terms, { password }) };
}

/** What is asked for in its normal form, for who compares requests; the same for ever for a link with nothing beside its target. */
export function normalForm(draft: Draft): object {
  const { domainId, longUrl, alias, expiresAtMs, redirectStatus, terms, details } = draft;
  return {
    ...{ domainId, longUrl, alias, expiresAtMs, redirectStatus },
    ...(terms && { terms }),
    ...(details && { details }),
  };
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
    terms: draft.terms,
    owner: draft.owner,
    details: draft.details,
    insertId,
  };
}

/** What is under an insert's own id. @throws LinkGoneError */
export function created(link: StoredRecord, replayed = false): ShortenResult {
  if (link.state === 'deleted') throw new LinkGoneError('This link was created, and deleted since.');
  return { link, created: true, replayed };
}

/** What an alias that is taken leads to, if that is what the draft asks for. */
export async function sameAlias(
  met: StoredRecord,
  draft: Draft,
  passwords: Pick<Passwords, 'verify'> | undefined,
): Promise<LinkRecord | undefined> {
  const isSame =
    met.state === 'live' &&
    met.kind === 'alias' &&
    // Older links have none.
    (met.owner === draft.owner || met.owner === '') &&
    met.longUrl === draft.longUrl &&
    met.expiresAtMs === draft.expiresAtMs &&
    met.redirectStatus === draft.redirectStatus &&
    isSameTerms(withoutPassword(met.terms), withoutPassword(draft.terms)) &&
    textOf(met) === textOf(draft);
  if (!isSame) return undefined;
  const kept = met.terms?.password;
  if (kept === undefined || draft.password === undefined) return kept === draft.password ? met : undefined;
  return (await passwords?.verify(draft.password, kept)) ? met : undefined;
}

const NO_PASSWORD: Changes<LinkTerms> = { password: null };
const withoutPassword = (terms: LinkTerms | null) => terms && mergeTerms(terms, NO_PASSWORD);
const textOf = ({ details }: Pick<Draft, 'details'>) => details && detailsText(details);

/** Details and terms of what was asked for, field by field. */
export function fromNothing(changes: {
  readonly terms?: Changes<LinkTerms>;
  readonly details?: Parameters<typeof mergeDetails>[1];
}): Pick<Draft, 'terms' | 'details'> {
  return {
    terms: changes.terms ? mergeTerms(null, changes.terms) : null,
    details: changes.details ? mergeDetails(null, changes.details) : null,
  };
}
