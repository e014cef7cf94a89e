/** The row of the table `beats`, which goes on all the time: see beats.ts for what that proves. */
import { randomBytes } from 'node:crypto';
import type { Beat } from './beats.js';
import { ER_NO_SUCH_TABLE, isRefusal } from './errors.js';
import { hexLiteral } from './sql.js';
import type { SqlSession } from './transaction.js';

const NONCE_BYTES = 8;

const newNonce = (): string => hexLiteral(randomBytes(NONCE_BYTES).toString('hex'), NONCE_BYTES);

/** Undefined on a database from before the table. */
export function readBeat(session: SqlSession): Promise<Beat | undefined> {
  return whereItIs(async () => {
    const { rows } = await session.query('SELECT seq,LOWER(HEX(nonce)) FROM beats WHERE id=1');
    return rows[0] && { seq: Number(rows[0][0]), nonce: String(rows[0][1]) };
  });
}

/** The next beat after `last`, if that is still the last; of several who try one succeeds. */
export async function nextBeat(session: SqlSession, last: Beat): Promise<void> {
  const where = `id=1 AND nonce=${hexLiteral(last.nonce, NONCE_BYTES)}`;
  await session.query(`UPDATE beats SET seq=seq+1, nonce=${newNonce()} WHERE ${where}`, true);
}

/** Commits the next one, whatever the last was. */
export async function forceBeat(session: SqlSession): Promise<void> {
  await whereItIs(() => session.query(`UPDATE beats SET seq=seq+1, nonce=${newNonce()} WHERE id=1`, true));
}

async function whereItIs<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isRefusal(error, ER_NO_SUCH_TABLE)) return undefined;
    throw error;
  }
}
