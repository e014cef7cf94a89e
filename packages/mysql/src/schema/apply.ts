import { setTimeout as sleep } from 'node:timers/promises';
import { isVitess, type Session } from '../wire/connection.js';
import { ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, isRefusal } from '../wire/errors.js';
import { asciiLiteral, integerLiteral } from '../wire/sql.js';
import type { PiecesStatement, Statement } from './migrations/index.js';

/** How far a statement has come that changes every row of a table; told every few seconds. */
export interface MigrationProgress {
  readonly table: string;
  readonly rows: number;
  /** As the database estimates them. */
  readonly ofAbout: number;
}

/** For one statement: one that rebuilds a big table may take long, and so may waiting until nobody holds a lock. */
const STATEMENT_DEADLINE_MS = 600_000;
/**
 * A definition that waits for a long transaction's lock holds up everybody who comes after it, so it gives up soon and tries again. The default is
 * a day or more.
 */
const LOCK_WAIT_S = 1;
const LOCK_RETRY_MS = 1_000;
/** Their locks are held for milliseconds. */
const ROWS_A_PIECE = 1_000;
const PROGRESS_EVERY_MS = 5_000;

/** Runs `work` on a session whose definitions give up soon where they would hold up others. */
export async function withShortLockWaits<T>(session: Session, work: () => Promise<T>): Promise<T> {
  // An engine in front of others has its own way of waiting, and would tie the session to one of them.
  const isPlain = !isVitess(session.facts.version);
  if (isPlain) await session.query(`SET SESSION lock_wait_timeout=${LOCK_WAIT_S}`);
  try {
    return await work();
  } finally {
    if (isPlain && session.usable) await session.query('SET SESSION lock_wait_timeout=DEFAULT');
  }
}

/** Applies one statement of a migration, or finds that it was applied. */
export async function apply(
  session: Session,
  statement: Statement,
  onProgress: (progress: MigrationProgress) => void = () => {},
): Promise<void> {
  if (typeof statement === 'string') {
    await patiently(session, () => session.query(statement));
  } else if ('isForPlainServers' in statement) {
    if (!isVitess(session.facts.version)) await patiently(session, () => session.query(statement.sql));
  } else if ('piecesOf' in statement) {
    await applyInPieces(session, statement, onProgress);
  } else if ('run' in statement) {
    await patiently(session, () => statement.run(session));
  } else {
    const { sql, unless } = statement;
    await patiently(session, () => session.query(sql)).catch((error: unknown) => {
      if (!isRefusal(error, unless)) throw error;
    });
  }
}

/** `work` within the time that one statement has. */
export async function bounded<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => session.destroy('a statement of the schema took too long'), STATEMENT_DEADLINE_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

/** Once more while others hold the locks that it needs. */
async function patiently<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + STATEMENT_DEADLINE_MS;
  for (;;) {
    try {
      return await bounded(session, work);
    } catch (error) {
      const isLocked = isRefusal(error, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK);
      if (!isLocked || performance.now() > deadline) throw error;
    }
    await sleep(LOCK_RETRY_MS);
  }
}

async function applyInPieces(
  session: Session,
  { sql, piecesOf: table }: PiecesStatement,
  onProgress: (progress: MigrationProgress) => void,
): Promise<void> {
  const one = (query: string) =>
    patiently(session, () => session.query(query)).then(({ rows }) => rows[0]?.[0] ?? null);
  let rows = 0;
  let tellAtMs = performance.now() + PROGRESS_EVERY_MS;
  let domain = await one(`SELECT MIN(domain_id) FROM ${table}`);
  while (domain !== null) {
    const inDomain = `domain_id=${integerLiteral(Number(domain))}`;
    for (let after: unknown = ''; after !== null; ) {
      const rest = `${inDomain} AND code>${asciiLiteral(String(after))}`;
      const last = await one(
        `SELECT code FROM ${table} WHERE ${rest} ORDER BY code LIMIT 1 OFFSET ${ROWS_A_PIECE - 1}`,
      );
      const piece = last === null ? rest : `${rest} AND code<=${asciiLiteral(String(last))}`;
      rows += (await patiently(session, () => session.query(`${sql} AND ${piece}`, true))).affectedRows;
      after = last;
      if (performance.now() < tellAtMs) continue;
      onProgress({ table, rows, ofAbout: Number(await one(estimateOf(table))) });
      tellAtMs = performance.now() + PROGRESS_EVERY_MS;
    }
    domain = await one(`SELECT MIN(domain_id) FROM ${table} WHERE domain_id>${integerLiteral(Number(domain))}`);
  }
}

function estimateOf(table: string): string {
  return `SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=${asciiLiteral(table)}`;
}
