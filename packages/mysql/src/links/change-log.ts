import type { ChangeLog, LogPosition, LogReading, LogRow, StoredLink } from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { type Lanes, oneLane } from '../wire/lanes.js';
import type { PrimaryPool } from '../wire/primary-pool.js';
import { byteLiteral, integerLiteral } from '../wire/sql.js';
import { observed, type StatementTimer, settling } from '../wire/timing.js';
import { forgetOldByLanes } from './forget.js';
import { asStored, COLUMNS } from './rows.js';

/** Of all buckets of a reading together, when many are behind: each row brings a link, and a URL may have 8 KiB. */
const MAX_ROWS = 4_000;
/** Buckets whose rows one statement asks for. */
const BUCKETS_A_STATEMENT = 32;

interface Asked {
  readonly bucket: number;
  readonly after: LogPosition | undefined;
}

/** A bucket whose head is not where a copy stands. */
interface Behind {
  readonly bucket: number;
  readonly after: LogPosition;
}

/** The log of changes, from the primary. The reading side: a change writes it itself. */
export function createMysqlChangeLog({
  pool,
  lanes = oneLane(pool),
  timer = observed(),
}: {
  readonly pool: PrimaryPool;
  readonly lanes?: Lanes;
  readonly timer?: StatementTimer;
}): ChangeLog {
  const settle = settling(timer, 'changes');

  return {
    async read(asked, maxRows) {
      const parts = await Promise.allSettled(
        [...byLane(lanes, asked)].map(([lane, part]) =>
          settle(() => lane.read((session) => read(session, part, maxRows))),
        ),
      );
      const answered = parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
      // A shard that is away keeps nobody from what the others have.
      const [first] = parts;
      if (answered.length === 0 && first?.status === 'rejected') throw first.reason;
      return parts.length === 1 ? (answered[0] ?? []) : inOrder(asked, answered.flat());
    },

    partOf: (bucket) => lanes.of(bucket),

    forget: (beforeMs, limit) => settle(() => forgetOldByLanes(lanes, 'changes', beforeMs, limit)),
  };
}

function byLane(lanes: Lanes, asked: readonly Asked[]): ReadonlyMap<PrimaryPool, readonly Asked[]> {
  const parts = new Map<PrimaryPool, Asked[]>();
  for (const each of asked) {
    const lane = lanes.of(each.bucket);
    const part = parts.get(lane);
    if (part) part.push(each);
    else parts.set(lane, [each]);
  }
  return parts;
}

function inOrder(asked: readonly Asked[], readings: readonly LogReading[]): readonly LogReading[] {
  const byBucket = new Map(readings.map((reading) => [reading.bucket, reading]));
  return asked.flatMap(({ bucket }) => byBucket.get(bucket) ?? []);
}

/** One look at the heads; only of buckets whose head has gone on are the rows asked for, each again with its head. */
async function read(session: Session, asked: readonly Asked[], maxRows: number): Promise<readonly LogReading[]> {
  const heads = await readHeads(session, asked);
  const behind: Behind[] = [];
  for (const { bucket, after } of asked) {
    if (after !== undefined && headOf(heads, bucket).seq > after.seq) behind.push({ bucket, after });
  }
  const readings = new Map<number, LogReading>();
  const rowsEach = Math.max(1, Math.min(maxRows, Math.floor(MAX_ROWS / behind.length)));
  for (let i = 0; i < behind.length; i += BUCKETS_A_STATEMENT) {
    const part = behind.slice(i, i + BUCKETS_A_STATEMENT);
    for (const reading of await readRows(session, part, rowsEach)) readings.set(reading.bucket, reading);
  }
  return asked.map(({ bucket, after }) => {
    const head = headOf(heads, bucket);
    return readings.get(bucket) ?? { bucket, head, continues: isSame(head, after), rows: [] };
  });
}

