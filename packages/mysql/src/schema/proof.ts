import { randomBytes, randomInt } from 'node:crypto';
import { bucketOf } from '@lakh/links';
import { forceBeat } from '../wire/beat-row.js';
import { isVitess, type Session } from '../wire/connection.js';
import { asciiLiteral, byteLiteral, integerLiteral, textLiteral } from '../wire/sql.js';
import type { SqlSession } from '../wire/transaction.js';

/**
 * Each fills half a page, so that a disk which has room for nothing but small rows does not pass. One byte too many for that would lie in pages of its
 * own, for which InnoDB has a reserve that it gives to no other row: it would pass where links do not.
 */
const LONG_ROWS = 4;
const LONG_URL = 7_900;
/** More than a megabyte of pages. */
const ROWS_OF_ROOM = 140;
/** Far more than it takes to meet one bucket of 256 a few times. */
const MOST_TRIED = 20_000;

/**
 * Stores rows where links and leases go, and takes them back. Nobody ever sees them, and servers that do so at once do not meet: no
 * link has such a code, and no lease such a namespace. Rejects as a create or a lease would. Of a keyspace it is the ledger's shard that is asked; the
 * others by {@link proveLinksAreTaken}, each for itself.
 */
export async function proveRowsAreTaken(session: SqlSession & Partial<Pick<Session, 'facts'>>): Promise<void> {
  const name = proofName();
  const lease = `INSERT INTO id_leases (namespace, start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec) VALUES (${textLiteral(name)},${integerLiteral(randomInt(2 ** 47))},0,'','',0,0,0,'')`;
  const isKeyspace = isVitess(session.facts?.version ?? '');
  if (isKeyspace) await takeBack(session, [lease]);
  else await takeBack(session, [insertOf(codesOf(name, () => true)), lease], true);
}

/** As {@link proveRowsAreTaken}, with links of some buckets alone, of which there is one in 256 at least. */
export async function proveLinksAreTaken(session: SqlSession, isOwn: (bucket: number) => boolean): Promise<void> {
  await takeBack(session, [insertOf(codesOf(proofName(), isOwn))]);
}

/**
 * Has the file of the links grow beyond one megabyte, from which size on InnoDB keeps a reserve for undoing what it refuses. Below it MariaDB ends on a full
 * disk where several rows at once are refused, a proof's too (`Error (Out of disk space) in rollback`). Replicas do the same, and nobody sees the rows.
 */
export async function makeRoomForUndoing(session: SqlSession): Promise<void> {
  const codes = codesOf(proofName(), () => true, ROWS_OF_ROOM);
  try {
    await session.query('START TRANSACTION');
    await session.query(insertOf(codes));
    await session.query(`DELETE FROM links WHERE domain_id=0 AND code IN (${codes.map(asciiLiteral)})`, true);
    await session.query('COMMIT');
  } catch (error) {
    session.destroy('its transaction failed');
    throw error;
  }
}

const proofName = (): string => `-proof-${randomBytes(8).toString('hex')}`;

function codesOf(name: string, isOwn: (bucket: number) => boolean, count = LONG_ROWS): readonly string[] {
  const codes: string[] = [];
  for (let i = 0; codes.length < count && i < MOST_TRIED; i += 1) {
    const code = `${name}-${i}`;
    if (isOwn(bucketOf(0, code))) codes.push(code);
  }
  return codes;
}

function insertOf(codes: readonly string[]): string {
  const rows = codes.map(
    (code) => `(${byteLiteral(bucketOf(0, code))},0,${asciiLiteral(code)},2,0,x'00',REPEAT('x',${LONG_URL}),0)`,
  );
  return `INSERT INTO links (bucket,domain_id,code,kind,counter,insert_id,long_url,created_at_ms) VALUES ${rows}`;
}

async function takeBack(session: SqlSession, statements: readonly string[], isCommitting = false): Promise<void> {
  try {
    await session.query('START TRANSACTION');
    for (const statement of statements) await session.query(statement);
    await session.query('ROLLBACK');
    // Under a binary log a full disk takes rows, and no commit ends.
    if (isCommitting) await forceBeat(session);
  } catch (error) {
    session.destroy('its transaction failed');
    throw error;
  }
}
