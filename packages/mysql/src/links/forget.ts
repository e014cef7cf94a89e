import type { PrimaryPool } from '../wire/primary-pool.js';
import { integerLiteral } from '../wire/sql.js';

/** Where rows of each table say how old they are. */
const TIMES = { changes: 'at_ms', reservations: 'reserved_at_ms', edit_receipts: 'at_ms' } as const;

/** Deletes rows from before `beforeMs`, the oldest first, at most `limit`; resolves with how many. */
export async function forgetOld(
  pool: PrimaryPool,
  table: keyof typeof TIMES,
  beforeMs: number,
  limit: number,
): Promise<number> {
  const time = TIMES[table];
  const { affectedRows } = await pool.run((session) =>
    session.query(
      `DELETE FROM ${table} WHERE ${time}<${integerLiteral(beforeMs)} ORDER BY ${time} LIMIT ${integerLiteral(limit)}`,
      true,
    ),
  );
  return affectedRows;
}
