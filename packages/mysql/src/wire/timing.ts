import { ER_DUP_ENTRY, isRefusal, mayBeApplied, SqlFailure, storeError } from './errors.js';
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

/** Runs what is timed as one kind, and fails with the errors of a port's caller: a store's, where nothing else is said. */
export function settling(
  timer: StatementTimer,
  kind: StatementKind,
  errorOf: (error: unknown) => unknown = storeError,
): <T>(work: () => Promise<T>) => Promise<T> {
  return (work) =>
    timer(kind, 1, work).catch((error: unknown) => {
      throw errorOf(error);
    });
}
