import {
  type HeadInspection,
  isUnreadable,
  type LedgerAdmin,
  LedgerMissingError,
  type LedgerRow,
  MAX_ROWS_ADDED,
  type MarkAdmin,
  type MarkInspection,
  type Unreadable,
} from '@lakh/id-range';
import type { Connection, Row } from './connection.js';
import { isHeight, WITNESS_ERRORS } from './marks.js';

/** What was read, exactly; bound to the connection that read it, so that it means nothing after the file was opened again (I2). */
interface ReadRow {
  readonly connection: Connection;
  readonly row: Row | undefined;
}

/** The first witness as an operator's tools see it: damaged or not, and to be raised. */
export function openMarkAdmin(connection: Connection, namespace: string): MarkAdmin {
  const select = connection.prepare('SELECT next, ledgered, cluster_id, version FROM marks WHERE namespace = ?');
  const update = connection.prepare(
    'UPDATE marks SET next = ?, ledgered = ?, cluster_id = ?, version = version + 1 WHERE namespace = ? AND version = ?',
  );
  const insert = connection.prepare(
    'INSERT INTO marks (namespace, next, ledgered, cluster_id, version) VALUES (?, ?, ?, ?, 1)',
  );

  return {
    async inspect(): Promise<MarkInspection> {
      const row = connection.read(WITNESS_ERRORS, () => select.get([namespace]));
      const version: ReadRow = { connection, row };
      if (row === undefined) return { mark: 'missing', clusterId: 'missing', version };
      const [next, ledgered, clusterId] = row;
      const isMark = isHeight(next) && isHeight(ledgered, 0);
      return {
        mark: isMark ? { next, ledgered } : { unreadable: `${String(next)} ${String(ledgered)}` },
        clusterId: readableId(clusterId),
        version,
      };
    },

    async put(version, mark, clusterId) {
      const { connection: readOn, row } = version as ReadRow;
      if (readOn !== connection) return 'stale';
      return connection.write(WITNESS_ERRORS, () => {
        const present = select.get([namespace]);
        if (row === undefined) {
          if (present !== undefined) return 'stale';
          insert.run([namespace, mark.next, mark.ledgered, clusterId]);
          return 'written';
        }
        const changes = update.run([mark.next, mark.ledgered, clusterId, namespace, row[3] as number]).changes;
        return changes === 1 ? 'written' : 'stale';
      });
    },
  };
}

const COLUMNS =
  'range_start, range_end, server_id, host, process_start_ms, codec, leased_at_ms, witness_version, state';

/** The second witness, likewise. */
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

    async add(rows) {
      if (rows.length === 0 || rows.length > MAX_ROWS_ADDED)
        throw new RangeError(`${rows.length} rows cannot be added`);
      let last = 0;
      for (const { range } of rows) {
        if (!isHeight(range.end) || range.start < last || range.start >= range.end) {
          throw new RangeError('rows are added in order, and disjoint');
        }
        last = range.end;
      }
      return connection.write(WITNESS_ERRORS, () => {
        if (selectHead.get([namespace]) === undefined) throw new LedgerMissingError();
        // Rows on record do not overlap, so of all that start below an end the one that starts last also ends last.
        const meets = rows.some(({ range }) => {
          const [before] = below.all([namespace, range.end, 1]).map(toRow);
          return before !== undefined && before.range.end > range.start;
        });
        if (meets) return 'overlap';
        for (const { range, holder, leasedAtMs, witnessVersion, state } of rows) {
          const { serverId, host, processStartMs, codec } = holder;
          const who = [serverId, host, processStartMs, codec];
          insertRow.run([namespace, range.start, range.end, ...who, leasedAtMs, witnessVersion, state]);
        }
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

function readableId(value: unknown): string | Unreadable {
  return typeof value === 'string' && value !== '' ? value : { unreadable: String(value) };
}
