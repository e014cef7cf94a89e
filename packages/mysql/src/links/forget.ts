import { BUCKETS } from '@lakh/links';
import type { Lanes } from '../wire/lanes.js';
import type { PrimaryPool } from '../wire/primary-pool.js';
import { byteLiteral, integerLiteral } from '../wire/sql.js';

/** Where rows of each table say how old they are. */
const TIMES = {
  changes: 'at_ms',
  reservations: 'reserved_at_ms',
  edit_receipts: 'at_ms',
  deleted_links: 'deleted_at_ms',
} as const;

type Table = keyof typeof TIMES;

/** Deletes rows from before `beforeMs`, the oldest first, at most `limit`; resolves with how many. */
export function forgetOld(pool: PrimaryPool, table: Table, beforeMs: number, limit: number): Promise<number> {
  return deleteOld(pool, table, '', beforeMs, limit);
}

/** As {@link forgetOld} of a table whose rows lie by their bucket, lane after lane: one that is away keeps no other from it, and is told of last. */
export async function forgetOldByLanes(
  lanes: Lanes,
  table: Exclude<Table, 'reservations'>,
  beforeMs: number,
  limit: number,
): Promise<number> {
  const [first, ...others] = lanes.all;
  if (first && others.length === 0) return forgetOld(first, table, beforeMs, limit);
  let forgotten = 0;
  let failure: { readonly error: unknown } | undefined;
  for (const [lane, buckets] of bucketsByLane(lanes)) {
    if (forgotten >= limit) break;
    try {
      const where = `bucket IN (${buckets.map(byteLiteral)}) AND `;
      forgotten += await deleteOld(lane, table, where, beforeMs, limit - forgotten);
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure && forgotten === 0) throw failure.error;
  return forgotten;
}

async function deleteOld(
  pool: PrimaryPool,
  table: Table,
  where: string,
  beforeMs: number,
  limit: number,
): Promise<number> {
  const time = TIMES[table];
  const { affectedRows } = await pool.run((session) =>
    session.query(
      `DELETE FROM ${table} WHERE ${where}${time}<${integerLiteral(beforeMs)} ORDER BY ${time} LIMIT ${integerLiteral(limit)}`,
      true,
    ),
  );
  return affectedRows;
}

function bucketsByLane(lanes: Lanes): ReadonlyMap<PrimaryPool, readonly number[]> {
  const byLane = new Map<PrimaryPool, number[]>();
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const lane = lanes.of(bucket);
    const others = byLane.get(lane);
    if (others) others.push(bucket);
    else byLane.set(lane, [bucket]);
  }
  return byLane;
}
