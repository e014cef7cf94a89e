import type { Reservation, ReservationStore } from '@lakh/links';
import type { Connection, Row } from './connection.js';
import { GroupCommit, LINK_ERRORS } from './group-commit.js';
import { KIND } from './schema.js';

const COLUMNS = 'request_hash, kind, code, counter, insert_id, reserved_at_ms';

export interface EmbeddedReservationStore extends ReservationStore {
  /** Commits what waits, now. */
  flush(): void;
}

interface Asked {
  readonly keyHash: string;
  readonly reservation: Reservation;
  readonly instead: Reservation | undefined;
}

/** Reservations of creates with idempotency keys, in the data file. */
export function openReservationStore(connection: Connection): EmbeddedReservationStore {
  const select = connection.prepare(`SELECT ${COLUMNS} FROM reservations WHERE key_hash = ?`);
  const replace = connection.prepare(`REPLACE INTO reservations (${COLUMNS}, key_hash) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const drop = connection.prepare(
    'DELETE FROM reservations WHERE key_hash IN (SELECT key_hash FROM reservations WHERE reserved_at_ms < ? ORDER BY reserved_at_ms LIMIT ?)',
  );
  const present = (keyHash: string): Reservation | undefined => {
    const row = select.get([keyHash]);
    return row && toReservation(row);
  };

  function write({ keyHash, reservation, instead }: Asked): Reservation {
    const found = present(keyHash);
    if (found !== undefined && found.insertId !== instead?.insertId) return found;
    const { requestHash, kind, code, counter, insertId, reservedAtMs } = reservation;
    replace.run([requestHash, KIND[kind], code, counter, insertId, reservedAtMs, keyHash]);
    return reservation;
  }
  const commits = new GroupCommit(connection, write, ({ reservation }) => `the reservation of ${reservation.code}`);

  return {
    find: async (keyHash) => connection.read(LINK_ERRORS, () => present(keyHash)),

    reserve: (keyHash, reservation, instead) => commits.add({ keyHash, reservation, instead }),

    async forget(beforeMs, limit) {
      return connection.write(LINK_ERRORS, () => drop.run([beforeMs, limit]).changes);
    },

    flush: () => commits.flush(),
  };
}

/** A row of {@link COLUMNS}. */
function toReservation(row: Row): Reservation {
  return {
    requestHash: row[0] as string,
    kind: row[1] === KIND.generated ? 'generated' : 'alias',
    code: row[2] as string,
    counter: row[3] as number,
    insertId: row[4] as string,
    reservedAtMs: row[5] as number,
  };
}
