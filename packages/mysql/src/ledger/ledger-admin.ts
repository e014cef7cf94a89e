import {
  COUNTER_SPACE_END,
  type HeadInspection,
  isUnreadable,
  type LedgerAdmin,
  LedgerMissingError,
  type LedgerRow,
  MAX_ROWS_ADDED,
} from '@lakh/id-range';
import { ER_DUP_ENTRY, isRefusal } from '../wire/errors.js';
import { asciiLiteral, integerLiteral, textLiteral } from '../wire/sql.js';
import { observed, settling } from '../wire/timing.js';
import type { SqlSession } from '../wire/transaction.js';
import type { MysqlLedgerOptions } from './ledger.js';
import { witnessError } from './witness-error.js';

const COLUMNS =
  'start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec, state';
const STATE = /^[a-z][a-z_-]{0,15}$/;

/** Thrown inside a transaction to end it without a trace. */
class Refused extends Error {}

/** What identifies the head row that was read: its exact text and its revision, which every lease raises. */
interface HeadVersion {
  readonly head: string;
  readonly clusterId: string;
  readonly revision: number;
}

/** The ledger as an operator's tools see it: damaged or not, and to be raised. */
export function createMysqlLedgerAdmin({
  pool,
  namespace,
  timer = observed(),
}: Omit<MysqlLedgerOptions, 'feedsLinks'>): LedgerAdmin {
  const ns = asciiLiteral(namespace);

  const settle = settling(timer, 'ledger', witnessError);
  const rows = (condition: string): Promise<readonly LedgerRow[]> =>
    settle(() =>
      pool.run(async (session) => {
        const answer = await session.query(`SELECT ${COLUMNS} FROM id_leases WHERE namespace=${ns} AND ${condition}`);
        return answer.rows.map(asRow);
      }),
    );

  return {
    head: () =>
      settle(() =>
        pool.run(async (session) => {
          const answer = await session.query(
            `SELECT CAST(head AS CHAR), cluster_id, revision FROM id_heads WHERE namespace=${ns}`,
          );
          return answer.rows[0] ? asHead(answer.rows[0]) : 'missing';
        }),
      ),

    putHead: async (inspected, head, clusterId) => {
      if (inspected !== 'missing' && !isUnreadable(inspected.head) && head < inspected.head) {
        throw new RangeError(`a head is never lowered: from ${inspected.head} to ${head}`);
      }
      return settle(() =>
        pool.run(async (session) =>
          inspected === 'missing'
            ? insertHead(session, ns, head, clusterId)
            : updateHead(session, ns, inspected.version as HeadVersion, head, clusterId),
        ),
      );
    },

    rowsFrom: (start, limit) =>
      rows(`start_counter>=${integerLiteral(start)} ORDER BY start_counter LIMIT ${integerLiteral(limit)}`),

    rowsBelow: (end, limit) =>
      rows(`start_counter<${integerLiteral(end)} ORDER BY start_counter DESC LIMIT ${integerLiteral(limit)}`),

    add: async (added) => {
      assertAddable(added);
      return settle(async () => {
        try {
          await pool.transaction((session) => insertRows(session, ns, added));
          return 'added';
        } catch (error) {
          if (error instanceof Refused || isRefusal(error, ER_DUP_ENTRY)) return 'overlap';
          throw error;
        }
      });
    },

    retire: ({ start, end }) =>
      settle(() =>
        pool.run(async (session) => {
          const { affectedRows } = await session.query(
            `UPDATE id_leases SET state='retired' WHERE namespace=${ns} AND start_counter=${integerLiteral(start)} AND end_counter=${integerLiteral(end)} AND state='released'`,
            true,
          );
          return affectedRows === 1 ? 'retired' : 'gone';
        }),
      ),
  };
}

async function insertHead(
  session: SqlSession,
  ns: string,
  head: number,
  clusterId: string,
): Promise<'written' | 'stale'> {
  try {
    await session.query(
      `INSERT INTO id_heads (namespace, head, cluster_id) VALUES (${ns},${integerLiteral(head)},${textLiteral(clusterId)})`,
      true,
    );
    return 'written';
  } catch (error) {
    if (isRefusal(error, ER_DUP_ENTRY)) return 'stale';
    throw error;
  }
}

