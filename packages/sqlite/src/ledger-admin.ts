import {
  type HeadInspection,
  isUnreadable,
  type LedgerAdmin,
  LedgerMissingError,
  type LedgerRow,
  MAX_ROWS_ADDED,
} from '@lakh/id-range';
import type { Connection, Row } from './connection.js';
import { type ReadRow, readableId } from './mark-admin.js';
import { isHeight, WITNESS_ERRORS } from './marks.js';

const COLUMNS =
  'range_start, range_end, server_id, host, process_start_ms, codec, leased_at_ms, witness_version, state';

/** The second witness as an operator's tools see it: damaged or not, and to be raised. */
export function openLedgerAdmin(connection: Connection, namespace: string): LedgerAdmin {
  const selectHead = connection.prepare('SELECT head, cluster_id FROM ledger_heads WHERE namespace = ?');
  const insertHead = connection.prepare('INSERT INTO ledger_heads (namespace, head, cluster_id) VALUES (?, ?, ?)');
  const updateHead = connection.prepare('UPDATE ledger_heads SET head = ?, cluster_id = ? WHERE namespace = ?');
  const raiseHead = connection.prepare('UPDATE ledger_heads SET head = ? WHERE namespace = ? AND head < ?');
  const from = connection.prepare(
    `SELECT ${COLUMNS} FROM leases WHERE namespace = ? AND range_start >= ? ORDER BY range_start LIMIT ?`,
  );
  const below = connection.prepare(
    `SELECT ${COLUMNS} FROM leases WHERE namespace = ? AND range_start < ? ORDER BY range_start DESC LIMIT ?`,
  );
  const insertRow = connection.prepare(
    `INSERT INTO leases (namespace, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const retire = connection.prepare(
    "UPDATE leases SET state = 'retired' WHERE namespace = ? AND range_start = ? AND range_end = ? AND state = 'released'",
  );

  /** Rows on record do not overlap, so of all that start below an end the one that starts last also ends last. */
  const meetsOther = ({ range }: LedgerRow): boolean => {
    const [before] = below.all([namespace, range.end, 1]).map(toRow);
    return before !== undefined && before.range.end > range.start;
  };

  return {
    async head(): Promise<HeadInspection | 'missing'> {
      const row = connection.read(WITNESS_ERRORS, () => selectHead.get([namespace]));
      if (row === undefined) return 'missing';
      const [head, clusterId] = row;
      const version: ReadRow = { connection, row };
      return {
        head: isHeight(head, 0) ? head : { unreadable: String(head) },
        clusterId: readableId(clusterId),
        version,
      };
    },

    async putHead(inspected, head, clusterId) {
      if (inspected !== 'missing' && !isUnreadable(inspected.head) && head < inspected.head) {
        throw new RangeError(`a head is never lowered: from ${inspected.head} to ${head}`);
      }
      return connection.write(WITNESS_ERRORS, () => {
        const present = selectHead.get([namespace]);
        if (inspected === 'missing') {
          if (present !== undefined) return 'stale';
          insertHead.run([namespace, head, clusterId]);
          return 'written';
        }
        const { row } = inspected.version as ReadRow;
        if (present === undefined || present[0] !== row?.[0] || present[1] !== row?.[1]) return 'stale';
        updateHead.run([head, clusterId, namespace]);
        return 'written';
      });
    },

    rowsFrom: async (start, limit) =>
      connection.read(WITNESS_ERRORS, () => from.all([namespace, start, limit]).map(toRow)),
    rowsBelow: async (end, limit) =>
      connection.read(WITNESS_ERRORS, () => below.all([namespace, end, limit]).map(toRow)),

    add: async (rows) => {
      const last = endOf(rows);
      return connection.write(WITNESS_ERRORS, () => {
        if (selectHead.get([namespace]) === undefined) throw new LedgerMissingError();
        if (rows.some(meetsOther)) return 'overlap';
        for (const row of rows) insertRow.run([namespace, ...valuesOf(row)]);
        raiseHead.run([last, namespace, last]);
        return 'added';
      });
    },

    async retire({ start, end }) {
      const { changes } = connection.write(WITNESS_ERRORS, () => retire.run([namespace, start, end]));
      return changes === 1 ? 'retired' : 'gone';
    },
  };
}

/** The end of the last of rows that may be added. @throws RangeError where they may not */
function endOf(rows: readonly LedgerRow[]): number {
  if (rows.length === 0 || rows.length > MAX_ROWS_ADDED) throw new RangeError(`${rows.length} rows cannot be added`);
  let last = 0;
  for (const { range } of rows) {
    if (!isHeight(range.end) || range.start < last || range.start >= range.end) {
      throw new RangeError('rows are added in order, and disjoint');
    }
    last = range.end;
  }
  return last;
}

/** In the order of {@link COLUMNS}. */
function valuesOf({ range, holder, leasedAtMs, witnessVersion, state }: LedgerRow) {
  const { serverId, host, processStartMs, codec } = holder;
  return [range.start, range.end, serverId, host, processStartMs, codec, leasedAtMs, witnessVersion, state];
}

function toRow(row: Row): LedgerRow {
  return {
    range: { start: row[0] as number, end: row[1] as number },
    holder: {
      serverId: row[2] as string,
      host: row[3] as string,
      processStartMs: row[4] as number,
      codec: row[5] as string,
    },
    leasedAtMs: row[6] as number,
    witnessVersion: row[7] as number,
    state: row[8] as string,
  };
}
