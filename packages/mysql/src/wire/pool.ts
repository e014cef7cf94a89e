import { Session } from './connection.js';
import { isEngineFailure, isNotWritable, SqlFailure } from './errors.js';
import { Health } from './health.js';
import { IdleSessions } from './idle-sessions.js';
import { type Member, memberName } from './member.js';
import type { MysqlObserver } from './observer.js';
import type { ServerPool } from './primary-pool.js';
import { inTransaction, type SqlSession } from './transaction.js';
import { Waiters } from './waiters.js';
import { Writability } from './writability.js';

export interface PoolOptions {
  /** Connections at most; each is opened when it is first needed. Default 12. */
  readonly maxConnections?: number;
  /** Callers that may wait for a connection; one more is refused at once. Default 256. */
  readonly maxWaiters?: number;
  /** For one call as a whole: waiting, connecting and asking. Default 2,000. */
  readonly deadlineMs?: number;
  /** For opening one connection, within the call's. Default 1,000. */
  readonly connectDeadlineMs?: number;
  /** A connection that was idle for longer answers a ping before it is used. Default 10,000. */
  readonly idleCheckMs?: number;
  /** Stores rows and takes them back, so that somebody knows whether rows are taken. Without it they are assumed to be. */
  readonly proof?: (session: SqlSession) => Promise<void>;
  /** What has to succeed besides, once the server was away, for it to be back: a question to what is behind it. */
  readonly signOfLife?: (session: SqlSession) => Promise<unknown>;
  /** Of a part of what the server has, that this pool is for alone; behind its name. */
  readonly part?: string;
  readonly observer?: MysqlObserver;
  /** Uniform in [0, 1), for jitter. */
  readonly random?: () => number;
}

/** A deadline that left the server less than this part of the pool's own says nothing about the server when it passes. */
const TELLING_PART = 1 / 2;
/**
 * What a connection that was idle has for a sign of life: firewalls and address translators forget idle connections without a word to either
 * side, and a statement sent on one would wait for its whole deadline.
 */
const PING_DEADLINE_MS = 500;
/** Of what its caller has left, at most; the rest is for another connection. */
const PING_PART = 1 / 4;
/** With less it would say nothing about the connection. */
const LEAST_PING_MS = 50;

/**
 * The connections to one server. Every call settles within its deadline: with what `work` gave, or rejected with a
 * {@link SqlFailure} (or with what `work` threw). While the server is away, calls are refused at once and hold no memory.
 */
export class Pool implements ServerPool {
  readonly name: string;
  readonly #member: Member;
  readonly #options: Required<Omit<PoolOptions, 'proof' | 'signOfLife' | 'part'>>;
  readonly #health: Health;
  readonly #signOfLife: PoolOptions['signOfLife'];
  readonly #writability: Writability | undefined;
  readonly #idle = new IdleSessions((session) => this.#sessions.delete(session));
  readonly #waiters: Waiters;
  readonly #sessions = new Set<Session>();
  /** Raised when another server took this one's place: whoever came before gets no connection any more. */
  #generation = 0;
  /** Connections being opened, beside those in `#sessions`. */
  #opening = 0;
  #warned = new Set<string>();
  #closed = false;

