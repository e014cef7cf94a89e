import { randomBytes, randomInt } from 'node:crypto';
import { bucketOf } from '@lakh/links';
import { forceBeat } from '../wire/beat-row.js';
import { asciiLiteral, byteLiteral, integerLiteral, textLiteral } from '../wire/sql.js';
import type { SqlSession } from '../wire/transaction.js';

/** Each fills a page of its own, so that a disk which has room for nothing but small rows does not pass. */
const LONG_ROWS = 4;
const LONGEST_URL = 8_192;

/**
 * Stores rows where links and leases go, and takes them back. Nobody ever sees them, and servers that do so at once do not meet: no
 * link has such a code, and no lease such a namespace. Rejects as a create or a lease would.
 */
export async function proveRowsAreTaken(session: SqlSession): Promise<void> {
  const name = `-proof-${randomBytes(8).toString('hex')}`;
  const links = Array.from(
    { length: LONG_ROWS },
    (_, i) =>
      `(${byteLiteral(bucketOf(0, `${name}-${i}`))},0,${asciiLiteral(`${name}-${i}`)},2,0,x'00',REPEAT('x',${LONGEST_URL}),0)`,
  );
  try {
    await session.query('START TRANSACTION');
    await session.query(
      `INSERT INTO links (bucket,domain_id,code,kind,counter,insert_id,long_url,created_at_ms) VALUES ${links.join(',')}`,
    );
    await session.query(
      `INSERT INTO id_leases (namespace, start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec) VALUES (${textLiteral(name)},${integerLiteral(randomInt(2 ** 47))},0,'','',0,0,0,'')`,
    );
    await session.query('ROLLBACK');
    // Under a binary log a full disk takes rows, and no commit ends.
    await forceBeat(session);
  } catch (error) {
    session.destroy('its transaction failed');
    throw error;
  }
}
