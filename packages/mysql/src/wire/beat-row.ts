/** The row of the table `beats`, whose nonce is replaced all the time: see beats.ts for what that proves. */
import { randomBytes } from 'node:crypto';
import { ER_NO_SUCH_TABLE, isRefusal } from './errors.js';
import { hexLiteral } from './sql.js';
import type { SqlSession } from './transaction.js';

const NONCE_BYTES = 8;

const newNonce = (): string => hexLiteral(randomBytes(NONCE_BYTES).toString('hex'), NONCE_BYTES);

/** Undefined on a database from before the table. */
export function readBeat(session: SqlSession): Promise<string | undefined> {
  return whereItIs(async () => {
    const { rows } = await session.query('SELECT LOWER(HEX(nonce)) FROM beats WHERE id=1');
    return rows[0] && String(rows[0][0]);
  });
}

/** Puts another nonce where `instead` stands; of several who try one succeeds. */
export async function replaceBeat(session: SqlSession, instead: string): Promise<void> {
  const where = `id=1 AND nonce=${hexLiteral(instead, NONCE_BYTES)}`;
  await session.query(`UPDATE beats SET nonce=${newNonce()} WHERE ${where}`, true);
}

/** Commits another nonce, whatever stands there. */
export async function forceBeat(session: SqlSession): Promise<void> {
  await whereItIs(() => session.query(`UPDATE beats SET nonce=${newNonce()} WHERE id=1`, true));
}

async function whereItIs<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isRefusal(error, ER_NO_SUCH_TABLE)) return undefined;
    throw error;
  }
}
