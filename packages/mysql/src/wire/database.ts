import type { Beat } from './beats.js';
import type { Session } from './connection.js';
import { SqlFailure } from './errors.js';
import { type MemberAnswer, MemberWatch } from './member-watch.js';
import type { MemberRole, MysqlObserver } from './observer.js';
import type { PrimaryPool, ReplicaReader, ServerPool } from './primary-pool.js';
import { Readers } from './readers.js';
import { type Decision, type MemberState, type MemberView, Roles } from './roles.js';
import { settledWithin } from './settled-within.js';
import type { SqlSession } from './transaction.js';

/** One member of a database: the way to it, and the question what it is, which has a connection of its own. */
export interface MemberLink {
  readonly pool: ServerPool;
  /** Bounded; rejects where no answer comes. */
  readonly ask: () => Promise<MemberAnswer>;
  readonly close: () => void;
}

export interface DatabaseOptions {
  readonly observer?: MysqlObserver;
  /** Makes the next beat, if `last` still is the last. Given by those who write; others only look. */
  readonly beat?: (session: SqlSession, last: Beat) => Promise<void>;
  /** Uniform in [0, 1), for jitter. */
  readonly random?: () => number;
}

/** After so long without an answer of the primary nobody knows that it still is it: a process may have been paused. By far more than between two questions. */
const STALE_MS = 5_000;
/** Less than between two questions, so that whoever finds the same beat twice makes the next. */
const BEAT_EVERY_MS = 200;

interface Known {
  state: MemberState;
  /** When the last question that was answered was sent. */
  answeredAtMs: number;
  role: MemberRole | undefined;
}

/**
 * One database of several servers, as one pool: calls go to the primary, whoever that is now. Lakh asks each member again and again what it is
 * (`roles.ts` judges), and follows a promotion that somebody else made. With one member nothing is asked, and every call goes to it.
 *
 * What is under way on the primary when another takes its place is given up as lost, with its connections: an old primary that wakes must not
 * end a transaction that nobody will find. A failure of unknown outcome stays one: nothing is sent again elsewhere by this layer.
 */
export class Database implements PrimaryPool {
  /** Undefined where there is one member. */
  readonly reader?: () => ReplicaReader | undefined;
  readonly #links: readonly MemberLink[];
  readonly #options: DatabaseOptions;
  readonly #observer: MysqlObserver;
  readonly #roles = new Roles();
  readonly #known: Known[];
  readonly #watches: readonly MemberWatch[];
  readonly #readers: Readers;
  #decision: Decision = { mode: undefined, primary: undefined, problem: '', rivals: [] };
  #firstDecision: Promise<unknown> = Promise.resolve();
  /** Since when there may be rivals; what they said before may have changed when the other spoke. */
  #doubtedAtMs: number | undefined;
  #told = '';
  #lastPrimary: number | undefined;
  #lastBeat: { readonly beat: Beat; readonly seenAtMs: number } | undefined;
  #isBeating = false;
  #isClosed = false;