async function updateHead(
  session: SqlSession,
  ns: string,
  from: HeadVersion,
  head: number,
  clusterId: string,
): Promise<'written' | 'stale'> {
  const { affectedRows } = await session.query(
    `UPDATE id_heads SET head=${integerLiteral(head)}, cluster_id=${textLiteral(clusterId)}, revision=revision+1 WHERE namespace=${ns} AND revision=${integerLiteral(from.revision)} AND CAST(head AS CHAR)=${asciiLiteral(from.head)} AND cluster_id=${textLiteral(from.clusterId)}`,
    true,
  );
  return affectedRows === 1 ? 'written' : 'stale';
}

async function insertRows(session: SqlSession, ns: string, added: readonly LedgerRow[]): Promise<void> {
  const head = await session.query(`SELECT 1 FROM id_heads WHERE namespace=${ns} FOR UPDATE`);
  if (head.rows.length === 0) throw new LedgerMissingError();
  const first = added[0] as LedgerRow;
  const last = added.at(-1) as LedgerRow;
  // Usually nothing at all stands between the first start and the last end: then one look is enough.
  if (await overlaps(session, ns, first.range.start, last.range.end)) {
    for (const { range } of added) if (await overlaps(session, ns, range.start, range.end)) throw new Refused();
  }
  const values = added.map(({ range, holder, leasedAtMs, witnessVersion, state }) => {
    const numbers = [range.start, range.end, holder.processStartMs, leasedAtMs, witnessVersion].map(integerLiteral);
    const texts = [holder.serverId, holder.host, holder.codec].map(textLiteral);
    return `(${ns},${numbers.join(',')},${texts.join(',')},${asciiLiteral(state)})`;
  });
  await session.query(
    `INSERT INTO id_leases (namespace, start_counter, end_counter, process_start_ms, leased_at_ms, witness_version, server_id, host, codec, state) VALUES ${values.join(',')}`,
  );
  await session.query(
    `UPDATE id_heads SET head=GREATEST(head,${integerLiteral(last.range.end)}), revision=revision+1 WHERE namespace=${ns}`,
  );
}

/** Rows on record do not overlap one another: of those that start below `end`, the last reaches furthest. */
async function overlaps(session: SqlSession, ns: string, start: number, end: number): Promise<boolean> {
  const { rows } = await session.query(
    `SELECT end_counter FROM id_leases WHERE namespace=${ns} AND start_counter<${integerLiteral(end)} ORDER BY start_counter DESC LIMIT 1`,
  );
  return rows[0] !== undefined && Number(rows[0][0]) > start;
}

function assertAddable(rows: readonly LedgerRow[]): void {
  if (rows.length === 0 || rows.length > MAX_ROWS_ADDED) throw new RangeError(`${rows.length} rows cannot be added`);
  let end = 0;
  for (const { range, state } of rows) {
    const inOrder = Number.isSafeInteger(range.start) && range.start >= end && range.start < range.end;
    if (!inOrder || !Number.isSafeInteger(range.end)) throw new RangeError('rows are added in order, and disjoint');
    if (!STATE.test(state)) throw new RangeError(`not a state: ${JSON.stringify(state)}`);
    end = range.end;
  }
}

function asHead(row: readonly unknown[]): HeadInspection {
  const [text, clusterId] = [String(row[0]), String(row[1])];
  const head = Number(text);
  const isHeight = Number.isSafeInteger(head) && head >= 0 && head <= COUNTER_SPACE_END;
  const version: HeadVersion = { head: text, clusterId, revision: Number(row[2]) };
  return {
    head: isHeight ? head : { unreadable: text },
    clusterId: clusterId === '' ? { unreadable: '' } : clusterId,
    version,
  };
}

function asRow(row: readonly unknown[]): LedgerRow {
  return {
    range: { start: Number(row[0]), end: Number(row[1]) },
    holder: { serverId: String(row[2]), host: String(row[3]), processStartMs: Number(row[4]), codec: String(row[7]) },
    leasedAtMs: Number(row[5]),
    witnessVersion: Number(row[6]),
    state: String(row[8]),
  };
}
