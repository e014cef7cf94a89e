import { inTransaction, SqlFailure, type SqlPool, type SqlResult, type SqlSession } from '@lakh/mysql';
import type { Network, NetworkFault, Purpose } from '../network.js';
import type { SimulatedProcess } from '../process.js';
import type { SimulatedDatabase, SqlServerSession } from './database.js';

const DEADLINE_MS = 2_000;
/** Galera: not ready. */
const ER_UNKNOWN_COM_ERROR = 1047;
const CLAIM = "UPDATE id_leases SET state='leased'";

export interface DatabaseEnds {
  readonly database: SimulatedDatabase;
  readonly network: Network;
  readonly process: SimulatedProcess;
}

/** As `Pool`, with a connection of its own for each call. */
export class SimulatedPool implements SqlPool {
  readonly name = 'the simulated database';
  readonly #ends: DatabaseEnds;

  constructor(ends: DatabaseEnds) {
    this.#ends = ends;
  }

  async run<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    const { network, process } = this.#ends;
    if (network.isAway('the ledger')) throw new SqlFailure('unsent', 'the database is away');
    const session = new SimulatedSqlSession(this.#ends);
    const cancel = process.clock.schedule(DEADLINE_MS, () => session.destroy(`no answer within ${DEADLINE_MS} ms`));
    try {
      return await work(session);
    } catch (error) {
      if (!(error instanceof SqlFailure)) session.destroy('its user failed');
      throw error;
    } finally {
      cancel();
      session.destroy('given back');
    }
  }

  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    return this.run((session) => inTransaction(session, work));
  }

  /** It takes rows whenever it answers. */
  async proveWritable(): Promise<void> {}
}

interface Pending {
  readonly commits: boolean;
  readonly reject: (failure: SqlFailure) => void;
  isApplied: boolean;
  isLost: boolean;
}

/** One connection over a simulated wire; like `Session`, it serves one statement at a time and rejects with `SqlFailure` only. */
export class SimulatedSqlSession implements SqlSession {
  readonly #ends: DatabaseEnds;
  readonly #server: SqlServerSession;
  #brokenBy: string | undefined;
  #pending: Pending | undefined;
  #isCut = false;
  readonly #outlives: () => void;
  readonly #arrivesInMs: (wayMs: number) => number;
  /** What the COMMIT is for. */
  #purpose: Purpose = 'lease';

  constructor(ends: DatabaseEnds) {
    this.#ends = ends;
    this.#arrivesInMs = ends.network.inOrder('the ledger');
    this.#server = ends.database.open(() => {
      this.#isCut = true;
      this.#noticeLater('the server closed the connection');
    });
    this.#outlives = ends.process.atDeath(() => this.#closeLater());
  }

  query(sql: string, commits = false): Promise<SqlResult> {
    if (this.#brokenBy !== undefined) return Promise.reject(new SqlFailure('unsent', this.#brokenBy));
    if (this.#pending) throw new Error('a session serves one statement at a time');
    return new Promise((resolve, reject) => {
      const pending: Pending = { commits, reject, isApplied: false, isLost: false };
      this.#pending = pending;
      this.#send(sql, pending, (answer) => {
        if (this.#pending !== pending) return;
        this.#pending = undefined;
        if (answer instanceof SqlFailure) reject(answer);
        else resolve(answer);
      });
    });
  }

  destroy(reason: string): void {
    if (this.#brokenBy !== undefined) return;
    this.#brokenBy = reason;
    this.#outlives();
    const { database, network } = this.#ends;
    const pending = this.#pending;
    if (!pending && database.isIdle(this.#server)) {
      // It holds nothing and hears nothing more: when it ends makes no difference.
      database.close(this.#server);
      return;
    }
    if (pending) {
      this.#pending = undefined;
      pending.isLost = true;
      if (pending.commits && pending.isApplied) network.coverage.add('an unknown outcome that was applied');
      pending.reject(new SqlFailure('lost', reason, { commits: pending.commits }));
    }
    this.#closeLater();
  }

  /** Behind whatever is on its way: a late COMMIT commits. */
  #closeLater(): void {
    const { database, network } = this.#ends;
    network.time.schedule(this.#arrivesInMs(network.wayMs(false)), () => database.close(this.#server));
  }

  #send(sql: string, pending: Pending, answered: (answer: SqlResult | SqlFailure) => void): void {
    const { network } = this.#ends;
    const name = nameOf(sql);
    const fault = network.draw('the ledger', name, pending.commits ? 'write' : 'read', this.#purposeOf(sql));
    network.time.schedule(this.#arrivesInMs(network.wayMs(fault === 'slow request')), () =>
      this.#arrive(sql, pending, fault, answered),
    );
  }

  #arrive(
    sql: string,
    pending: Pending,
    fault: NetworkFault,
    answered: (answer: SqlResult | SqlFailure) => void,
  ): void {
    const { database, network, process } = this.#ends;
    if (fault === 'lost request') this.#break();
    if (this.#isCut || !this.#server.isOpen) return;
    if (fault === 'refused') {
      const failure = new SqlFailure('refused', 'simulated', { errno: ER_UNKNOWN_COM_ERROR, commits: pending.commits });
      network.deliver(process, () => answered(failure));
      return;
    }
    database.execute(this.#server, sql, pending.commits, (answer) => {
      pending.isApplied = !(answer instanceof SqlFailure);
      if (pending.isLost && pending.isApplied && pending.commits) {
        network.coverage.add('a write applied after its caller had given up');
      }
      if (fault === 'lost answer') this.#break();
      if (this.#isCut) return;
      // Only what may have committed has a way back that matters: see the ensemble's connection.
      if (!pending.commits && fault !== 'slow answer') process.deliver(() => answered(answer));
      else network.deliver(process, () => answered(answer), fault === 'slow answer');
    });
  }

  #purposeOf(sql: string): Purpose {
    if (sql.startsWith('INSERT INTO id_releases')) this.#purpose = 'remainder';
    if (sql.startsWith(CLAIM)) return 'remainder';
    return sql === 'COMMIT' || sql.startsWith('INSERT') ? this.#purpose : 'other';
  }

  /** The server notices at once. Half of the time the client is told too, otherwise it finds out by its deadline. */
  #break(): void {
    this.#isCut = true;
    this.#ends.database.close(this.#server);
    if (this.#ends.network.random() < 0.5) this.#noticeLater('the connection was closed');
  }

  #noticeLater(reason: string): void {
    const { network, process } = this.#ends;
    network.deliver(process, () => this.destroy(reason));
  }
}

function nameOf(sql: string): string {
  if (sql === 'COMMIT') return 'ledger COMMIT';
  if (sql.startsWith(CLAIM)) return 'ledger claim';
  return `ledger ${sql.slice(0, sql.indexOf(' '))}`;
}
