/** What a statement was for. */
export type StatementKind =
  | 'insert'
  | 'insert_alias'
  | 'find'
  | 'edit'
  | 'remove'
  | 'reserve'
  | 'outbox'
  | 'changes'
  | 'settings'
  | 'ledger';

export type StatementOutcome = 'ok' | 'conflict' | 'unavailable' | 'unknown';

/** Called as things happen, for metrics and logs. Each must be cheap and must not throw. */
export interface MysqlObserver {
  /** One statement (or transaction) of `rows` rows or codes ended. */
  statement?(kind: StatementKind, rows: number, durationMs: number, outcome: StatementOutcome): void;
  /** The server stopped (false, with the reason) or began again (true) to answer. */
  availability?(server: string, available: boolean, reason: string): void;
  /** A write was refused for the state that the server is in. */
  writeRefused?(server: string, errno: number): void;
  /** The server began to refuse writes (false, with the reason), or was seen to take rows again (true). */
  writability?(server: string, writable: boolean, reason: string): void;
  /** Something an operator must hear of, once each: durability is off, for instance. */
  warning?(server: string, message: string): void;
}
