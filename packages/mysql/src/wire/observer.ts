/** What a statement was for. */
export type StatementKind =
  | 'insert'
  | 'insert_alias'
  | 'find'
  | 'edit'
  | 'remove'
  | 'reserve'
  | 'changes'
  | 'settings'
  | 'ledger';

export type StatementOutcome = 'ok' | 'conflict' | 'unavailable' | 'unknown';

/** `rival`: takes writes, and is not the primary. `peer`: one of several that are all the same. */
export type MemberRole = 'primary' | 'replica' | 'peer' | 'rival' | 'away';

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
  /** Of several members, each time that one is something else; `reason`: why it is away. */
  role?(member: string, role: MemberRole, reason: string): void;
  /** Who the primary is, and who it was before, if anybody. */
  primary?(member: string, before: string | undefined): void;
  /** Why no member is written to; empty once one is again. */
  primaryProblem?(problem: string): void;
  /** Something an operator must hear of, once each: durability is off, for instance. */
  warning?(server: string, message: string): void;
}
