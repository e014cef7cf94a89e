import type { CounterRange, LeaseHolder } from '@lakh/id-range';
import { asciiLiteral, integerLiteral, textLiteral } from '../wire/sql.js';
import type { SqlSession } from '../wire/transaction.js';

/** The ledger's part of remainders (I4). `ns` is the namespace as a literal. */

const LEASED = asciiLiteral('leased');
const RELEASED = asciiLiteral('released');

/**
 * Inside a transaction: cuts `tail` off `holder`'s own lease, or turns the whole of it where nothing is left below. False, with
 * nothing changed: no lease of this holder ends there and covers it. The head row's lock keeps out whoever writes leases meanwhile.
 */
export async function releaseTail(
  session: SqlSession,
  ns: string,
  tail: CounterRange,
  holder: LeaseHolder,
  releasedAtMs: number,
): Promise<boolean> {
  const [start, end] = [integerLiteral(tail.start), integerLiteral(tail.end)];
  await session.query(`SELECT 1 FROM id_heads WHERE namespace=${ns} FOR UPDATE`);
  const { rows } = await session.query(
    `SELECT start_counter, end_counter, state, server_id, host, process_start_ms FROM id_leases WHERE namespace=${ns} AND start_counter<=${start} ORDER BY start_counter DESC LIMIT 1 FOR UPDATE`,
  );
  const [leaseStart, ...lease] = (rows[0] ?? []).map(String);
  const own = [String(tail.end), 'leased', holder.serverId, holder.host, String(holder.processStartMs)];
  if (leaseStart === undefined || lease.some((value, i) => value !== own[i])) return false;
  const row = `namespace=${ns} AND start_counter=${integerLiteral(Number(leaseStart))}`;
  if (Number(leaseStart) === tail.start) {
    await session.query(`UPDATE id_leases SET state=${RELEASED} WHERE ${row}`);
  } else {
    await session.query(`UPDATE id_leases SET end_counter=${start} WHERE ${row}`);
    await session.query(
      `INSERT INTO id_leases (namespace, start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec, state) SELECT namespace, ${start}, ${end}, server_id, host, process_start_ms, leased_at_ms, witness_version, codec, ${RELEASED} FROM id_leases WHERE ${row}`,
    );
  }
  await session.query(
    `INSERT INTO id_releases (namespace, start_counter, released_at_ms, process_start_ms, end_counter, server_id, host) VALUES (${ns},${start},${integerLiteral(releasedAtMs)},${integerLiteral(holder.processStartMs)},${end},${textLiteral(holder.serverId)},${textLiteral(holder.host)})`,
  );
  return true;
}

/** One statement that commits by itself; whether it gave exactly this range, which had to be released, to `holder`. */
export async function claimReleased(
  session: SqlSession,
  ns: string,
  range: CounterRange,
  holder: LeaseHolder,
  claimedAtMs: number,
): Promise<boolean> {
  const { affectedRows } = await session.query(
    `UPDATE id_leases SET state=${LEASED}, server_id=${textLiteral(holder.serverId)}, host=${textLiteral(holder.host)}, process_start_ms=${integerLiteral(holder.processStartMs)}, codec=${textLiteral(holder.codec)}, leased_at_ms=${integerLiteral(claimedAtMs)} WHERE namespace=${ns} AND start_counter=${integerLiteral(range.start)} AND end_counter=${integerLiteral(range.end)} AND state=${RELEASED}`,
    true,
  );
  return affectedRows === 1;
}
