import {
  bucketOf,
  detailsText,
  type LinkRecord,
  type LogPosition,
  type NewLink,
  OWNER_MAX_LENGTH,
  parseDetails,
  parseTerms,
  type RedirectStatus,
  type StoredLink,
  type StoredRecord,
  TERMS_MAX_LENGTH,
  termsText,
} from '@lakh/links';
import { isVitess, type Session } from '../wire/connection.js';
import { asciiLiteral, byteLiteral, integerLiteral, isPrintableAscii, isVisibleAscii } from '../wire/sql.js';

export const KIND_GENERATED = 1;
export const KIND_ALIAS = 2;
export const KIND_DELETED = 3;

const CODE_MAX_LENGTH = 64;
const LONG_URL_MAX_LENGTH = 8192;
const DETAILS_MAX_LENGTH = 65_535;
/** As HEX() answers. */
const INSERT_ID = /^[0-9A-F]{32}$/;
/** MariaDB turns an IN list of 1,000 into a join with a temporary table (in_predicate_conversion_threshold). */
const CODES_PER_SELECT = 500;

/** Of a table that is called `l` in the statement. */
export const COLUMNS =
  'l.domain_id,l.code,l.kind,l.counter,l.long_url,l.created_at_ms,l.expires_at_ms,l.redirect_status,l.version,l.terms';
/** With what only those see who keep the link. */
const RECORD_COLUMNS = `${COLUMNS},l.owner,l.details`;
/** How many each are: what else is asked for stands behind. */
const COUNT = COLUMNS.split(',').length;
const RECORD_COUNT = RECORD_COLUMNS.split(',').length;

/** One column value each, in the order of {@link COLUMNS}; there may be others behind them. */
export type LinkRow = readonly unknown[];

export interface LinkKey {
  readonly domainId: number;
  /** Storable. */
  readonly code: string;
}

/** A code that the table can hold: what is none is nowhere in it, and must not be compared (ascii_bin ignores blanks at the end). */
export function isStorableCode(code: string): boolean {
  return code.length > 0 && code.length <= CODE_MAX_LENGTH && isVisibleAscii(code);
}

export const INSERT_HEAD =
  'INSERT INTO links (bucket,domain_id,code,kind,counter,insert_id,long_url,created_at_ms,expires_at_ms,redirect_status,owner,terms,details) VALUES ';

/**
 * The row in parentheses, all ASCII. The domain has validated the link; this last look before SQL throws a RangeError for what
 * the table could not hold.
 */
export function rowValues(link: NewLink): string {
  const { code, insertId } = link;
  if (!isStorableCode(code)) throw new RangeError(`its code is not 1–${CODE_MAX_LENGTH} visible ASCII characters`);
  const kind = link.kind === 'generated' ? KIND_GENERATED : KIND_ALIAS;
  return `(${byteLiteral(bucketOf(link.domainId, code))},${integerLiteral(link.domainId)},${asciiLiteral(code)},${kind},${integerLiteral(link.counter)},${insertIdLiteral(insertId)},${longUrlLiteral(link.longUrl)},${integerLiteral(link.createdAtMs)},${integerLiteral(link.expiresAtMs ?? 0)},${integerLiteral(link.redirectStatus ?? 0)},${ownerLiteral(link.owner)},${termsLiteral(link.terms)},${detailsLiteral(link.details)})`;
}

/** Throws a RangeError for what is none. */
export function insertIdLiteral(insertId: string): string {
  if (!INSERT_ID.test(insertId)) throw new RangeError('its insert id is not 32 upper-case hexadecimal digits');
  return `x'${insertId}'`;
}

/** Throws a RangeError for what the column could not hold. */
export function longUrlLiteral(longUrl: string): string {
  if (typeof longUrl !== 'string' || longUrl.length > LONG_URL_MAX_LENGTH || !isPrintableAscii(longUrl)) {
    throw new RangeError(`its URL is not at most ${LONG_URL_MAX_LENGTH} printable ASCII characters`);
  }
  return asciiLiteral(longUrl);
}

function ownerLiteral(owner: string): string {
  if (owner === '') return "''";
  if (owner.length > OWNER_MAX_LENGTH || !isVisibleAscii(owner)) {
    throw new RangeError(`its owner is not at most ${OWNER_MAX_LENGTH} visible ASCII characters`);
  }
  return asciiLiteral(owner);
}

/** Throws a RangeError for what the column could not hold. */
export function termsLiteral(terms: LinkRecord['terms']): string {
  return terms === null ? 'NULL' : jsonLiteral('terms', termsText(terms), TERMS_MAX_LENGTH);
}

/** Throws a RangeError for what the column could not hold. */
export function detailsLiteral(details: LinkRecord['details']): string {
  return details === null ? 'NULL' : jsonLiteral('details', detailsText(details), DETAILS_MAX_LENGTH);
}

function jsonLiteral(name: string, text: string, maxLength: number): string {
  if (text.length > maxLength) throw new RangeError(`its ${name} are of more than ${maxLength} characters`);
  return asciiLiteral(text);
}

export function keyOf(domainId: number, code: string): string {
  return `${domainId}:${code}`;
}

/** Condition for one row, by its bucket too: where an engine shards, that is what finds its shard. `code` must be storable. */
export function whereCode(domainId: number, code: string): string {
  return `bucket=${byteLiteral(bucketOf(domainId, code))} AND domain_id=${integerLiteral(domainId)} AND code=${asciiLiteral(code)}`;
}

