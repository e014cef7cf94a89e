import {
  assertNamespace,
  type CounterRange,
  type LeaseRecord,
  type Ledger,
  type LedgerHead,
  LedgerMissingError,
  WitnessCorruptError,
} from '@lakh/id-range';
import { ER_DUP_ENTRY, isRefusal } from '../wire/errors.js';
import { asciiLiteral, integerLiteral, textLiteral } from '../wire/sql.js';
import { observed, type StatementTimer, settling } from '../wire/timing.js';
import type { SqlPool, SqlSession } from '../wire/transaction.js';
import { claimReleased, releaseTail } from './ledger-remainders.js';
import { witnessError } from './witness-error.js';

export interface MysqlLedgerOptions {
  /** Of the primary. */
  readonly pool: SqlPool;
  /** As `NAMESPACE_NAME` says. */
  readonly namespace: string;
  /** Whether links are generated from this namespace, so that a generated link tells that it was used. Default true. */
  readonly feedsLinks?: boolean;
  readonly timer?: StatementTimer;
}

/** Thrown inside a transaction to end it without a trace. */
class Refused extends Error {}

/** The second witness (I5): lease rows and one head row a namespace. */
export function createMysqlLedger({
  pool,
  namespace,
  feedsLinks = true,
  timer = observed(),
}: MysqlLedgerOptions): Ledger {
  assertNamespace(namespace);
  const ns = asciiLiteral(namespace);
  /**
   * Whether counters were given or used; a deleted link keeps its counter, so it counts too. In statements of their own: a vtgate asks one shard
   * at random for what an INSERT … SELECT looks at, and fetches every link to see whether there is one (EXISTS).
   */
  const isUsed = async (session: SqlSession): Promise<boolean> => {
    const leases = await session.query(`SELECT 1 FROM id_leases WHERE namespace=${ns} LIMIT 1`);
    if (leases.rows.length > 0) return true;
    return feedsLinks && (await session.query('SELECT 1 FROM links WHERE counter>0 LIMIT 1')).rows.length > 0;
  };

  const settle = settling(timer, 'ledger', witnessError);

  return {
    head: () =>
      settle(async () => {
        // Whoever leases raises the mark next: a ledger that takes no rows would cost a range each time it is tried.
        await pool.proveWritable();
        return pool.run(async (session) => {
          const { rows } = await session.query(`SELECT head, cluster_id FROM id_heads WHERE namespace=${ns}`);
          // Asked second: what is unused then was so when the head was read.
          return rows[0] ? asHead(rows[0], !(await isUsed(session))) : 'missing';
        });
      }),

    record: async (lease) => {
      assertRange(lease.range);
      return settle(async () => {
        try {
          await pool.transaction((session) => insertLease(session, ns, lease));
          return 'recorded';
        } catch (error) {
          // A duplicate key is an overlap that began at the same counter and that FOR UPDATE did not keep apart (multi-primary).
          if (error instanceof Refused || isRefusal(error, ER_DUP_ENTRY)) return 'overlap';
          throw error;
        }
      });
    },

    release: async (tail, holder, releasedAtMs) => {
      assertRange(tail);
      return settle(async () => {
        const released = await pool.transaction((session) => releaseTail(session, ns, tail, holder, releasedAtMs));
        return released ? 'released' : 'refused';
      });
    },

    claim: async (range, holder, claimedAtMs) => {
      assertRange(range);
      return settle(async () => {
        const claimed = await pool.run((session) => claimReleased(session, ns, range, holder, claimedAtMs));
        return claimed ? 'claimed' : 'refused';
      });
    },

    create: (head, clusterId) =>
      settle(() =>
        pool.run(async (session) => {
          const existing = await session.query(`SELECT 1 FROM id_heads WHERE namespace=${ns}`);
          if (existing.rows.length > 0) return 'exists';
          // A lease needs a head row, and a link a server that issues, which none does without a head: neither appears between these looks
          // and the insert, unless somebody else's head does, and that the insert meets.
          if (await isUsed(session)) return 'not-empty';
          try {
            await session.query(
              `INSERT INTO id_heads (namespace, head, cluster_id) VALUES (${ns},${integerLiteral(head)},${textLiteral(clusterId)})`,
              true,
            );
            return 'created';
          } catch (error) {
            if (isRefusal(error, ER_DUP_ENTRY)) return 'exists';
            throw error;
          }
        }),
      ),
  };
}

async function insertLease(session: SqlSession, ns: string, lease: LeaseRecord): Promise<void> {
  const { range, holder } = lease;
  const start = integerLiteral(range.start);
  const end = integerLiteral(range.end);
  const head = await session.query(`SELECT 1 FROM id_heads WHERE namespace=${ns} FOR UPDATE`);
  if (head.rows.length === 0) throw new LedgerMissingError();
  // Leases on record do not overlap one another: of those that start before this one's end, the last reaches furthest.
  const { rows } = await session.query(
    `SELECT end_counter FROM id_leases WHERE namespace=${ns} AND start_counter<${end} ORDER BY start_counter DESC LIMIT 1`,
  );
  if (rows[0] && Number(rows[0][0]) > range.start) throw new Refused();
  await session.query(
    `INSERT INTO id_leases (namespace, start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec) VALUES (${ns},${start},${end},${textLiteral(holder.serverId)},${textLiteral(holder.host)},${integerLiteral(holder.processStartMs)},${integerLiteral(lease.leasedAtMs)},${integerLiteral(lease.witnessVersion)},${textLiteral(holder.codec)})`,
  );
  await session.query(`UPDATE id_heads SET head=GREATEST(head,${end}), revision=revision+1 WHERE namespace=${ns}`);
}

function assertRange({ start, end }: CounterRange): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start >= end) {
    throw new RangeError(`not a range of counters: [${start}, ${end})`);
  }
}

function asHead(row: readonly unknown[], virgin: boolean): LedgerHead {
  const head = Number(row[0]);
  const clusterId = String(row[1]);
  if (!Number.isSafeInteger(head) || clusterId === '') {
    throw new WitnessCorruptError(`the ledger's head row holds ${String(row[0])} for cluster "${clusterId}"`);
  }
  return { head, clusterId, virgin };
}
