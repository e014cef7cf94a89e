import type { CounterRange, CounterWitness } from '@lakh/id-range';
import { MAX_RANGES_ASKED } from '@lakh/id-range';
import type { LinkInspector, LinkRecord } from '@lakh/links';
import { readFact } from '../facts/facts.js';
import { witnessError } from '../ledger/witness-error.js';
import { ER_NO_SUCH_TABLE, isRefusal, storeError } from '../wire/errors.js';
import { integerLiteral } from '../wire/sql.js';
import type { SqlPool } from '../wire/transaction.js';
import { isStorableCode, KIND_ALIAS, KIND_GENERATED, whereCode } from './rows.js';

/** What the links say of counters. `feedsLinks` false: this namespace's counters never become links. */
export function createMysqlCounterWitness(pool: SqlPool, feedsLinks = true): CounterWitness {
  /** The maximum for each question. A maximum between two constants is one look at the index. */
  const highestOf = async (conditions: readonly string[]): Promise<readonly number[]> => {
    if (!feedsLinks || conditions.length === 0) return conditions.map(() => 0);
    const sql = conditions
      .map((condition, i) => `SELECT ${i} AS question, COALESCE(MAX(counter), 0) FROM links WHERE ${condition}`)
      .join(' UNION ALL ');
    try {
      const { rows } = await pool.run((session) => session.query(sql));
      const highest = conditions.map(() => 0);
      for (const row of rows) highest[Number(row[0])] = Number(row[1]);
      return highest;
    } catch (error) {
      throw witnessError(error);
    }
  };

  return {
    highest: async () => (await highestOf(['counter>0']))[0] as number,
    highestWithin: async (ranges: readonly CounterRange[]) => {
      if (ranges.length > MAX_RANGES_ASKED) throw new RangeError(`${ranges.length} ranges are too many`);
      return highestOf(
        ranges.map(({ start, end }) => `counter>=${integerLiteral(start)} AND counter<${integerLiteral(end)}`),
      );
    },
  };
}

/** Rows of links and recorded settings, from the primary. */
export function createMysqlInspector(pool: SqlPool): LinkInspector {
  return {
    async record(domainId, code) {
      if (!isStorableCode(code)) return undefined;
      try {
        const { rows } = await pool.run((session) =>
          session.query(
            `SELECT kind,counter,long_url,created_at_ms,expires_at_ms,redirect_status,version FROM links WHERE ${whereCode(domainId, code)}`,
          ),
        );
        return rows[0] && asRecord(domainId, code, rows[0], pool.name);
      } catch (error) {
        throw storeError(error);
      }
    },

    async setting(name) {
      try {
        return await pool.run((session) => readFact(session, name));
      } catch (error) {
        // A database that was never migrated has recorded nothing.
        if (isRefusal(error, ER_NO_SUCH_TABLE)) return undefined;
        throw storeError(error);
      }
    },
  };
}

function asRecord(domainId: number, code: string, row: readonly unknown[], place: string): LinkRecord {
  const kind = Number(row[0]);
  return {
    domainId,
    code,
    kind: kind === KIND_GENERATED ? 'generated' : kind === KIND_ALIAS ? 'alias' : 'deleted',
    counter: Number(row[1]),
    longUrl: String(row[2]),
    createdAtMs: Number(row[3]),
    expiresAtMs: Number(row[4]) || null,
    redirectStatus: Number(row[5]) || null,
    version: Number(row[6]),
    place,
  };
}
