/**
 * The database in memory: transactions at READ COMMITTED, row locks with a limited wait, and connections that can break at any
 * point. What a transaction wrote is seen by itself alone until it commits.
 */
import { ER_DUP_ENTRY, ER_LOCK_WAIT_TIMEOUT, SqlFailure, type SqlResult } from '@lakh/mysql';
import type { SimulatedClock } from '@lakh/testkit';
import type { Effect, Plan } from './plans.js';
import { planStatement } from './statements.js';
import { type LeaseRow, type LinkRow, Tables } from './tables.js';

/** As every session of Lakh's sets it. */
const LOCK_WAIT_MS = 2_000;
const MAX_WAITING = 1_000;

/** The server's end of a connection. */
export interface SqlServerSession {
  isOpen: boolean;
  /** What an open transaction has written so far; undefined outside of one. */
  writes: ((tables: Tables) => void)[] | undefined;
  readonly locks: Set<string>;
  /** The client hears that the connection is gone. */
  onBroken: () => void;
}

interface Waiting {
  readonly session: SqlServerSession;
  readonly locks: readonly string[];
  readonly run: () => void;
  readonly cancelTimer: () => void;
}

export type DatabaseCopy = Tables;

export interface DatabaseWatcher {
  /** By statements, not by a disaster. */
  headMoved(namespace: string, from: number, to: number): void;
  leased(row: LeaseRow): void;
}

export class SimulatedDatabase {
  readonly #time: SimulatedClock;
  readonly #watcher: DatabaseWatcher | undefined;
  readonly #sessions = new Set<SqlServerSession>();
  readonly #locked = new Map<string, SqlServerSession>();
  #waiting: Waiting[] = [];
  #tables = new Tables();
  /** What the tables were at the last disaster, and every commit since. */
  #base = new Tables();
  readonly #commits: (readonly ((tables: Tables) => void)[])[] = [];
  #restores = 0;

  constructor(time: SimulatedClock, watcher?: DatabaseWatcher) {
    this.#time = time;
    this.#watcher = watcher;
  }

  /** What is committed. */
  get tables(): Tables {
    return this.#tables;
  }

  /** Another number after each disaster: what was sent before it is lost. */
  get restores(): number {
    return this.#restores;
  }

  open(onBroken: () => void): SqlServerSession {
    const session = { isOpen: true, writes: undefined, locks: new Set<string>(), onBroken };
    this.#sessions.add(session);
    return session;
  }

  /** No transaction is open on it. */
  isIdle(session: SqlServerSession): boolean {
    return session.writes === undefined && session.locks.size === 0;
  }

