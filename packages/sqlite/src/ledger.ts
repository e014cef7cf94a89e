import { type Ledger, LedgerMissingError, WitnessCorruptError } from '@lakh/id-range';
import type { Connection } from './connection.js';
import { assertRange, openRemaindersOfLedger } from './ledger-remainders.js';
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

  const virgin = () => anyLease.get([namespace]) === undefined && anyCounter.get([]) === undefined;

  function readHead(): { head: number; clusterId: string } | undefined {
    const row = selectHead.get([namespace]);
    if (row === undefined) return undefined;
    const [head, clusterId] = row;
    if (!isHeight(head))
      throw new WitnessCorruptError(`the ledger head of ${namespace} is ${String(head)}, not a counter`);
    return { head, clusterId: clusterId as string };
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
      // The mark's write, the bootstrap and the facts are older commits of the same log: they reach the file with this.
      return connection.writeThrough(WITNESS_ERRORS, () => {
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

    ...openRemaindersOfLedger(connection, namespace),
  };
}
