import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isVitess, type Session } from '../wire/connection.js';
import {
  DatabaseUnsupportedError,
  ER_DUP_ENTRY,
  ER_NO_SUCH_TABLE,
  isEngineFailure,
  isRefusal,
  SqlFailure,
  storeError,
} from '../wire/errors.js';
import type { PrimaryPool } from '../wire/primary-pool.js';
import { asciiLiteral, integerLiteral } from '../wire/sql.js';
import { apply, bounded, type MigrationProgress, withShortLockWaits } from './apply.js';
import { SchemaMismatchError } from './errors.js';
import { MIGRATIONS, type Migration, textOf } from './migrations/index.js';
import { makeRoomForUndoing } from './proof.js';

export type { MigrationProgress } from './apply.js';

/** For all that is missing: rows of big tables are changed piece by piece. Each statement has a deadline of its own. */
const MIGRATE_DEADLINE_MS = 24 * 3_600_000;
const LOCK_WAIT_S = 60;
const KNOWN_DEADLINE_MS = 30_000;
const KNOWN_RETRY_MS = 200;

const CREATE_RECORD = `CREATE TABLE IF NOT EXISTS schema_migrations (
  number INT UNSIGNED NOT NULL,
  name VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  applied_at_ms BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (number)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`;

export interface MigrateOptions {
  readonly migrations?: readonly Migration[];
  /** Unix milliseconds, for the record. */
  readonly nowMs?: () => number;
  /** Told every few seconds of what takes long. */
  readonly onProgress?: (migration: string, progress: MigrationProgress) => void;
}

function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.statements.map(textOf).join(';\n')).digest('hex');
}

/**
 * Brings the schema up to date and resolves with the numbers of what this call applied. Any number of servers may call it
 * at once; where nothing is missing it sends no data definition, so that a server without rights to it may call it too.
 * Rejects with {@link SchemaMismatchError} when the schema is newer than this program or was changed, and with the
 * server's own words when it refuses a statement.
 */
export async function migrate(pool: PrimaryPool, options: MigrateOptions = {}): Promise<readonly number[]> {
  const { migrations = MIGRATIONS, nowMs = Date.now, onProgress = () => {} } = options;
  return withServersWords(pool, async () => {
    if ((await pool.run((session) => missing(session, pool.name, migrations))).length === 0) return [];
    return pool.run(async (session) => {
      // Only spares the others the work: each step is harmless when two servers take it at once, and is recorded once.
      await bounded(session, () => session.query(`SELECT GET_LOCK(${lockName}, ${LOCK_WAIT_S})`));
      try {
        return await withShortLockWaits(session, async () => {
          await apply(session, CREATE_RECORD);
          const applied: number[] = [];
          for (const migration of await bounded(session, () => missing(session, pool.name, migrations))) {
            for (const statement of migration.statements) {
              await apply(session, statement, (progress) => onProgress(label(migration), progress));
            }
            if (await bounded(session, () => recorded(session, migration, nowMs()))) applied.push(migration.number);
          }
          if (isVitess(session.facts.version)) await knownToGate(session);
          else if (migrations === MIGRATIONS) await bounded(session, () => makeRoomForUndoing(session));
          return applied;
        });
      } finally {
        if (session.usable) await bounded(session, () => session.query(`SELECT RELEASE_LOCK(${lockName})`));
      }
    }, MIGRATE_DEADLINE_MS);
  });
}

/** A vtgate hears of new tables by itself, some moments after they were made; until then it cannot join them. */
async function knownToGate(session: Session): Promise<void> {
  const deadline = performance.now() + KNOWN_DEADLINE_MS;
  for (;;) {
    try {
      await session.query('SELECT l.code,h.seq FROM links l LEFT JOIN heads h ON h.bucket=l.bucket LIMIT 1');
      return;
    } catch (error) {
      if (!isEngineFailure(error) || performance.now() > deadline) throw error;
    }
    await sleep(KNOWN_RETRY_MS);
  }
}

/** Resolves when the schema is the one of this program; otherwise rejects with {@link SchemaMismatchError}, naming what is missing. */
export async function checkSchema(pool: PrimaryPool, options: MigrateOptions = {}): Promise<void> {
  const { migrations = MIGRATIONS } = options;
  const absent = await withServersWords(pool, () => pool.run((session) => missing(session, pool.name, migrations)));
  if (absent.length === 0) return;
  const names = absent.map(label).join(', ');
  throw new SchemaMismatchError(
    `${pool.name} lacks ${absent.length === 1 ? 'migration' : 'migrations'} ${names}: run them with a user that may create and alter tables (LAKH_MIGRATE=auto does at start)`,
  );
}

/** One per database, at most 64 characters. */
const lockName = "CONCAT('lakh-migrate:', LEFT(DATABASE(), 48))";

function label(migration: Migration): string {
  return `${String(migration.number).padStart(4, '0')}-${migration.name}`;
}

async function missing(
  session: Session,
  name: string,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const applied = await readApplied(session);
  for (const [number, { recordedName, checksum }] of applied) {
    const known = migrations.find((migration) => migration.number === number);
    if (!known) {
      throw new SchemaMismatchError(
        `${name} has migration ${number} (${recordedName}), which this program does not know: it is older than the schema; use the newer release`,
      );
    }
    if (checksumOf(known) !== checksum) {
      throw new SchemaMismatchError(
        `${name} was migrated by another form of ${label(known)} (checksum ${checksum.slice(0, 12)}, here ${checksumOf(known).slice(0, 12)})`,
      );
    }
  }
  return migrations.filter((migration) => !applied.has(migration.number));
}

async function readApplied(session: Session): Promise<Map<number, { recordedName: string; checksum: string }>> {
  try {
    const { rows } = await session.query('SELECT number, name, checksum FROM schema_migrations ORDER BY number');
    return new Map(rows.map((row) => [Number(row[0]), { recordedName: String(row[1]), checksum: String(row[2]) }]));
  } catch (error) {
    if (isRefusal(error, ER_NO_SUCH_TABLE)) return new Map();
    throw error;
  }
}

/** False: another server recorded it first. */
async function recorded(session: Session, migration: Migration, atMs: number): Promise<boolean> {
  try {
    await session.query(
      `INSERT INTO schema_migrations (number, name, checksum, applied_at_ms) VALUES (${integerLiteral(migration.number)},${asciiLiteral(migration.name)},${asciiLiteral(checksumOf(migration))},${integerLiteral(atMs)})`,
      true,
    );
    return true;
  } catch (error) {
    if (isRefusal(error, ER_DUP_ENTRY)) return false;
    throw error;
  }
}

/** No statement here carries a row of anybody's, so the server's own message may be told. */
async function withServersWords<T>(pool: PrimaryPool, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SqlFailure && error.kind === 'refused') {
      throw new SchemaMismatchError(`${pool.name} refused a statement of the schema: ${error.serverMessage}`, {
        cause: error,
      });
    }
    throw error instanceof DatabaseUnsupportedError ? error : storeError(error);
  }
}
