import { type CounterRange, type CounterWitness, MAX_RANGES_ASKED } from '@lakh/id-range';
import { integerLiteral } from '../wire/sql.js';
import type { SqlPool } from '../wire/transaction.js';
import { witnessError } from './witness-error.js';

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