/** The rows of these codes, by {@link keyOf}; as records; behind their columns the id of its insert. */
export function selectRows(session: Session, keys: Iterable<LinkKey>): Promise<Map<string, LinkRow>> {
  return selectBy(session, keys, (where) => `SELECT ${RECORD_COLUMNS},HEX(l.insert_id) FROM links l WHERE ${where}`);
}

/** The rows of these codes, by {@link keyOf}, locked in the order of their primary key whoever asks: of two that want the same ones, one waits for the other. */
export function lockRows(session: Session, keys: Iterable<LinkKey>): Promise<Map<string, LinkRow>> {
  // By code units, which are the bytes that the column is ordered by.
  const inOrder = [...keys].sort((a, b) => a.domainId - b.domainId || (a.code < b.code ? -1 : 1));
  return selectBy(
    session,
    inOrder,
    (where) => `SELECT ${RECORD_COLUMNS} FROM links l WHERE ${where} ORDER BY l.domain_id,l.code FOR UPDATE`,
  );
}

/** The rows of these codes, by {@link keyOf}; behind the link's own columns seq and nonce of its bucket's head, as they are in the same snapshot. */
export function selectSightings(session: Session, keys: Iterable<LinkKey>): Promise<Map<string, LinkRow>> {
  // The outer join, so that the links are read first and by their own key, and none is missed for the lack of a head.
  return selectBy(
    session,
    keys,
    (where) =>
      `SELECT ${COLUMNS},h.seq,LOWER(HEX(h.nonce)) FROM links l LEFT JOIN heads h ON h.bucket=l.bucket WHERE ${where}`,
  );
}

async function selectBy(
  session: Session,
  keys: Iterable<LinkKey>,
  statement: (where: string) => string,
): Promise<Map<string, LinkRow>> {
  const found = new Map<string, LinkRow>();
  for (const where of conditionsOf(session, keys)) {
    const { rows } = await session.query(statement(where));
    for (const row of rows) found.set(keyOf(Number(row[0]), String(row[1])), row);
  }
  return found;
}

/** Of statements that together ask for these keys, in their order within a domain, of a table that is called `l`. */
export function* conditionsOf({ facts }: Pick<Session, 'facts'>, keys: Iterable<LinkKey>): Generator<string> {
  // By buckets an engine finds shards. A plain server would compare them too, for a third of what a find costs it.
  const isSharded = isVitess(facts.version);
  const codesByDomain = new Map<number, string[]>();
  for (const { domainId, code } of keys) {
    const codes = codesByDomain.get(domainId);
    if (codes) codes.push(code);
    else codesByDomain.set(domainId, [code]);
  }
  for (const [domainId, codes] of codesByDomain) {
    for (let i = 0; i < codes.length; i += CODES_PER_SELECT) {
      const part = codes.slice(i, i + CODES_PER_SELECT);
      const shards = isSharded ? `l.bucket IN (${bucketsOf(domainId, part)}) AND ` : '';
      yield `${shards}l.domain_id=${integerLiteral(domainId)} AND l.code IN (${part.map(asciiLiteral)})`;
    }
  }
}

function bucketsOf(domainId: number, codes: readonly string[]): string {
  return Array.from(new Set(codes.map((code) => bucketOf(domainId, code))), byteLiteral).join(',');
}

/** 32 upper-case hexadecimal digits, of a row of {@link selectRows}. */
export function insertIdOf(row: LinkRow): string {
  return String(row[RECORD_COUNT]);
}

/** Of a row of {@link selectSightings}. */
export function positionOf(row: LinkRow): LogPosition | undefined {
  const [seq, nonce] = row.slice(COUNT);
  return seq === null ? undefined : { seq: Number(seq), nonce: String(nonce) };
}

const KINDS: ReadonlyMap<number, 'generated' | 'alias' | 'deleted'> = new Map([
  [KIND_GENERATED, 'generated'],
  [KIND_ALIAS, 'alias'],
  [KIND_DELETED, 'deleted'],
]);

/** Throws for one that this release does not know. */
export function kindOf(code: string, kind: number): 'generated' | 'alias' | 'deleted' {
  const known = KINDS.get(kind);
  if (!known) throw new Error(`the row of code ${code} has kind ${kind}, which this release does not know`);
  return known;
}

/** Throws for a row that this release cannot read: whoever asked for others beside it must not suffer from that. */
export function asStored(row: LinkRow): StoredLink {
  const [domainId, code, version] = [Number(row[0]), String(row[1]), Number(row[8])];
  const kind = kindOf(code, Number(row[2]));
  if (kind === 'deleted') return { state: 'deleted', domainId, code, version };
  return {
    state: 'live',
    domainId,
    code,
    kind,
    counter: Number(row[3]),
    longUrl: String(row[4]),
    createdAtMs: Number(row[5]),
    expiresAtMs: Number(row[6]) || null,
    redirectStatus: (Number(row[7]) || null) as RedirectStatus | null,
    terms: row[9] == null ? null : parseTerms(String(row[9])),
    version,
  };
}

/** Of a row of {@link selectRows} or {@link lockRows}; a tombstone's too. */
export const ownerOf = (row: LinkRow): string => String(row[COUNT]);

/** Of a row of {@link selectRows} or {@link lockRows}. Throws as {@link asStored} does. */
export function asStoredRecord(row: LinkRow): StoredRecord {
  const link = asStored(row);
  if (link.state === 'deleted') return link;
  const [owner, details] = row.slice(COUNT);
  return { ...link, owner: String(owner), details: details == null ? null : parseDetails(String(details)) };
}
