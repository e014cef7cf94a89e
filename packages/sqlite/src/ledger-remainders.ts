import type { CounterRange, LeaseHolder, Ledger } from '@lakh/id-range';
import type { Connection } from './connection.js';
import { isHeight, WITNESS_ERRORS } from './marks.js';

/** The ledger's part of remainders (I4). */
export function openRemaindersOfLedger(connection: Connection, namespace: string): Pick<Ledger, 'release' | 'claim'> {
  const ownLease = connection.prepare(
    `SELECT range_start FROM leases WHERE namespace = ? AND range_start <= ? AND range_end = ? AND state = 'leased'
     AND server_id = ? AND host = ? AND process_start_ms = ?`,
  );
  const cutLease = connection.prepare('UPDATE leases SET range_end = ? WHERE namespace = ? AND range_start = ?');
  const copyAsReleased = connection.prepare(
    `INSERT INTO leases (namespace, range_start, range_end, server_id, host, process_start_ms, codec, leased_at_ms, witness_version, state)
     SELECT namespace, ?, ?, server_id, host, process_start_ms, codec, leased_at_ms, witness_version, 'released'
     FROM leases WHERE namespace = ? AND range_start = ?`,
  );
  const releaseWhole = connection.prepare(
    "UPDATE leases SET state = 'released' WHERE namespace = ? AND range_start = ?",
  );
  const insertRelease = connection.prepare(
    `INSERT INTO releases (namespace, range_start, range_end, released_at_ms, server_id, host, process_start_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const claimReleased = connection.prepare(
    `UPDATE leases SET state = 'leased', server_id = ?, host = ?, process_start_ms = ?, codec = ?, leased_at_ms = ?
     WHERE namespace = ? AND range_start = ? AND range_end = ? AND state = 'released'`,
  );

  function releaseTail({ start, end }: CounterRange, holder: LeaseHolder, atMs: number): 'released' | 'refused' {
    const { serverId, host, processStartMs } = holder;
    const own = ownLease.get([namespace, start, end, serverId, host, processStartMs]);
    if (own === undefined) return 'refused';
    const leaseStart = own[0] as number;
    if (leaseStart === start) releaseWhole.run([namespace, start]);
    else {
      cutLease.run([start, namespace, leaseStart]);
      copyAsReleased.run([start, end, namespace, leaseStart]);
    }
    insertRelease.run([namespace, start, end, atMs, serverId, host, processStartMs]);
    return 'released';
  }

  return {
    async release(tail, holder, releasedAtMs) {
      assertRange(tail);
      return connection.write(WITNESS_ERRORS, () => releaseTail(tail, holder, releasedAtMs));
    },

    async claim(range, holder, claimedAtMs) {
      assertRange(range);
      const { serverId, host, processStartMs, codec } = holder;
      const { changes } = connection.writeThrough(WITNESS_ERRORS, () =>
        claimReleased.run([
          ...[serverId, host, processStartMs, codec, claimedAtMs],
          ...[namespace, range.start, range.end],
        ]),
      );
      return changes === 1 ? 'claimed' : 'refused';
    },
  };
}

/** @throws RangeError for what is no range of counters */
export function assertRange({ start, end }: CounterRange): void {
  if (!isHeight(start) || !isHeight(end) || start >= end) throw new RangeError(`not a range: [${start}, ${end})`);
}
