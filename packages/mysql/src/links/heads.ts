/** The writing side of the log of changes. */
import { randomBytes } from 'node:crypto';
import { bucketOf, type LogPosition } from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { asciiLiteral, byteLiteral, hexLiteral, integerLiteral } from '../wire/sql.js';
import type { LinkKey } from './rows.js';

export const NONCE_BYTES = 8;

/** A link that a transaction has written, and the version that it gave it. */
export interface Changed extends LinkKey {
  readonly version: number;
}

interface Head extends LogPosition {
  readonly bucket: number;
}

/**
 * Tells the log what the session's transaction has changed. It is the last thing before the commit, and called once: the heads of the links' buckets are locked,
 * in the order of the buckets, until then, which makes `seq` the order of commits, without gaps. Who holds a head waits for nobody but who has a later one.
 */
export async function logChanges(session: Session, changed: readonly Changed[], nowMs: number): Promise<void> {
  if (changed.length === 0) return;
  const byBucket = new Map<number, Changed[]>();
  for (const change of changed) {
    const bucket = bucketOf(change.domainId, change.code);
    const others = byBucket.get(bucket);
    if (others) others.push(change);
    else byBucket.set(bucket, [change]);
  }
  const raised: Head[] = [];
  const rows: string[] = [];
  for (const head of await lockHeads(session, [...byBucket.keys()])) {
    let { seq, nonce } = head;
    for (const { domainId, code, version } of byBucket.get(head.bucket) ?? []) {
      const previous = nonce;
      seq += 1;
      nonce = randomBytes(NONCE_BYTES).toString('hex');
      rows.push(
        `(${byteLiteral(head.bucket)},${integerLiteral(seq)},${nonceLiteral(previous)},${nonceLiteral(nonce)},${integerLiteral(domainId)},${asciiLiteral(code)},${integerLiteral(version)},${integerLiteral(nowMs)})`,
      );
    }
    raised.push({ bucket: head.bucket, seq, nonce });
  }
  await raise(session, raised);
  await session.query(`INSERT INTO changes (bucket,seq,previous,nonce,domain_id,code,version,at_ms) VALUES ${rows}`);
}

async function lockHeads(session: Session, buckets: readonly number[]): Promise<readonly Head[]> {
  const { rows } = await session.query(
    `SELECT HEX(bucket),seq,HEX(nonce) FROM heads WHERE bucket IN (${buckets.map(byteLiteral)}) ORDER BY bucket FOR UPDATE`,
  );
  if (rows.length !== buckets.length) throw new Error(`${rows.length} of ${buckets.length} buckets have a head`);
  return rows.map(([bucket, seq, nonce]) => ({
    bucket: Number.parseInt(String(bucket), 16),
    seq: Number(seq),
    nonce: String(nonce),
  }));
}

/** In one statement, however many they are: each is locked until the commit. */
async function raise(session: Session, heads: readonly Head[]): Promise<void> {
  const cases = (value: (head: Head) => string) =>
    `CASE bucket ${heads.map((head) => `WHEN ${byteLiteral(head.bucket)} THEN ${value(head)}`).join(' ')} END`;
  const seqs = cases(({ seq }) => integerLiteral(seq));
  const nonces = cases(({ nonce }) => nonceLiteral(nonce));
  await session.query(
    `UPDATE heads SET seq=${seqs}, nonce=${nonces} WHERE bucket IN (${heads.map(({ bucket }) => byteLiteral(bucket))})`,
  );
}

const nonceLiteral = (nonce: string) => hexLiteral(nonce, NONCE_BYTES);
