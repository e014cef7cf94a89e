import type { InspectedLink, LinkInspector } from '@lakh/links';
import { storeError } from '../wire/errors.js';
import type { SqlPool } from '../wire/transaction.js';
import { isStorableCode, kindOf, whereCode } from './rows.js';

/** Rows of links, from the primary. */
export function createMysqlInspector(pool: SqlPool): LinkInspector {
  return {
    async record(domainId, code) {
      if (!isStorableCode(code)) return undefined;
      try {
        const { rows } = await pool.run((session) =>
          session.query(
            `SELECT kind,counter,long_url,created_at_ms,expires_at_ms,redirect_status,version,owner FROM links WHERE ${whereCode(domainId, code)}`,
          ),
        );
        return rows[0] && asRecord(domainId, code, rows[0], pool.name);
      } catch (error) {
        throw storeError(error);
      }
    },
  };
}

function asRecord(domainId: number, code: string, row: readonly unknown[], place: string): InspectedLink {
  return {
    domainId,
    code,
    kind: kindOf(code, Number(row[0])),
    counter: Number(row[1]),
    longUrl: String(row[2]),
    createdAtMs: Number(row[3]),
    expiresAtMs: Number(row[4]) || null,
    redirectStatus: Number(row[5]) || null,
    version: Number(row[6]),
    owner: String(row[7]),
    place,
  };
}
