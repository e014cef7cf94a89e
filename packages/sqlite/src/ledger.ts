import {
  type CounterRange,
  type LeaseHolder,
  type Ledger,
  LedgerMissingError,
  WitnessCorruptError,
} from '@lakh/id-range';
import type { Connection } from './connection.js';
import { isHeight, WITNESS_ERRORS } from './marks.js';

/**
 * The second witness. In this file it shares its fate with the first; its refusals still stand between a wrong mark and a
 * repeated counter.
 */
export function openLedger(connection: Connection, namespace: string): Ledger {
  const selectHead = connection.prepare('SELECT head, cluster_id FROM ledger_heads WHERE namespace = ?');
  const insertHead = connection.prepare('INSERT INTO ledger_heads (namespace, head, cluster_id) VALUES (?, ?, ?)');
  const raiseHead = connection.prepare('UPDATE ledger_heads SET head = ? WHERE namespace = ? AND head < ?');
  const anyLease = connection.prepare('SELECT 1 FROM leases WHERE namespace = ? LIMIT 1');
  const anyCounter = connection.prepare('SELECT 1 FROM links WHERE counter > 0 LIMIT 1');
  // Leases on record do not overlap, so of all that start below an end the one that starts last also ends last.
  const lastStartingBelow = connection.prepare(
    'SELECT range_end FROM leases WHERE namespace = ? AND range_start < ? ORDER BY range_start DESC LIMIT 1',
  );
  const insertLease = connection.prepare(
    `INSERT INTO leases (namespace, range_start, range_end, server_id, host, process_start_ms, codec, leased_at_ms, witness_version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );

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

  const virgin = () => anyLease.get([namespace]) === undefined && anyCounter.get([]) === undefined;

  function readHead(): { head: number; clusterId: string } | undefined {
    const row = selectHead.get([namespace]);
    if (row === undefined) return undefined;
    const [head, clusterId] = row;
    if (!isHeight(head))
      throw new WitnessCorruptError(`the ledger head of ${namespace} is ${String(head)}, not a counter`);
    return { head, clusterId: clusterId as string };
  }

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
    async head() {
      return connection.read(WITNESS_ERRORS, () => {
        const found = readHead();
        return found === undefined ? 'missing' : { ...found, virgin: virgin() };
      });
    },

    async record({ range, holder, leasedAtMs, witnessVersion }) {
      const { start, end } = range;
      assertRange(range);
      return connection.write(WITNESS_ERRORS, () => {
        if (readHead() === undefined) throw new LedgerMissingError();
        const below = lastStartingBelow.get([namespace, end]);
        if (below !== undefined && (below[0] as number) > start) return 'overlap';
        const { serverId, host, processStartMs, codec } = holder;
        insertLease.run([namespace, start, end, serverId, host, processStartMs, codec, leasedAtMs, witnessVersion]);
        raiseHead.run([end, namespace, end]);
        return 'recorded';
      });
    },

    async create(head, clusterId) {
      if (!isHeight(head)) throw new RangeError(`not a ledger head: ${head}`);
      return connection.write(WITNESS_ERRORS, () => {
        if (selectHead.get([namespace]) !== undefined) return 'exists';
        if (!virgin()) return 'not-empty';
        insertHead.run([namespace, head, clusterId]);
        return 'created';
      });
    },

    async release(tail, holder, releasedAtMs) {
      assertRange(tail);
      return connection.write(WITNESS_ERRORS, () => releaseTail(tail, holder, releasedAtMs));
    },

    async claim(range, holder, claimedAtMs) {
      assertRange(range);
      const { serverId, host, processStartMs, codec } = holder;
      const { changes } = connection.write(WITNESS_ERRORS, () =>
        claimReleased.run([
          ...[serverId, host, processStartMs, codec, claimedAtMs],
          ...[namespace, range.start, range.end],
        ]),
      );
      return changes === 1 ? 'claimed' : 'refused';
    },
  };
}

function assertRange({ start, end }: CounterRange): void {
  if (!isHeight(start) || !isHeight(end) || start >= end) throw new RangeError(`not a range: [${start}, ${end})`);
}