  constructor(links: readonly MemberLink[], options: DatabaseOptions = {}) {
    this.#links = links;
    this.#options = options;
    this.#observer = options.observer ?? {};
    const random = options.random ?? Math.random;
    this.#known = links.map(() => ({
      state: { kind: 'unknown' },
      answeredAtMs: Number.NEGATIVE_INFINITY,
      role: undefined,
    }));
    this.#readers = new Readers(
      links.map(({ pool }) => pool),
      random,
    );
    this.#watches =
      links.length === 1
        ? []
        : links.map(({ ask }, member) => {
            const heard = (answer: MemberAnswer, sentAtMs: number) => this.#heard(member, answer, sentAtMs);
            return new MemberWatch({ ask, heard, random });
          });
    if (links.length === 1) {
      this.#decision = { mode: 'plain', primary: 0, problem: '', rivals: [] };
    } else {
      this.reader = () => this.#reader();
      this.#firstDecision = this.#askAll();
    }
  }

  get name(): string {
    return this.#links.map(({ pool }) => pool.name).join(', ');
  }

  get deadlineMs(): number {
    return this.#only.deadlineMs;
  }

  /** Whether a call has a chance: there is a primary that is not known to be away, or who it is is being asked for the first time. */
  get available(): boolean {
    const { primary } = this.#decision;
    return primary === undefined ? this.#isAsking : (this.#links[primary]?.pool.available ?? false);
  }

  get unavailableReason(): string {
    const { primary, problem } = this.#decision;
    return primary === undefined ? problem : (this.#links[primary]?.pool.unavailableReason ?? '');
  }

  get writeRefusal(): string {
    const { primary, problem } = this.#decision;
    if (primary === undefined || problem !== '') return problem;
    return this.#links[primary]?.pool.writeRefusal ?? '';
  }

  async run<T>(work: (session: Session) => Promise<T>, deadlineMs = this.deadlineMs): Promise<T> {
    return this.#atPrimary(deadlineMs, (pool, leftMs) => pool.run(work, leftMs));
  }

  /** Once more where the connection broke before all was answered: at whoever is the primary by then. */
  async read<T>(work: (session: Session) => Promise<T>, deadlineMs = this.deadlineMs): Promise<T> {
    const deadline = performance.now() + deadlineMs;
    try {
      return await this.run(work, deadlineMs);
    } catch (error) {
      const leftMs = deadline - performance.now();
      if (!(error instanceof SqlFailure) || error.kind !== 'lost' || leftMs <= 0) throw error;
      return this.run(work, leftMs);
    }
  }

  async transaction<T>(work: (session: Session) => Promise<T>, deadlineMs = this.deadlineMs): Promise<T> {
    return this.#atPrimary(deadlineMs, (pool, leftMs) => pool.transaction(work, leftMs));
  }

  async proveWritable(): Promise<void> {
    await this.#atPrimary(this.deadlineMs, (pool) => pool.proveWritable());
  }

  #reader(): ReplicaReader | undefined {
    if (this.#decision.mode !== 'plain') return undefined;
    const { primary } = this.#decision;
    const isAway = primary === undefined || !this.available || this.#known[primary]?.state.kind === 'away';
    // Of rivals the one that was the primary before there were two has what was acknowledged until then.
    return isAway ? this.#readers.lastResort(this.#lastPrimary) : this.#readers.next();
  }

  /** How far each replica may be behind, in milliseconds, by its name; infinite where nothing proves it. */
  lags(): ReadonlyMap<string, number> {
    return this.#readers.lags();
  }

  close(): void {
    this.#isClosed = true;
    for (const watch of this.#watches) watch.close();
    for (const { pool, close } of this.#links) {
      close();
      pool.close();
    }
  }

  get #only(): ServerPool {
    const [link] = this.#links;
    if (link === undefined) throw new Error('a database has at least one member');
    return link.pool;
  }

  get #isAsking(): boolean {
    return this.#known.some(({ state }) => state.kind === 'unknown');
  }

  #atPrimary<T>(deadlineMs: number, call: (pool: ServerPool, leftMs: number) => Promise<T>): Promise<T> {
    const { primary } = this.#decision;
    const isKnown = this.#watches.length === 0 || this.#isFresh(primary);
    return primary !== undefined && isKnown
      ? call((this.#links[primary] as MemberLink).pool, deadlineMs)
      : this.#onceKnown(deadlineMs, call);
  }

  async #onceKnown<T>(deadlineMs: number, call: (pool: ServerPool, leftMs: number) => Promise<T>): Promise<T> {
    const deadline = performance.now() + deadlineMs;
    const asking = this.#isAsking
      ? this.#firstDecision
      : this.#decision.primary === undefined
        ? undefined
        : this.#askAll();
    if (asking !== undefined) await settledWithin(asking, deadlineMs);
    const { primary, problem } = this.#decision;
    if (primary === undefined)
      throw new SqlFailure('unsent', problem || 'its members have not said yet which is the primary');
    return call((this.#links[primary] as MemberLink).pool, Math.max(0, deadline - performance.now()));
  }

  /** A primary that is away is no secret: its own calls tell. One that was not asked for long may have been replaced meanwhile. */
  #isFresh(primary: number | undefined): boolean {
    const known = primary === undefined ? undefined : this.#known[primary];
    return known !== undefined && (known.state.kind === 'away' || performance.now() - known.answeredAtMs < STALE_MS);
  }

  async #askAll(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.ask()));
  }

  /** A write was refused, or took too long: it may be that another is the primary now. Called by whoever makes the pools. */
  doubt(member: string): void {
    if (this.#watches.length === 0 || this.#isClosed) return;
    const index = this.#links.findIndex(({ pool }) => pool.name === member);
    if (index !== this.#decision.primary) return;
    this.#judge();
    void this.#askAll();
  }

  #heard(member: number, answer: MemberAnswer, sentAtMs: number): void {
    if (this.#isClosed) return;
    const known = this.#known[member] as Known;
    known.state = answer.state;
    if (answer.state.kind !== 'away') known.answeredAtMs = sentAtMs;
    this.#judge();
    const isPrimary = member === this.#decision.primary;
    this.#readers.heard(member, isPrimary, answer, sentAtMs);
    if (isPrimary && answer.beat !== undefined) this.#beatAfter(answer.beat, sentAtMs);
  }

  #judge(): void {
    const views = this.#links.map(({ pool }, member): MemberView => {
      const { state } = this.#known[member] as Known;
      return { name: pool.name, state, refusal: pool.writeRefusal };
    });
    const before = this.#decision;
    const decision = this.#roles.judge(views);
    this.#decision = decision;
    if (decision.primary !== before.primary) this.#changed(before, decision);
    if (!this.#isConfirmed(decision)) return;
    this.#tellRoles(decision);
    this.#tellProblem(decision.problem);
  }

  #changed(before: Decision, { mode, primary }: Decision): void {
    this.#readers.forget();
    this.#lastBeat = undefined;
    const old = before.primary === undefined ? undefined : this.#links[before.primary]?.pool;
    // Peers have the same rows, whichever of them commits.
    if (mode === 'plain') old?.abandon('another server may be the primary now');
    if (primary === undefined) return;
    const last = this.#lastPrimary;
    this.#lastPrimary = primary;
    if (last !== primary)
      this.#observer.primary?.(this.#nameOf(primary), last === undefined ? undefined : this.#nameOf(last));
  }

  #nameOf(member: number): string {
    return (this.#links[member] as MemberLink).pool.name;
  }

  /** Of several that take writes each is asked once more before anybody is told: one of them may have been demoted as the other was promoted. */
  #isConfirmed({ rivals }: Decision): boolean {
    if (rivals.length === 0) {
      this.#doubtedAtMs = undefined;
      return true;
    }
    if (this.#doubtedAtMs === undefined) {
      this.#doubtedAtMs = performance.now();
      void this.#askAll();
    }
    const since = this.#doubtedAtMs;
    return rivals.every((member) => (this.#known[member] as Known).answeredAtMs >= since);
  }

  #tellProblem(problem: string): void {
    if (problem === this.#told) return;
    this.#told = problem;
    this.#observer.primaryProblem?.(problem);
  }

  #tellRoles(decision: Decision): void {
    if (decision.mode === undefined) return;
    this.#links.forEach(({ pool }, member) => {
      const known = this.#known[member] as Known;
      const role = roleOf(known.state, member === decision.primary);
      if (role === undefined || role === known.role) return;
      known.role = role;
      this.#observer.role?.(pool.name, role, known.state.kind === 'away' ? known.state.reason : '');
    });
  }

  /** Those who write keep the beats going: whoever finds that the last one stays makes the next, and one of these succeeds. */
  #beatAfter(last: Beat, seenAtMs: number): void {
    const { beat } = this.#options;
    const before = this.#lastBeat;
    if (before?.beat.nonce !== last.nonce) {
      this.#lastBeat = { beat: last, seenAtMs };
      return;
    }
    if (beat === undefined || this.#isBeating || this.writeRefusal !== '') return;
    if (seenAtMs - before.seenAtMs < BEAT_EVERY_MS) return;
    this.#isBeating = true;
    const done = () => {
      this.#isBeating = false;
    };
    // What it fails with whoever writes meets too, and the pool has told of it.
    this.run((session) => beat(session, last)).then(done, done);
  }
}

function roleOf(state: MemberState, isPrimary: boolean): MemberRole | undefined {
  if (state.kind === 'unknown') return undefined;
  if (state.kind === 'away') return 'away';
  if (isPrimary) return 'primary';
  if (state.kind !== 'plain') return 'peer';
  return state.isReadOnly ? 'replica' : 'rival';
}
