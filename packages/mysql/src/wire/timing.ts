import { ER_DUP_ENTRY, isRefusal, mayBeApplied, SqlFailure } from './errors.js';
import type { MysqlObserver, StatementKind, StatementOutcome } from './observer.js';

/** Runs `work` and tells an observer how long it took and how it ended. */
export type StatementTimer = <T>(kind: StatementKind, rows: number, work: () => Promise<T>) => Promise<T>;

export function observed(observer: MysqlObserver = {}): StatementTimer {
  return async (kind, rows, work) => {
    const startedAt = performance.now();
    const tell = (outcome: StatementOutcome) =>
      observer.statement?.(kind, rows, performance.now() - startedAt, outcome);
    try {
      const result = await work();
      tell('ok');
      return result;
    } catch (error) {
      tell(outcomeOf(error));
      throw error;
    }
  };
}

function outcomeOf(error: unknown): StatementOutcome {
  if (isRefusal(error, ER_DUP_ENTRY)) return 'conflict';
  return error instanceof SqlFailure && mayBeApplied(error) ? 'unknown' : 'unavailable';
}