  constructor(member: Member, options: PoolOptions = {}) {
    this.name = [memberName(member), ...(options.part === undefined ? [] : [options.part])].join(' ');
    this.#signOfLife = options.signOfLife;
    this.#member = member;
    this.#options = {
      maxConnections: options.maxConnections ?? 12,
      maxWaiters: options.maxWaiters ?? 256,
      deadlineMs: options.deadlineMs ?? 2_000,
      connectDeadlineMs: options.connectDeadlineMs ?? 1_000,
      idleCheckMs: options.idleCheckMs ?? 10_000,
      observer: options.observer ?? {},
      random: options.random ?? Math.random,
    };
    this.#waiters = new Waiters(this.name, this.#options.maxWaiters);
    this.#health = new Health({
      probe: () => this.#probe(),
      changed: (available, reason) => {
        if (!available) this.#giveUp(reason);
        this.#options.observer.availability?.(this.name, available, reason);
      },
      random: this.#options.random,
    });
    const { proof } = options;
    this.#writability =
      proof &&
      new Writability({
        prove: (deadlineMs) => this.#run(proof, deadlineMs, true),
        changed: (writable, reason) => this.#options.observer.writability?.(this.name, writable, reason),
        random: this.#options.random,
      });
  }

  get available(): boolean {
    return this.#health.available;
  }

  /** Why the server cannot be used now; empty while it can. */
  get unavailableReason(): string {
    return this.#health.reason;
  }

  /** Why the server, which answers, takes no rows; empty while nothing says so. */
  get writeRefusal(): string {
    return this.#writability?.refusal ?? '';
  }

  /** See `SqlPool`. */
  async proveWritable(): Promise<void> {
    await this.#writability?.proven(this.#options.deadlineMs);
  }

  get deadlineMs(): number {
    return this.#options.deadlineMs;
  }

  /** Connections in use, idle and being opened. */
  get connections(): number {
    return this.#sessions.size + this.#opening;
  }

  /**
   * Runs `work` on a connection of its own. After a failure the connection is kept only where the server refused a statement
   * outside a transaction; otherwise it is destroyed, which rolls back what was begun on it.
   */
  run<T>(work: (session: Session) => Promise<T>, deadlineMs?: number): Promise<T> {
    return this.#run(work, deadlineMs, false);
  }

  /** As {@link run}, for `work` that changes nothing: once more, on another connection, when its own broke before all was answered. */
  async read<T>(work: (session: Session) => Promise<T>, deadlineMs: number = this.#options.deadlineMs): Promise<T> {
    const deadline = performance.now() + deadlineMs;
    try {
      return await this.run(work, deadlineMs);
    } catch (error) {
      const leftMs = deadline - performance.now();
      if (!(error instanceof SqlFailure) || error.kind !== 'lost' || leftMs <= 0) throw error;
      return this.run(work, leftMs);
    }
  }

  /** `writes`: whether each of its statements counts as one that writes, not only those that commit. */
  async #run<T>(
    work: (session: Session) => Promise<T>,
    deadlineMs: number = this.#options.deadlineMs,
    writes: boolean,
  ): Promise<T> {
    const deadline = performance.now() + deadlineMs;
    const generation = this.#generation;
    const session = await this.#acquireOrPassOn(deadline);
    if (generation !== this.#generation) {
      this.#release(session);
      throw new SqlFailure('unsent', `${this.name} may be the primary no more`);
    }
    const leftMs = Math.max(0, deadline - performance.now());
    let isLate = false;
    let isOnlyLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      isOnlyLate = leftMs < this.#options.deadlineMs * TELLING_PART;
      session.destroy(`no answer within ${deadlineMs} ms`);
    }, leftMs);
    try {
      const result = await work(session);
      this.#health.success();
      return result;
    } catch (error) {
      if (!(error instanceof SqlFailure)) session.destroy('its user failed');
      else if (error.kind === 'refused') this.#refused(error, writes);
      else if (!isOnlyLate) {
        this.#health.failure(error.message);
        if (isLate && (writes || error.commits)) void this.#unanswered(error.message);
      }
      throw error;
    } finally {
      clearTimeout(timer);
      this.#release(session);
    }
  }

  /** As {@link run}, between BEGIN and COMMIT. `work` sends writes with `commits` unset; only the COMMIT can be of unknown outcome. */
  transaction<T>(work: (session: Session) => Promise<T>, deadlineMs?: number): Promise<T> {
    return this.#run((session) => inTransaction(session, work), deadlineMs, true);
  }

  /** Another server takes its place: what is under way fails as lost, and nothing that was begun can be ended any more. It can be used again. */
  abandon(reason: string): void {
    this.#generation += 1;
    this.#waiters.refuseAll(`${this.name}: ${reason}`);
    this.#drop([...this.#sessions], reason);
    this.#idle.takeIdleFor(0);
    this.#writability?.forget();
  }

  /** Refuses whoever waits and closes every connection; what is in use fails as lost. */
  close(): void {
    this.#closed = true;
    this.#health.close();
    this.#writability?.close();
    this.#giveUp('the pool was closed');
    for (const session of this.#sessions) session.destroy('the pool was closed');
  }

  #refused(failure: SqlFailure, writes: boolean): void {
    if (isEngineFailure(failure)) this.#health.failure(failure.message);
    else this.#health.success(); // it answered
    if (!(writes || failure.commits) || !isNotWritable(failure)) return;
    this.#options.observer.writeRefused?.(this.name, failure.errno);
    this.#writability?.refused(failure.message);
  }

  /**
   * A write had no answer. Where a read has one at once, commits may stand still while everything else goes on: on a full disk under a binary log,
   * or where no replica acknowledges.
   */
  async #unanswered(message: string): Promise<void> {
    if (this.#writability === undefined || this.#closed) return;
    try {
      await this.run((session) => session.query('SELECT 1'), PING_DEADLINE_MS);
    } catch {
      return; // told of by the call itself
    }
    await this.#writability.unanswered(`${message} to a write, while reads are answered`);
  }

  async #acquireOrPassOn(deadline: number): Promise<Session> {
    try {
      return await this.#acquire(deadline);
    } catch (error) {
      this.#replaceForWaiter(); // a place that could not be filled is the next one's to try
      throw error;
    }
  }

  #acquire(deadline: number): Promise<Session> | Session {
    if (this.#closed) throw new SqlFailure('unsent', `${this.name}: the pool was closed`);
    if (!this.#health.available) throw new SqlFailure('unsent', `${this.name} is away: ${this.#health.reason}`);
    const idle = this.#idle.take();
    if (idle) {
      return idle.idleMs < this.#options.idleCheckMs ? idle.session : this.#usableOrAnother(idle.session, deadline);
    }
    if (this.connections < this.#options.maxConnections) {
      return this.#open(Math.min(this.#options.connectDeadlineMs, deadline - performance.now()));
    }
    return this.#waiters.join(deadline);
  }

  async #usableOrAnother(session: Session, deadline: number): Promise<Session> {
    const pingMs = Math.min(PING_DEADLINE_MS, (deadline - performance.now()) * PING_PART);
    if (pingMs < LEAST_PING_MS) return session;
    const timer = setTimeout(() => session.destroy('it was idle, and did not answer a ping'), pingMs);
    try {
      await session.query('SELECT 1');
      return session;
    } catch {
      // Nothing was lost with it, and the server will tell of itself by how it takes the next connection. What was idle as long has
      // gone the same way.
      this.#drop([session, ...this.#idle.takeIdleFor(this.#options.idleCheckMs)], 'it was idle for too long');
      return this.#acquire(deadline);
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(deadlineMs: number): Promise<Session> {
    this.#opening += 1;
    const startedAt = performance.now();
    try {
      const session = await Session.open(this.#member, deadlineMs);
      if (this.#closed) {
        session.destroy('the pool was closed');
        throw new SqlFailure('unsent', `${this.name}: the pool was closed`);
      }
      this.#sessions.add(session);
      if (!session.facts.fsyncPerCommit) {
        this.#warn(
          `${this.name} has innodb_flush_log_at_trx_commit at another value than 1: links that were answered 201 are lost when its machine loses power`,
        );
      }
      return session;
    } catch (error) {
      const isOnlyLate =
        deadlineMs < this.#options.connectDeadlineMs * TELLING_PART &&
        performance.now() - startedAt >= Math.trunc(deadlineMs);
      if (!isOnlyLate) this.#health.failure(error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      this.#opening -= 1;
    }
  }

  #release(session: Session): void {
    if (session.usable && !this.#closed) {
      this.#offer(session);
    } else {
      this.#sessions.delete(session);
      this.#replaceForWaiter();
    }
  }

  /** Gives a free connection to whoever waits longest, or keeps it for the next call. */
  #offer(session: Session): void {
    if (!session.usable) {
      this.#sessions.delete(session);
      return;
    }
    const waiter = this.#waiters.first;
    if (waiter) waiter.take(session);
    else this.#idle.add(session);
  }

  /** A connection has gone, and with it what one who waits was waiting for: opens another for them. */
  #replaceForWaiter(): void {
    const waiter = this.#waiters.first;
    if (!waiter || this.connections >= this.#options.maxConnections || !this.#health.available || this.#closed) return;
    this.#open(this.#options.connectDeadlineMs).then(
      (session) => this.#offer(session),
      (error: unknown) => {
        waiter.refuse(new SqlFailure('unsent', `${this.name}: ${(error as Error).message}`));
        this.#replaceForWaiter();
      },
    );
  }

  /** The server is away: idle connections are as dead as the one that showed it, and waiting is no use. */
  #giveUp(reason: string): void {
    this.#drop(this.#idle.takeIdleFor(0), reason);
    this.#waiters.refuseAll(`${this.name} is away: ${reason}`);
  }

  #drop(sessions: readonly Session[], reason: string): void {
    for (const session of sessions) {
      session.destroy(reason);
      this.#sessions.delete(session);
    }
  }

  async #probe(): Promise<void> {
    const session = await this.#open(this.#options.connectDeadlineMs);
    await this.#signOfLife?.(session).catch((error: unknown) => {
      session.destroy('what is behind its server is away');
      this.#sessions.delete(session);
      throw error;
    });
    this.#offer(session);
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.observer.warning?.(this.name, message);
  }
}
