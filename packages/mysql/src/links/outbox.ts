import type { InvalidationOutbox } from '@lakh/links';
import type { PrimaryPool } from '../wire/primary-pool.js';
import { integerLiteral } from '../wire/sql.js';
import { observed, type StatementTimer, settling } from '../wire/timing.js';
import { forgetOld } from './forget.js';
import { isStorableCode, whereCode } from './rows.js';

/** The log of changes as an outbox, for as long as the relay of single invalidations is there. What is delivered is a gap in the log. */
export function createMysqlOutbox({
  pool,
  timer = observed(),
}: {
  readonly pool: PrimaryPool;
  readonly timer?: StatementTimer;
}): InvalidationOutbox {
  const settle = settling(timer, 'outbox');

  return {
    pending: (limit) =>
      settle(async () => {
        const { rows } = await pool.read((session) =>
          session.query(`SELECT domain_id, code, version FROM changes ORDER BY at_ms LIMIT ${integerLiteral(limit)}`),
        );
        return rows.map((row) => ({ domainId: Number(row[0]), code: String(row[1]), version: Number(row[2]) }));
      }),

    done: ({ domainId, code, version }) =>
      settle(async () => {
        if (!isStorableCode(code)) return;
        await pool.run((session) =>
          session.query(
            `DELETE FROM changes WHERE ${whereCode(domainId, code)} AND version<=${integerLiteral(version)}`,
            true,
          ),
        );
      }),

    forget: (beforeMs, limit) => settle(() => forgetOld(pool, 'changes', beforeMs, limit)),
  };
}
