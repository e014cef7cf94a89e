import { connect as connectSocket, type Socket } from 'node:net';
import { type Connection, createConnection, type QueryError, type ResultSetHeader, type SslOptions } from 'mysql2';
import { DatabaseUnsupportedError, SqlFailure } from './errors.js';
import { type Member, memberName } from './member.js';
import { checkedHost, sslOptionsOf } from './tls.js';

/** Rows as arrays of column values, and what a statement without rows changed. */
export interface SqlResult {
  readonly rows: readonly (readonly unknown[])[];
  /** Rows matched by an UPDATE (changed or not), inserted or deleted. */
  readonly affectedRows: number;
}

/** What a server says of itself when a session opens. */
export interface ServerFacts {
  readonly version: string;
  /** innodb_flush_log_at_trx_commit is 1: a commit is on disk before it is acknowledged. */
  readonly fsyncPerCommit: boolean;
}

/** Strict, and without NO_BACKSLASH_ESCAPES or ANSI_QUOTES whatever the server's default is: sql.ts rests on that. */
const SESSION_SQL_MODE =
  'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';
/**
 * A server that is paused in the middle of a transaction keeps its locks, of the ledger's head among them, and everybody's leases wait. Between
 * two statements of a live one there are milliseconds; after this many seconds the database ends the transaction.
 */
const IDLE_TRANSACTION_S = 5;
/**
 * Idle for so long, a connection is asked by TCP whether it still is one, so that what is on its way (firewalls, address translators, balancers: a
 * minute to some) does not forget it. The system's own default is two hours.
 */
const KEEP_ALIVE_AFTER_MS = 20_000;
/** Only MariaDB reads it, and not every build of it has the variable. */
const GALERA =
  "/*M!100300 , (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME='WSREP_ON') */";
const LOWEST_MAX_ALLOWED_PACKET = 1_048_576;

/**
 * One connection to one server, used by one caller at a time. mysql2 bounds neither the opening of a connection (once the
 * socket is up) nor a statement, and a promise of a destroyed connection never settles there; here each does: whatever
 * waits is rejected by {@link destroy}, which also takes the socket down at once (mysql2's own only half-closes it).
 */
export class Session {
  readonly #connection: Connection;
  readonly #socket: Socket;
  #broken: SqlFailure | undefined;
  #rejectPending: ((failure: SqlFailure) => void) | undefined;
  #onBroken: (() => void) | undefined;
  facts: ServerFacts = { version: '', fsyncPerCommit: true };

