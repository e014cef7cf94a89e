import type { FactStore } from '@lakh/facts';
import { ER_DUP_ENTRY, ER_NO_SUCH_TABLE, isRefusal } from '../wire/errors.js';
import { asciiLiteral, isVisibleAscii, textLiteral } from '../wire/sql.js';
import { observed, type StatementTimer, settling } from '../wire/timing.js';
import type { SqlPool, SqlSession } from '../wire/transaction.js';

const NAME_MAX_LENGTH = 128;

/** Facts, in the table `settings`. Values are compared byte by byte. */
export function createMysqlFacts({
  pool,
  timer = observed(),
}: {
  readonly pool: SqlPool;
  readonly timer?: StatementTimer;
}): FactStore {
  const settle = settling(timer, 'settings');

  return {
    read: async (name) => {
      try {
        return await settle(() => pool.run((session) => readFact(session, name)));
      } catch (error) {
        // A database that was never migrated has recorded nothing.
        if (error instanceof Error && isRefusal(error.cause, ER_NO_SUCH_TABLE)) return undefined;
        throw error;
      }
    },

    recordOnce: (name, value) =>
      settle(() =>
        pool.run(async (session) => {
          const present = await readFact(session, name);
          if (present !== undefined) return present;
          try {
            await session.query(
              `INSERT INTO settings (name, value) VALUES (${nameLiteral(name)},${textLiteral(value)})`,
              true,
            );
            return value;
          } catch (error) {
            const first = isRefusal(error, ER_DUP_ENTRY) ? await readFact(session, name) : undefined;
            if (first === undefined) throw error;
            return first;
          }
        }),
      ),

    replace: (name, expected, value) =>
      settle(() =>
        pool.transaction(async (session) => {
          // Compared here: SQL's = ignores blanks at the end.
          if ((await readFact(session, name, ' FOR UPDATE')) !== expected) return false;
          await session.query(`UPDATE settings SET value=${textLiteral(value)} WHERE name=${nameLiteral(name)}`);
          return true;
        }),
      ),
  };
}

function nameLiteral(name: string): string {
  if (name === '' || name.length > NAME_MAX_LENGTH || !isVisibleAscii(name)) {
    throw new RangeError(`a fact's name is 1–${NAME_MAX_LENGTH} visible ASCII characters`);
  }
  return asciiLiteral(name);
}

/** What is recorded under `name` now. */
async function readFact(session: SqlSession, name: string, lock = ''): Promise<string | undefined> {
  const { rows } = await session.query(`SELECT value FROM settings WHERE name=${nameLiteral(name)}${lock}`);
  return rows[0] ? String(rows[0][0]) : undefined;
}
