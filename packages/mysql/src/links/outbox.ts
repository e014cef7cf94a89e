import type { InvalidationOutbox } from '@lakh/links';
import { storeError } from '../wire/errors.js';
import type { Pool } from '../wire/pool.js';
import type { ShardRouter } from '../wire/shards.js';
import { integerLiteral } from '../wire/sql.js';
import { observed, type StatementTimer } from '../wire/timing.js';
import { isStorableCode, whereCode } from './rows.js';

/** Invalidations that wait on the shards of their links; the store's `remove` writes them. */
export function createMysqlOutbox({
  shards,
  timer = observed(),
}: {
  readonly shards: ShardRouter<Pool>;
  readonly timer?: StatementTimer;
}): InvalidationOutbox {
  const settle = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await timer('outbox', 1, work);
    } catch (error) {
      throw storeError(error);
    }
  };

  return {
    pending: (limit) =>
      settle(async () => {
        const perShard = await Promise.all(
          shards.all.map((pool) =>
            pool.run((session) =>
              session.query(
                `SELECT domain_id, code, version, created_at_ms FROM invalidations ORDER BY created_at_ms LIMIT ${integerLiteral(limit)}`,
              ),
            ),
          ),
        );
        return perShard
          .flatMap(({ rows }) => rows)
          .sort((a, b) => Number(a[3]) - Number(b[3]))
          .slice(0, limit)
          .map((row) => ({ domainId: Number(row[0]), code: String(row[1]), version: Number(row[2]) }));
      }),

    done: ({ domainId, code, version }) =>
      settle(async () => {
        if (!isStorableCode(code)) return;
        await shards
          .of(domainId, code)
          .run((session) =>
            session.query(
              `DELETE FROM invalidations WHERE ${whereCode(domainId, code)} AND version<=${integerLiteral(version)}`,
              true,
            ),
          );
      }),
  };
}