  /** Rolls back what was begun and gives up its locks. */
  close(session: SqlServerSession): void {
    if (!session.isOpen) return;
    session.isOpen = false;
    session.writes = undefined;
    this.#sessions.delete(session);
    for (const waiting of this.#waiting) if (waiting.session === session) waiting.cancelTimer();
    this.#waiting = this.#waiting.filter((waiting) => waiting.session !== session);
    this.#unlock(session);
  }

  /** Every connection breaks, as when the server is restarted. */
  breakConnections(): void {
    for (const session of [...this.#sessions]) {
      this.close(session);
      session.onBroken();
    }
  }

  copy(): DatabaseCopy {
    return new Tables(this.#tables);
  }

  /** As it stood before its last `commits`: what a replica that lagged has when it is promoted. */
  copyBefore(commits: number): DatabaseCopy {
    const copy = new Tables(this.#base);
    for (const writes of this.#commits.slice(0, Math.max(0, this.#commits.length - commits))) {
      for (const write of writes) write(copy);
    }
    return copy;
  }

  restore(copy: DatabaseCopy): void {
    this.breakConnections();
    this.#tables = new Tables(copy);
    this.#base = new Tables(copy);
    this.#commits.length = 0;
    this.#restores += 1;
  }

  wipe(): void {
    this.restore(new Tables());
  }

  /** Loses head, leases and releases, and keeps the links. */
  loseLedger(): void {
    const left = new Tables();
    for (const [code, link] of this.#tables.links) left.links.set(code, link);
    this.restore(left);
  }

  /** What the unique key says of a new link. */
  insertLink(link: LinkRow): 'inserted' | LinkRow {
    const present = this.#tables.links.get(link.code);
    if (present === undefined) this.#commit([(tables) => tables.links.set(link.code, link)]);
    return present ?? 'inserted';
  }

  /** Runs one statement on an open session and answers once; a wait for a lock comes between. */
  execute(
    session: SqlServerSession,
    sql: string,
    commits: boolean,
    answer: (result: SqlResult | SqlFailure) => void,
  ): void {
    if (sql === 'START TRANSACTION') {
      session.writes = [];
      answer({ rows: [], affectedRows: 0 });
    } else if (sql === 'COMMIT') {
      const writes = session.writes ?? [];
      session.writes = undefined;
      this.#commit(writes);
      this.#unlock(session);
      answer({ rows: [], affectedRows: 0 });
    } else {
      const plan = planStatement(sql);
      this.#whenLocked(session, plan.locks, commits, answer, () => answer(this.#run(session, plan, commits)));
    }
  }

  #run(session: SqlServerSession, plan: Plan, commits: boolean): SqlResult | SqlFailure {
    const effect = plan.run(this.#seenBy(session));
    if (effect.isDuplicate) {
      this.#unlockStatement(session);
      return new SqlFailure('refused', 'the server answered ER_DUP_ENTRY (1062)', { errno: ER_DUP_ENTRY, commits });
    }
    this.#write(session, effect);
    this.#unlockStatement(session);
    return { rows: effect.rows ?? [], affectedRows: effect.affectedRows ?? 0 };
  }

  #seenBy(session: SqlServerSession): Tables {
    if (session.writes === undefined || session.writes.length === 0) return this.#tables;
    const seen = new Tables(this.#tables, true);
    for (const write of session.writes) write(seen);
    return seen;
  }

  #write(session: SqlServerSession, { write }: Effect): void {
    if (write === undefined) return;
    if (session.writes === undefined) this.#commit([write]);
    else session.writes.push(write);
  }

  #commit(writes: readonly ((tables: Tables) => void)[]): void {
    if (writes.length === 0) return;
    this.#commits.push(writes);
    const heads = new Map(this.#tables.heads);
    for (const write of writes) write(this.#tables);
    for (const [namespace, { head }] of this.#tables.heads) {
      const was = heads.get(namespace)?.head;
      if (was !== undefined && was !== head) this.#watcher?.headMoved(namespace, was, head);
    }
    for (const row of this.#tables.takeWritten()) if (row.state === 'leased') this.#watcher?.leased(row);
  }

  #whenLocked(
    session: SqlServerSession,
    locks: readonly string[],
    commits: boolean,
    answer: (failure: SqlFailure) => void,
    run: () => void,
  ): void {
    if (this.#areFree(session, locks)) {
      this.#lock(session, locks);
      run();
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) throw new Error('the simulated database has too many waiting statements');
    const cancelTimer = this.#time.schedule(LOCK_WAIT_MS, () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      const failure = 'the server answered ER_LOCK_WAIT_TIMEOUT (1205)';
      answer(new SqlFailure('refused', failure, { errno: ER_LOCK_WAIT_TIMEOUT, commits }));
    });
    const waiting: Waiting = { session, locks, run, cancelTimer };
    this.#waiting.push(waiting);
  }

  #areFree(session: SqlServerSession, locks: readonly string[]): boolean {
    return locks.every((key) => {
      const holder = this.#locked.get(key);
      return holder === undefined || holder === session;
    });
  }

  #lock(session: SqlServerSession, locks: readonly string[]): void {
    for (const key of locks) {
      this.#locked.set(key, session);
      session.locks.add(key);
    }
  }

  /** Outside of a transaction a statement's locks end with it. */
  #unlockStatement(session: SqlServerSession): void {
    if (session.writes === undefined) this.#unlock(session);
  }

  #unlock(session: SqlServerSession): void {
    if (session.locks.size === 0) return;
    for (const key of session.locks) this.#locked.delete(key);
    session.locks.clear();
    for (;;) {
      const next = this.#waiting.find((waiting) => this.#areFree(waiting.session, waiting.locks));
      if (next === undefined) return;
      this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
      next.cancelTimer();
      this.#lock(next.session, next.locks);
      next.run();
    }
  }
}