/** Of these buckets, those that have one; a snapshot. */
export async function readHeads(
  session: Session,
  asked: readonly Pick<Asked, 'bucket'>[],
): Promise<ReadonlyMap<number, LogPosition>> {
  const buckets = asked.map(({ bucket }) => byteLiteral(bucket));
  const { rows } = await session.query(
    `SELECT HEX(bucket),seq,LOWER(HEX(nonce)) FROM heads WHERE bucket IN (${buckets})`,
  );
  return new Map(rows.map(([bucket, ...head]) => [Number.parseInt(String(bucket), 16), asPosition(head)]));
}

function headOf(heads: ReadonlyMap<number, LogPosition>, bucket: number): LogPosition {
  const head = heads.get(bucket);
  if (head === undefined) throw new Error(`bucket ${bucket} has no head`);
  return head;
}

/** Columns of {@link readRows} before those of the link. */
const LOG_COLUMNS = 10;

/** One statement, so one snapshot: head, rows and links are of the same moment. Not a transaction, whose isolation would be the session's. */
async function readRows(session: Session, behind: readonly Behind[], maxRows: number): Promise<readonly LogReading[]> {
  const selects = behind.map(({ bucket, after }) => {
    const from = `c.seq>${integerLiteral(after.seq)} AND c.seq<=${integerLiteral(after.seq + maxRows)}`;
    return `(SELECT HEX(h.bucket),h.seq,LOWER(HEX(h.nonce)),c.seq,LOWER(HEX(c.nonce)),LOWER(HEX(c.previous)),c.domain_id,c.code,c.version,l.bucket IS NOT NULL,${COLUMNS} FROM heads h LEFT JOIN changes c ON c.bucket=h.bucket AND ${from} LEFT JOIN links l ON l.bucket=c.bucket AND l.domain_id=c.domain_id AND l.code=c.code WHERE h.bucket=${byteLiteral(bucket)})`;
  });
  const { rows } = await session.query(selects.join(' UNION ALL '));
  const byBucket = new Map<number, (readonly unknown[])[]>();
  for (const row of rows) {
    const bucket = Number.parseInt(String(row[0]), 16);
    const others = byBucket.get(bucket);
    if (others) others.push(row);
    else byBucket.set(bucket, [row]);
  }
  return behind.map((each) => readingOf(each, byBucket.get(each.bucket) ?? [], maxRows));
}

function readingOf({ bucket, after }: Behind, rows: readonly (readonly unknown[])[], maxRows: number): LogReading {
  const [first] = rows;
  if (first === undefined) throw new Error(`bucket ${bucket} has no head`);
  const head = asPosition(first.slice(1));
  const written = rows.filter((row) => row[3] !== null).sort((a, b) => Number(a[3]) - Number(b[3]));
  const expected = Math.min(maxRows, head.seq - after.seq);
  if (expected <= 0 || written.length !== expected) {
    return { bucket, head, continues: isSame(head, after), rows: [] };
  }
  let last = after;
  const log: LogRow[] = [];
  for (const row of written) {
    // What comes before is told by each row itself: the row at `after` may have been forgotten, or never been one.
    if (Number(row[3]) !== last.seq + 1 || row[5] !== last.nonce) return { bucket, head, continues: false, rows: [] };
    last = asPosition(row.slice(3));
    const change = { domainId: Number(row[6]), code: String(row[7]), version: Number(row[8]) };
    log.push({ ...last, ...change, link: linkOf(row) });
  }
  if (last.seq === head.seq && last.nonce !== head.nonce) return { bucket, head, continues: false, rows: [] };
  return { bucket, head, continues: true, rows: log };
}

function linkOf(row: readonly unknown[]): StoredLink | undefined {
  if (Number(row[LOG_COLUMNS - 1]) === 0) return undefined;
  try {
    return asStored(row.slice(LOG_COLUMNS));
  } catch {
    return undefined; // of a later release: who copies it deletes it
  }
}

function asPosition([seq, nonce]: readonly unknown[]): LogPosition {
  return { seq: Number(seq), nonce: String(nonce) };
}

function isSame(head: LogPosition, position: LogPosition | undefined): boolean {
  return head.seq === position?.seq && head.nonce === position.nonce;
}
