import type { Session } from './connection.js';

/** What keepers of rows use: the pool of one server, or a database of several, whose primary is asked. */
export interface PrimaryPool {
  readonly name: string;
  /** For one call as a whole, where it names none. */
  readonly deadlineMs: number;
  readonly available: boolean;
  /** Why it cannot be used now; empty while it can. */
  readonly unavailableReason: string;
  /** Why it takes no rows, although it answers; empty while nothing says so. */
  readonly writeRefusal: string;
  run<T>(work: (session: Session) => Promise<T>, deadlineMs?: number): Promise<T>;
  read<T>(work: (session: Session) => Promise<T>, deadlineMs?: number): Promise<T>;
  transaction<T>(work: (session: Session) => Promise<T>, deadlineMs?: number): Promise<T>;
  proveWritable(): Promise<void>;
  /** Who answers reads that may be as old as it says; undefined: nobody, or only the primary does. */
  reader?(): ReplicaReader | undefined;
}

/** The connections to one server, for whoever has several servers. */
export interface ServerPool extends Omit<PrimaryPool, 'reader'> {
  abandon(reason: string): void;
  close(): void;
}

/** How often a bucket's log was written to, and the nonce of the last time. */
export interface LogPlace {
  readonly seq: number;
  readonly nonce: string;
}

/** A replica that is asked instead of the primary. */
export interface ReplicaReader {
  readonly name: string;
  /** How far it may have been behind the primary when it was chosen; infinite where nothing proves it. */
  readonly lagMs: number;
  /**
   * Where only what it answered tells: how far behind it may have been as it was asked, by where it has the log of the link's bucket; undefined where that
   * proves nothing, and the primary is to be asked. Instead of `lagMs`.
   */
  lagOf?(link: { readonly domainId: number; readonly code: string }, shown: LogPlace | undefined): number | undefined;
  /** Within a part of `deadlineMs`: whoever gets no answer has time for another. */
  read<T>(work: (session: Session) => Promise<T>, deadlineMs: number): Promise<T>;
}
