import type { SqlSession } from '../../wire/transaction.js';

/**
 * One step of the schema, forward only. A step that was released is never changed: databases remember its checksum. Data
 * definition commits by itself, so a crash may leave a step half done, and servers may meet in one: every statement has to
 * be harmless when it is repeated.
 */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly statements: readonly Statement[];
}

export type Statement = string | UnlessStatement | PlainStatement | PiecesStatement | ProgramStatement;

/** One that the server refuses, with `unless`, where it was done before. */
export interface UnlessStatement {
  readonly sql: string;
  readonly unless: number;
}

/** One that a keyspace of Vitess is spared. */
export interface PlainStatement {
  readonly sql: string;
  readonly isForPlainServers: true;
}

/**
 * An UPDATE of every row of a table whose primary key begins with domain and code. It is sent for a piece after the other, each in a transaction
 * of its own, so that it holds up nobody who writes; `sql` ends with a condition that no row meets which was done before.
 */
export interface PiecesStatement {
  readonly sql: string;
  readonly piecesOf: 'links' | 'edit_receipts';
}

/** What takes more than statements. `sql` says what is done, for the checksum. */
export interface ProgramStatement {
  readonly sql: string;
  run(session: SqlSession): Promise<void>;
}

export const textOf = (statement: Statement): string => (typeof statement === 'string' ? statement : statement.sql);