  private constructor(member: Member, ssl: SslOptions | undefined) {
    const { host, port, socketPath } = member;
    this.#socket = connectSocket({
      ...(socketPath === undefined ? { host, port } : { path: socketPath }),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
    });
    this.#connection = createConnection({
      stream: this.#socket,
      host: checkedHost(member),
      ...(ssl && { ssl }),
      connectTimeout: 0, // bounded by open(), as a whole
      user: member.user,
      password: member.password,
      database: member.database,
      charset: 'UTF8MB4_GENERAL_CI', // known to both engines in every version
      flags: ['-LOCAL_FILES'], // a server may not ask this client for files
      queryFormat: (sql) => sql, // statements come complete: a ? in a URL is a ?
    });
    this.#connection.on('error', (error: Error) => this.#breakDown(describe(error)));
    this.#connection.on('end', () => this.#breakDown('the server closed the connection'));
    this.#socket.on('close', () => this.#breakDown('the connection closed'));
  }

  /** A session set up and checked, within `deadlineMs` as a whole; {@link DatabaseUnsupportedError} when it never can be. */
  static async open(member: Member, deadlineMs: number): Promise<Session> {
    const session = new Session(member, sslOf(member));
    const timer = setTimeout(
      () => session.destroy(`${memberName(member)} did not accept a connection within ${Math.ceil(deadlineMs)} ms`),
      deadlineMs,
    );
    try {
      await session.#handshake();
      await session.#setUp(memberName(member));
      return session;
    } catch (error) {
      session.destroy('its opening failed');
      throw error instanceof SqlFailure ? new SqlFailure('unsent', error.serverMessage, { errno: error.errno }) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  get usable(): boolean {
    return this.#broken === undefined;
  }

  /** Called once, when the session breaks while nobody uses it. */
  set onBroken(run: (() => void) | undefined) {
    this.#onBroken = run;
  }

  /**
   * Sends one statement. `commits`: it makes something durable by itself (a write outside a transaction, or COMMIT), so that a
   * lost answer means an unknown outcome. Rejects with {@link SqlFailure} only.
   */
  query(sql: string, commits = false): Promise<SqlResult> {
    if (this.#broken) return Promise.reject(this.#broken);
    if (this.#rejectPending) throw new Error('a session serves one statement at a time');
    return new Promise((resolve, reject) => {
      this.#rejectPending = (failure) => {
        this.#rejectPending = undefined;
        reject(new SqlFailure('lost', failure.message, { commits }));
      };
      this.#connection.query({ sql, rowsAsArray: true }, (error: QueryError | null, result: unknown) => {
        if (this.#rejectPending === undefined) return; // settled by destroy() before
        this.#rejectPending = undefined;
        if (error) reject(this.#failureOf(error, commits));
        else resolve(asResult(result));
      });
    });
  }

  /** Ends it at once, without a word to the server; whatever waits for an answer is rejected as lost. */
  destroy(reason: string): void {
    this.#breakDown(reason);
    this.#connection.destroy();
    this.#socket.destroy();
  }

  #breakDown(reason: string): void {
    if (this.#broken) return;
    this.#broken = new SqlFailure('unsent', reason);
    this.#rejectPending?.(this.#broken);
    this.#socket.destroy();
    this.#onBroken?.();
  }

  #handshake(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#rejectPending = reject;
      this.#connection.connect((error) => {
        if (this.#rejectPending === undefined) return;
        this.#rejectPending = undefined;
        if (error) reject(this.#failureOf(error, false));
        else resolve();
      });
    });
  }

  async #setUp(name: string): Promise<void> {
    // A vtgate answers this by itself, whatever its tablets do.
    const version = String((await this.query('SELECT @@version')).rows[0]?.[0]);
    if (isVitess(version)) {
      // Most other settings would tie the session to the first shard's primary; its servers have them for everybody (docs/scale.md).
      await this.query(`SET SESSION transaction_timeout=${IDLE_TRANSACTION_S * 1000}`);
      assertSupported(name, version, LOWEST_MAX_ALLOWED_PACKET);
      this.facts = { version, fsyncPerCommit: true };
      return;
    }
    // What stands in the comment only MariaDB reads; MySQL has no such setting.
    await this.query(
      `SET SESSION sql_mode='${SESSION_SQL_MODE}', SESSION time_zone='+00:00', SESSION autocommit=1, SESSION innodb_lock_wait_timeout=2 /*M!100300 , SESSION idle_write_transaction_timeout=${IDLE_TRANSACTION_S} */`,
    );
    await this.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    const { rows } = await this.query(
      `SELECT @@global.innodb_flush_log_at_trx_commit, @@global.max_allowed_packet ${GALERA}`,
    );
    const [flush, maxPacket, galera] = rows[0] ?? [];
    assertSupported(name, version, Number(maxPacket));
    // A node has received what others committed, and may not have applied it yet, or was left out by them and does not know: reads wait until the
    // others have answered it (docs/adr/0024), and are as fresh as a primary's.
    if (galera === 'ON') await this.query('SET SESSION wsrep_sync_wait=1');
    this.facts = { version, fsyncPerCommit: Number(flush) === 1 };
  }

  #failureOf(error: QueryError, commits: boolean): SqlFailure {
    // Only an error packet of the server's has an SQL state; everything else is the network's or the driver's.
    if (typeof error.sqlState === 'string' && typeof error.errno === 'number' && error.errno > 0) {
      const message = `the server answered ${error.code} (${error.errno})`;
      const serverMessage = `${message}: ${error.message}`;
      return new SqlFailure('refused', message, { errno: error.errno, commits, serverMessage });
    }
    this.#breakDown(describe(error));
    return new SqlFailure('lost', describe(error), { commits });
  }
}

/** Throws {@link SqlFailure} where a file cannot be read now: it may be there again for the next connection. */
function sslOf({ tls }: Member): SslOptions | undefined {
  try {
    return tls && sslOptionsOf(tls);
  } catch (error) {
    throw new SqlFailure('unsent', (error as Error).message);
  }
}

function describe(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  const message = error.message || (error instanceof AggregateError ? String(error.errors[0]) : '');
  return message.includes(String(code)) || code === undefined ? message || error.name : `${code} ${message}`.trim();
}

function asResult(result: unknown): SqlResult {
  if (Array.isArray(result)) return { rows: result as unknown[][], affectedRows: 0 };
  return { rows: [], affectedRows: (result as ResultSetHeader | undefined)?.affectedRows ?? 0 };
}

/** Whether it is a vtgate, behind which a keyspace may have many shards. */
export function isVitess(version: string): boolean {
  return /vitess/i.test(version);
}

/** MySQL ≥ 8.4 or MariaDB ≥ 10.11; engines that speak MySQL's protocol under a version of their own (TiDB, Vitess) pass. */
export function assertSupported(name: string, version: string, maxAllowedPacket: number): void {
  const [major = 0, minor = 0] = (/\d+\.\d+/.exec(version)?.[0] ?? '').split('.').map(Number);
  const atLeast = (lowestMajor: number, lowestMinor: number) =>
    major > lowestMajor || (major === lowestMajor && minor >= lowestMinor);
  const supported = /tidb|vitess/i.test(version) || (/mariadb/i.test(version) ? atLeast(10, 11) : atLeast(8, 4));
  if (!supported) {
    throw new DatabaseUnsupportedError(
      `${name} runs version ${version}; Lakh needs MySQL 8.4 or MariaDB 10.11, or later`,
    );
  }
  if (maxAllowedPacket < LOWEST_MAX_ALLOWED_PACKET) {
    throw new DatabaseUnsupportedError(
      `${name} has max_allowed_packet=${maxAllowedPacket}; Lakh needs at least ${LOWEST_MAX_ALLOWED_PACKET}`,
    );
  }
}
