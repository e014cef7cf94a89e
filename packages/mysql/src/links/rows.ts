import type { NewLink, RedirectStatus, StoredLink } from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { asciiLiteral, integerLiteral, isPrintableAscii, isVisibleAscii } from '../wire/sql.js';

export const KIND_GENERATED = 1;
export const KIND_ALIAS = 2;
export const KIND_DELETED = 3;

const CODE_MAX_LENGTH = 64;
const LONG_URL_MAX_LENGTH = 8192;
/** As HEX() answers. */
const INSERT_ID = /^[0-9A-F]{32}$/;
/** MariaDB turns an IN list of 1,000 into a join with a temporary table (in_predicate_conversion_threshold). */
const CODES_PER_SELECT = 500;

const COLUMNS =
  'domain_id,code,kind,counter,long_url,created_at_ms,expires_at_ms,redirect_status,version,HEX(insert_id)';

/** One column value each, in the order of {@link COLUMNS}. */
export type LinkRow = readonly unknown[];

/** A code that the table can hold: what is none is nowhere in it, and must not be compared (ascii_bin ignores blanks at the end). */
export function isStorableCode(code: string): boolean {
  return code.length > 0 && code.length <= CODE_MAX_LENGTH && isVisibleAscii(code);
}

export const INSERT_HEAD =
  'INSERT INTO links (domain_id,code,kind,counter,insert_id,long_url,created_at_ms,expires_at_ms,redirect_status) VALUES ';

/**
 * The row in parentheses, all ASCII. The domain has validated the link; this last look before SQL throws a RangeError for what
 * the table could not hold.
 */
export function rowValues(link: NewLink): string {
  const { code, insertId } = link;
  if (!isStorableCode(code)) throw new RangeError(`its code is not 1–${CODE_MAX_LENGTH} visible ASCII characters`);
  if (!INSERT_ID.test(insertId)) throw new RangeError('its insert id is not 32 upper-case hexadecimal digits');
  const kind = link.kind === 'generated' ? KIND_GENERATED : KIND_ALIAS;
  return `(${integerLiteral(link.domainId)},${asciiLiteral(code)},${kind},${integerLiteral(link.counter)},x'${insertId}',${longUrlLiteral(link.longUrl)},${integerLiteral(link.createdAtMs)},${integerLiteral(link.expiresAtMs ?? 0)},${integerLiteral(link.redirectStatus ?? 0)})`;
}

/** Throws a RangeError for what the column could not hold. */
export function longUrlLiteral(longUrl: string): string {
  if (typeof longUrl !== 'string' || longUrl.length > LONG_URL_MAX_LENGTH || !isPrintableAscii(longUrl)) {
    throw new RangeError(`its URL is not at most ${LONG_URL_MAX_LENGTH} printable ASCII characters`);
  }
  return asciiLiteral(longUrl);
}

export function keyOf(domainId: number, code: string): string {
  return `${domainId}:${code}`;
}

/** Condition for one row. `code` must be storable. */
export function whereCode(domainId: number, code: string): string {
  return `domain_id=${integerLiteral(domainId)} AND code=${asciiLiteral(code)}`;
}

/** The rows of these codes (each storable), by {@link keyOf}. */
export async function selectRows(
  session: Session,
  keys: Iterable<{ readonly domainId: number; readonly code: string }>,
  locking: '' | 'FOR UPDATE' = '',
): Promise<Map<string, LinkRow>> {
  const codesByDomain = new Map<number, string[]>();
  for (const { domainId, code } of keys) {
    const codes = codesByDomain.get(domainId);
    if (codes) codes.push(asciiLiteral(code));
    else codesByDomain.set(domainId, [asciiLiteral(code)]);
  }
  const found = new Map<string, LinkRow>();
  for (const [domainId, codes] of codesByDomain) {
    for (let i = 0; i < codes.length; i += CODES_PER_SELECT) {
      const list = codes.slice(i, i + CODES_PER_SELECT).join(',');
      const { rows } = await session.query(
        `SELECT ${COLUMNS} FROM links WHERE domain_id=${integerLiteral(domainId)} AND code IN (${list}) ${locking}`,
      );
      for (const row of rows) found.set(keyOf(Number(row[0]), String(row[1])), row);
    }
  }
  return found;
}

/** 32 upper-case hexadecimal digits. */
export function insertIdOf(row: LinkRow): string {
  return String(row[9]);
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
    version,
  };
}
