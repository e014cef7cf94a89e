import type { Reservation, ReservationStore } from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { ER_DUP_ENTRY, isRefusal } from '../wire/errors.js';
import { type Lanes, oneLane } from '../wire/lanes.js';
import type { PrimaryPool } from '../wire/primary-pool.js';
import { asciiLiteral, hexLiteral, integerLiteral } from '../wire/sql.js';
import { observed, type StatementTimer, settling } from '../wire/timing.js';
import { forgetOld } from './forget.js';
import { isStorableCode, KIND_ALIAS, KIND_GENERATED } from './rows.js';

const HASH_BYTES = 32;
const INSERT_ID_BYTES = 16;

/** Reservations of creates with idempotency keys. Each statement is of one key's row, and commits by itself. */
export function createMysqlReservations({
  pool,
  lanes = oneLane(pool),
  timer = observed(),
}: {
  readonly pool: PrimaryPool;
  /** They lie by the first byte of the key's hash. */
  readonly lanes?: Lanes;
  readonly timer?: StatementTimer;
}): ReservationStore {
  const settle = settling(timer, 'reserve');
  const laneOf = (keyHash: string) => lanes.of(Number.parseInt(keyHash.slice(0, 2), 16));

  return {
    find: (keyHash) => settle(() => laneOf(keyHash).read((session) => select(session, keyHash))),

    reserve: (keyHash, reservation, instead) =>
      settle(() =>
        laneOf(keyHash).run(async (session) => {
          if (instead !== undefined && (await replaced(session, keyHash, reservation, instead))) return reservation;
          return (await inserted(session, keyHash, reservation)) ? reservation : select(session, keyHash);
        }),
      ),

    forget: (beforeMs, limit) => settle(() => forgetOld(pool, 'reservations', beforeMs, limit)),
  };
}

const whereKey = (keyHash: string): string => `key_hash=${hexLiteral(keyHash, HASH_BYTES)}`;

async function select(session: Session, keyHash: string): Promise<Reservation | undefined> {
  const { rows } = await session.query(
    `SELECT LOWER(HEX(request_hash)),kind,code,counter,HEX(insert_id),reserved_at_ms FROM reservations WHERE ${whereKey(keyHash)}`,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    requestHash: String(row[0]),
    kind: Number(row[1]) === KIND_GENERATED ? 'generated' : 'alias',
    code: String(row[2]),
    counter: Number(row[3]),
    insertId: String(row[4]),
    reservedAtMs: Number(row[5]),
  };
}

async function replaced(session: Session, keyHash: string, next: Reservation, instead: Reservation): Promise<boolean> {
  const set = Object.entries(columnsOf(next)).map(([column, literal]) => `${column}=${literal}`);
  const { affectedRows } = await session.query(
    `UPDATE reservations SET ${set} WHERE ${whereKey(keyHash)} AND insert_id=${hexLiteral(instead.insertId, INSERT_ID_BYTES)}`,
    true,
  );
  return affectedRows === 1;
}

async function inserted(session: Session, keyHash: string, reservation: Reservation): Promise<boolean> {
  const columns = { key_hash: hexLiteral(keyHash, HASH_BYTES), ...columnsOf(reservation) };
  try {
    await session.query(`INSERT INTO reservations (${Object.keys(columns)}) VALUES (${Object.values(columns)})`, true);
    return true;
  } catch (error) {
    if (isRefusal(error, ER_DUP_ENTRY)) return false;
    throw error;
  }
}

function columnsOf({ requestHash, kind, code, counter, insertId, reservedAtMs }: Reservation) {
  if (!isStorableCode(code)) throw new RangeError('the code of a reservation does not fit its column');
  return {
    request_hash: hexLiteral(requestHash, HASH_BYTES),
    kind: kind === 'generated' ? KIND_GENERATED : KIND_ALIAS,
    code: asciiLiteral(code),
    counter: integerLiteral(counter),
    insert_id: hexLiteral(insertId, INSERT_ID_BYTES),
    reserved_at_ms: integerLiteral(reservedAtMs),
  };
}
